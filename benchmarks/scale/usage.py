"""What Redis uses, and which processes belong together."""

from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

from redis import Redis


class Usage(NamedTuple):
    """What Redis has used since it started, or the difference of two such readings.

    Attributes
    ----------
    cpu_s
        CPU time of the process, in seconds. It does not contain the time that Redis waits for the
        disk.
    sent, received
        Bytes that Redis sent and received.
    commands
        Number of commands, with those of the scripts.
    """

    cpu_s: float
    sent: int
    received: int
    commands: int

    @classmethod
    def of(cls, client: Redis) -> Self:
        """Read the usage so far."""
        info: Any = client.info()
        return cls(
            info["used_cpu_user"] + info["used_cpu_sys"],
            info["total_net_output_bytes"],
            info["total_net_input_bytes"],
            info["total_commands_processed"],
        )

    def since(self, before: Self) -> Self:
        """Return what was used after an earlier reading."""
        return type(self)(*(now - then for now, then in zip(self, before, strict=True)))


def family(pid: int) -> list[int]:
    """Return the ids of a process and of all its descendants."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found
