"""Predictions of a network and their quality."""
