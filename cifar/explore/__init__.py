"""The mistakes of each model and their verdicts, packed for the page."""
