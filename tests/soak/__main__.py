"""Use three machines while faults occur, record every call, and check the history afterwards.

`python -m tests.soak --seconds 900`, or `make soak-hosts`. With ``--mutants``, it makes deliberate
faults in the code, one after the other, and has to find what each of them breaks.
"""

import argparse
import json
import re
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.checker import KINDS
from tests.soak.machines import why_impossible
from tests.soak.mutants import MUTANTS
from tests.soak.soak import run_soak, storm


def main() -> int:
    """Print what was found; return 1 if that is something, or for a mutant if it is nothing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=900)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep the history and the logs here")
    parser.add_argument(
        "--mutants",
        nargs="*",
        choices=list(MUTANTS),
        help="find these deliberate faults, by default all",
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        if folder.exists() and any(folder.iterdir()):
            parser.error(f"--folder: {folder} is not empty")
        if why := why_impossible():
            raise SystemExit(f"no hosts can be made on this machine: {why}")
        if arguments.mutants is not None:
            names = arguments.mutants or list(MUTANTS)
            found = [_find(folder / name, name) for name in names]
            return int(not all(found))
        schedule = storm(arguments.seconds, arguments.seed)
        report = run_soak(folder / "soak", schedule, arguments.seed)
    print(json.dumps(report, indent=1))
    return int(any(report[kind] for kind in KINDS))


def _find(folder: Path, name: str) -> bool:
    """Run the soak with a mutant; tell whether what it breaks has been found."""
    began = time.monotonic()
    mutant = MUTANTS[name]
    try:
        report = run_soak(folder, mutant.provoke, 1, users=1, mutant=name, patience_s=600)
        texts = [f"{kind}: {text}" for kind in KINDS for text in report[kind]]
    except AssertionError as error:  # the moment did not come
        texts = [str(error)]
    shown = [text for text in texts if re.search(mutant.shows, text)]
    took = time.monotonic() - began
    print(
        f"{'found' if shown else 'MISSED':6}  {name:18}  {took:4.0f} s  {mutant.what}", flush=True
    )
    for text in (shown or texts)[:3]:
        print(f"    {text[:160]}", flush=True)
    return bool(shown)


if __name__ == "__main__":
    sys.exit(main())
