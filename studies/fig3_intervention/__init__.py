"""Figure 3: what the intervention does to attention, motion and the distance to T2V."""
