"""Check once that the bucket of the settings can be listed, written and read.

The exit status is 0, `REFUSED` if the bucket refuses this, or `AWAY` if it does not answer. Then
the output says why.
"""

import os
import secrets
import sys

from jobs.connection import connect
from jobs.places import SERVICE_PATIENCE_S, open_part
from jobs.settings import Settings
from stepbox.errors import UnavailableError

REFUSED = 1
AWAY = os.EX_TEMPFAIL


def main() -> int:
    """Check, and return the exit status."""
    settings = Settings()
    store = open_part(settings, "models", lambda: connect(settings), SERVICE_PATIENCE_S)
    probe = f".checks/{secrets.token_hex(8)}"
    content = probe.encode()
    try:
        store.check()
        store.put(probe, content)
        if store.get(probe, len(content)) != content:
            print("the bucket returns something else than was written to it")
            return REFUSED
        store.delete(probe)
    except UnavailableError as error:
        print(error.why)
        return REFUSED if error.refused else AWAY
    return 0


if __name__ == "__main__":
    sys.exit(main())
