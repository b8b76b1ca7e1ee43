"""Uploaded files that wait for their import, one per job.

    {job}    the body of the request, as it was sent

The API writes the file while the body arrives, and only then submits the job. The worker removes
it when the job has ended. A file without a job is left by a process that was killed.
"""

import time
from pathlib import Path

LEFT_AFTER_S = 3600  # no upload takes longer to become a job


class Uploads:
    """The uploaded files in a folder, which the API and the workers share.

    Parameters
    ----------
    folder
        Created with the first upload.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, job: str) -> Path:
        """Return the path of a job's file, which may not exist; the folder exists."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / job

    def drop(self, job: str) -> None:
        """Remove a job's file, if it exists."""
        self.path(job).unlink(missing_ok=True)

    def jobs(self) -> list[str]:
        """List the jobs that have files."""
        return [path.name for path in self._folder.iterdir()] if self._folder.is_dir() else []

    def left(self) -> list[str]:
        """List the jobs whose files were last written more than an hour ago."""
        if not self._folder.is_dir():
            return []
        before = time.time() - LEFT_AFTER_S
        return [path.name for path in self._folder.iterdir() if path.stat().st_mtime < before]

    def bytes(self) -> int:
        """Return the size of all files."""
        if not self._folder.is_dir():
            return 0
        return sum(path.stat().st_size for path in self._folder.iterdir())
