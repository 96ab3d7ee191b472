"""The calls of the app for programs: over HTTP, by gradio_client, and as MCP tools."""
