"""Table 6: schedules over the query frames."""
