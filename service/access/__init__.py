"""Access control: host names, origins, bearer tokens and rate limits.

`check` combines `sites` and `tokens` into the check that every request passes. `rate_limits` and
`security_headers` are hooks of Flask.
"""
