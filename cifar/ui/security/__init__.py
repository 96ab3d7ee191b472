"""What protects the server: request filter, work queues, temporary files, fetched pictures."""
