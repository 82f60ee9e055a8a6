"""Figure 6: λ as a slider."""
