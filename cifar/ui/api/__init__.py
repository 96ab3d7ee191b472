"""The app's API: over HTTP, by gradio_client, and as MCP tools."""
