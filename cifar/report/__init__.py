"""The pictures, tables and API calls in README, made from measured results."""
