"""Train a network on CIFAR-10 as a recipe says, and write a checkpoint."""
