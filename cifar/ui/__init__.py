"""The Gradio app: one module per tab, the API, the security, and the components of the page."""
