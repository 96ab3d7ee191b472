"""Which predictions are wrong and why, packed for the page."""
