"""Settings of the API alone."""

from pydantic import Field

from jobs.settings import Settings


class ServiceSettings(Settings):
    """What the API needs beside the shared settings."""

    host: str = Field("127.0.0.1", description="Address that the API listens at.")
    port: int = Field(8000, ge=1, le=65535)
    processes: int = Field(2, ge=1, description="Processes of gunicorn.")
    threads: int = Field(32, ge=2, description="Threads of each process.")
    event_streams: int = Field(
        24, ge=1, description="Event streams that a process holds at once; each takes a thread."
    )
    max_body_bytes: int = Field(32 * 2**20, ge=1, description="Largest request body taken.")
