"""Compare Stepbox's `/predict` with other model servers, and print one table of it.

    python -m benchmarks.serving [--quick] [--peers stepbox,fastapi] [--rounds 3] [--seconds 8]

What makes it fair:

- One network for all: 784-256-128-64-10, trained here on Fashion-MNIST. Stepbox serves it as a
  model; the others read the same safetensors file into torch, by the same few lines
  (`peers/network.py`), with one thread a process and without autograd. One NumPy, Pillow and
  torch for all.
- One request for all: a PNG of 28×28 pixels as the raw body of a POST, 100 different ones in
  turn, so that nothing is gained by remembering an answer. Who cannot take that has it wrapped,
  and the table says how. One answer: the ten probabilities as JSON, compared with the network's
  own before anything is timed. Stepbox checks the request, may invert the picture, and answers
  with the logits, the classes' names and the model's id too: more work, left in.
- The same two cores for all, of which wrk (one thread, on loopback) takes its share; two
  processes each that run the network. No batching: a request is answered by itself. Access logs
  are off where they can be.
- In turns: a round starts each server anew, waits for its first right answer, warms it up for a
  second, loads it at 1, 16 and 64 connections, reads its memory and stops it. The table shows
  the medians of the rounds, so a slow minute of the machine meets all alike.
- Each peer is written as its documentation teaches, with what makes it faster where that is a
  setting; its application is in `peers/`, and its command and versions are printed.

Requests a second count right answers alone. p50 and p99 are wrk's, of a closed loop. Memory is the
proportional set size of all processes after the load (pages shared by several count once). First
answer is from the start of the command, of a server whose files are in the page cache. CPU is the
processor time of all of a server's processes for an answer at 16 connections: it says the least
about the machine's other work. Errors are refused requests, broken connections and timeouts.
"""

import argparse
import os
import sys
from datetime import UTC, datetime

from benchmarks.serving.contenders import CONTENDERS
from benchmarks.serving.model import serve_model
from benchmarks.serving.place import CACHE, Place, Round, prepare_bench
from benchmarks.serving.processes import NotStartedError
from benchmarks.serving.report import commands, machine, ratios, table


def compare(places: list[Place], rounds: int, seconds: float) -> dict[str, list[Round] | str]:
    """Let the contenders run in turns.

    Returns
    -------
    dict
        For each contender's name its rounds, or why there are none.
    """
    results: dict[str, list[Round] | str] = {}
    for place in places:
        try:
            place.prepare()
            results[place.contender.name] = []
        except NotStartedError as error:
            results[place.contender.name] = str(error)
    for number in range(rounds):
        for place in places:
            name = place.contender.name
            done = results[name]
            if isinstance(done, str):
                continue
            say(f"round {number + 1} of {rounds}: {name}")
            try:
                done.append(place.round(seconds))
            except NotStartedError as error:
                results[name] = str(error)
    return results


def say(words: str) -> None:
    """Tell on standard error what is being done."""
    print(f"{datetime.now(UTC):%H:%M:%S} {words}", file=sys.stderr, flush=True)


def main() -> None:
    """Print the table, then what it was made with."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round of 2 s, to try it")
    names = [contender.name for contender in CONTENDERS]
    parser.add_argument("--peers", default=",".join(names), help=f"some of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8, help="of each load (default: 8)")
    arguments = parser.parse_args()
    rounds, seconds = (1, 2) if arguments.quick else (arguments.rounds, arguments.seconds)
    chosen = arguments.peers.split(",")
    if unknown := set(chosen) - set(names):
        parser.error(f"no peer is called {', '.join(sorted(unknown))}")
    prepare_bench()
    say("training the network")
    served = serve_model(CACHE / "model")
    places = [Place(one, CACHE, served) for one in CONTENDERS if one.name in chosen]
    before = os.getloadavg()[0]
    results = compare(places, rounds, seconds)
    print(machine(before, rounds, seconds))
    print(table(places, results))
    print(ratios(results))
    print(commands(places))


if __name__ == "__main__":
    main()
