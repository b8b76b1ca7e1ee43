"""Who may send a request: tokens, sites and rate limits."""
