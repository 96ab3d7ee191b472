"""The Gradio app: a file a tab, its API, its protection, and what runs in the page."""
