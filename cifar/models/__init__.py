"""The networks, and what is kept of a trained one."""
