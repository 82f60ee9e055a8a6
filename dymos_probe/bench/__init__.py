"""Benchmarks: what recording and modulating cost on this machine, beside what the paper publishes."""
