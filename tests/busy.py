"""A recipe in which everything is on that has a state or draws random numbers."""

from cifar.training.recipe import Recipe

# With 64 images, 4 steps an epoch and fewer.
BUSY = Recipe(
    network="basenet",
    epochs=3,
    batch_size=16,
    sizes=(16, 32),
    lr=0.1,
    muon_lr=0.02,
    lookahead_every=3,
    shift=2,
    cutout=(8, 4),
    cutmix=(0.25, 0.5),
    precision="float32",
    flip=True,
)
