"""Benchmarks: our speed compared with a reference in the same run."""
