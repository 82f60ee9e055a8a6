"""Figure 2: where an I2V model looks that its T2V counterpart does not."""
