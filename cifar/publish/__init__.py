"""Models, Spaces and a static site for the Hugging Face Hub."""
