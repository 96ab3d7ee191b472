"""CIFAR-10, what people said of it, and any picture as 32x32 pixels."""
