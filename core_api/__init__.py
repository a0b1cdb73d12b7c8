"""The public HTTP API and its use cases: recommend, rate, search, keep the catalogue."""
