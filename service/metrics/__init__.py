"""What the API counts, and how the counts of all its processes are summed.

`service.api.metrics` exposes the sums to Prometheus.
"""

__all__ = ["counts", "tally"]
