"""Figure 5: how strongly and in how many steps."""
