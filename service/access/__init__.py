"""Who may send which request: by host name, origin, bearer token and rate limit.

`check` has the check that every request passes, made of `sites` and `tokens`. `rate_limits` and
`security_headers` add to Flask's requests and responses.
"""
