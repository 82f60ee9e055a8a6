"""Table 5: what it costs."""
