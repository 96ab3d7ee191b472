"""Protect the server: request filter, work queues, temporary files, remote pictures."""
