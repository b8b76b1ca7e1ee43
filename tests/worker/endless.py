"""A search for a device that never ends: some drivers hang when they are asked for it."""

import signal

if __name__ == "__main__":
    signal.pause()
