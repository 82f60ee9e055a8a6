"""Table 1: untouched, ALG and DyMoS on the backbones."""
