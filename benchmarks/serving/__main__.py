"""Compare Stepbox's `/predict` with other model servers, and print a table.

    python -m benchmarks.serving [--network convolution] [--quick] [--peers stepbox,fastapi]
        [--rounds 3] [--seconds 8]

What makes the comparison fair:

- The same network, trained here: 784-256-128-64-10 on Fashion-MNIST, or with `--network
  convolution` on MNIST, 16 and 32 filters of 5×5, each followed by ReLU and a 2×2 max-pool, and a
  dense layer. Stepbox serves it as a model. The other servers read the same safetensors file into
  torch, with the same code (`peers/network.py`), one thread per process, and no autograd. All use
  the same NumPy, Pillow and torch.
- The same requests: 100 different PNG files of 28×28 pixels in turn, so that caching answers does
  not help. Each file is the raw body of a POST. If a server cannot read raw bodies, the file is
  wrapped, and the table says how.
- The same answer: the ten probabilities as JSON. Before a load, one answer is compared with the
  probabilities of the network. Stepbox also validates the request, checks whether to invert the
  image, and returns the logits, the class names and the id of the model. Its times include this
  extra work.
- The same resources: each server has two processes that run the network, on two cores. wrk runs on
  the same cores, in one thread, over loopback. There is no batching. Access logs are off where the
  server allows it.
- Alternating rounds, so that other work of the machine affects all servers alike: each round
  starts every server, waits for its first correct answer, warms it up for a second, loads it at 1,
  16 and 64 connections, reads its memory and stops it. The table shows the medians of the rounds.
- Each peer is written as its documentation recommends, with the settings that make it faster. The
  applications are in `peers/`. The commands and versions are printed.

The columns:

- req/s counts only answers with a status of success.
- p50 and p99 are the median and the 99th percentile of the latency. On each connection, wrk sends
  the next request when it has received the answer to the last.
- CPU is the CPU time of all processes of the server per successful answer, at 16 connections. This
  column depends least on other work of the machine.
- memory is the proportional set size of all processes after the load: memory that processes share
  counts once.
- first answer is the time from the start of the command to the first correct answer. The server's
  files are already in the page cache.
- errors are answers with a status of failure, broken connections and timeouts.
"""

import argparse
import os
import sys
from datetime import UTC, datetime

from benchmarks.serving.contenders import CONTENDERS
from benchmarks.serving.deployment import CACHE, Deployment, Round, prepare_bench
from benchmarks.serving.model import NETWORKS, serve_model
from benchmarks.serving.processes import NotStartedError
from benchmarks.serving.report import commands, machine, ratios, table


def compare(
    deployments: list[Deployment], rounds: int, seconds: float
) -> dict[str, list[Round] | str]:
    """Run the contenders in turns.

    Returns
    -------
    dict
        Maps the name of each contender to its rounds, or to the reason why it could not run.
    """
    results: dict[str, list[Round] | str] = {}
    for deployment in deployments:
        try:
            deployment.prepare()
            results[deployment.contender.name] = []
        except NotStartedError as error:
            results[deployment.contender.name] = str(error)
    for number in range(rounds):
        for deployment in deployments:
            name = deployment.contender.name
            done = results[name]
            if isinstance(done, str):
                continue
            say(f"round {number + 1} of {rounds}: {name}")
            try:
                done.append(deployment.round(seconds))
            except NotStartedError as error:
                results[name] = str(error)
    return results


def say(words: str) -> None:
    """Print a progress message to standard error."""
    print(f"{datetime.now(UTC):%H:%M:%S} {words}", file=sys.stderr, flush=True)


def main() -> None:
    """Print the table, the ratios, the commands and the versions."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--network", choices=NETWORKS, default="dense")
    parser.add_argument("--quick", action="store_true", help="one round, with 2 s per measurement")
    names = [contender.name for contender in CONTENDERS]
    parser.add_argument("--peers", default=",".join(names), help=f"some of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8, help="length of a load (default: 8)")
    arguments = parser.parse_args()
    rounds, seconds = (1, 2) if arguments.quick else (arguments.rounds, arguments.seconds)
    chosen = arguments.peers.split(",")
    if unknown := set(chosen) - set(names):
        parser.error(f"no peer is called {', '.join(sorted(unknown))}")
    prepare_bench()
    say("training the network")
    served = serve_model(CACHE / "models" / arguments.network, NETWORKS[arguments.network])
    deployments = [Deployment(one, CACHE, served) for one in CONTENDERS if one.name in chosen]
    before = os.getloadavg()[0]
    results = compare(deployments, rounds, seconds)
    print(machine(before, rounds, seconds))
    print(table(deployments, results))
    print(ratios(results))
    print(commands(deployments))


if __name__ == "__main__":
    main()
