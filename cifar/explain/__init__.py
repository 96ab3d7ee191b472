"""Heat maps, whether they can be trusted, and what would change an answer."""
