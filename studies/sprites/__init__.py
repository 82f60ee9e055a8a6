"""Trains and measures ``sprites``: a small T2V/I2V pair of CogVideoX on drawn clips of moving shapes."""
