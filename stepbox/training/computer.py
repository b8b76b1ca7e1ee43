"""What is reported about the computer that a training runs on."""

import platform
from pathlib import Path

from pydantic import Field

from stepbox.training.report import Report

CPUINFO = Path("/proc/cpuinfo")


class ComputerReport(Report):
    """The computer that trained the weights. Their last bits depend on it."""

    processor: str = Field(description="Name of the processor or of the GPU.")
    instructions: str = Field(
        description="Kind of instructions that the engine used, for instance `znver3 avx2`."
    )
    threads: int = Field(ge=1, description="Number of threads that computed each sum.")


def processor_name() -> str:
    """Return the name of this machine's processor."""
    if CPUINFO.exists():
        for line in CPUINFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
