"""Heat maps, checks of their faithfulness, and probes of an answer."""
