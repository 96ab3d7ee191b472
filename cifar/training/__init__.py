"""A recipe and CIFAR-10 in, a checkpoint out."""
