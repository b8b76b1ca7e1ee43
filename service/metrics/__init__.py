"""What the API counts (`counts`), and how the counts of all its processes are summed (`tally`).

`service.api.metrics` exposes the sums to Prometheus.
"""
