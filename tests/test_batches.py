from dataclasses import replace

import torch

from cifar.batches import batch, epoch_mirrored, epoch_order
from cifar.recipe import Recipe

RECIPE = Recipe("basenet", epochs=3, batch_size=16, shift=2, cutout=8, flip=True)


def test_each_epoch_has_its_own_order_of_all_images():
    orders = [epoch_order(RECIPE, epoch, 500) for epoch in range(3)]
    assert all(torch.equal(order.sort().values, torch.arange(500)) for order in orders)
    assert not torch.equal(orders[0], orders[1]) and not torch.equal(orders[1], orders[2])
    assert torch.equal(orders[1], epoch_order(RECIPE, 1, 500))


def test_consecutive_epochs_mirror_complementary_halves():
    first, second, third = (epoch_mirrored(RECIPE, epoch, 1000) for epoch in range(3))
    assert torch.equal(first, ~second) and torch.equal(first, third)
    assert 430 < first.sum() < 570  # more than four standard deviations either way


def test_without_flip_nothing_is_mirrored():
    assert not epoch_mirrored(replace(RECIPE, flip=False), 1, 100).any()


def test_order_and_flip_come_from_different_random_numbers():
    order = epoch_order(RECIPE, 0, 1000)
    mirrored = epoch_mirrored(RECIPE, 0, 1000).float()
    assert abs(torch.corrcoef(torch.stack([order.float(), mirrored]))[0, 1]) < 0.13


def test_a_batch_depends_on_seed_and_step_alone(tiny_split):
    images, mirrored = tiny_split(16).images, torch.zeros(16, dtype=torch.bool)
    first = batch(RECIPE, images, mirrored, 3, 32)
    torch.rand(5)
    assert torch.equal(first, batch(RECIPE, images, mirrored, 3, 32))
    assert not torch.equal(first, batch(RECIPE, images, mirrored, 4, 32))
    assert not torch.equal(first, batch(replace(RECIPE, seed=1), images, mirrored, 3, 32))
