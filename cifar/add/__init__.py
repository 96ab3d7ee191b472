"""Networks of other people: found, traced to a graph, measured and kept as checkpoints."""
