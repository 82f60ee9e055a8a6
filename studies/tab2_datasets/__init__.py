"""Table 2: untouched, ALG and DyMoS on the data sets."""
