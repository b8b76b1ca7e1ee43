"""To be described: service/api/analysis."""
