"""CIFAR-10, its annotations, out-of-distribution sets, and uploads as 32x32 pixels."""
