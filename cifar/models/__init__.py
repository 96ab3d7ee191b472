"""Networks and their checkpoints, local or on the Hugging Face Hub."""
