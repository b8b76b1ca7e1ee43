"""What computes: the part of a training that its recipe does not fix."""

import platform
from dataclasses import dataclass
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Computer:
    """What the last bits of weights depend on, beside recipe, data set and versions.

    Attributes
    ----------
    processor
        Name of the processor or of the GPU.
    instructions
        The kind of instructions that the engine uses of it.
    threads
        Threads that share a sum.
    """

    processor: str
    instructions: str
    threads: int


def processor_name() -> str:
    """Name this machine's processor."""
    if CPUINFO.exists():
        for line in CPUINFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
