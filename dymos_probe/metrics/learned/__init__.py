"""Metrics by learned networks, from weights the user downloads; nothing is fetched, and torch loads when one runs."""
