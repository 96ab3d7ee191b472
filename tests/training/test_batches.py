from dataclasses import replace

import torch

from cifar.training.augment import DRAWS
from cifar.training.batches import batch, epoch_mirrored, plan_epoch
from cifar.training.recipe import Recipe

RECIPE = Recipe("basenet", epochs=3, batch_size=16, shift=2, cutout=(8,), flip=True)


def test_each_epoch_has_its_own_order_of_all_images():
    orders = [plan_epoch(RECIPE, epoch, 512).order for epoch in range(3)]
    assert all(torch.equal(order.sort().values, torch.arange(512)) for order in orders)
    assert not torch.equal(orders[0], orders[1]) and not torch.equal(orders[1], orders[2])
    assert torch.equal(orders[1], plan_epoch(RECIPE, 1, 512).order)


def test_images_that_fill_no_batch_wait_for_another_epoch():
    plans = [plan_epoch(RECIPE, epoch, 500) for epoch in range(3)]
    assert all(len(plan.order) == len(plan.draws) == len(plan.mirrored) == 496 for plan in plans)
    assert set(plans[0].order.tolist()) != set(plans[1].order.tolist())


def test_a_plan_mirrors_the_images_of_its_epoch():
    plan = plan_epoch(RECIPE, 1, 160)
    assert torch.equal(plan.mirrored, epoch_mirrored(RECIPE, 1, 160)[plan.order])


def test_consecutive_epochs_mirror_complementary_halves():
    first, second, third = (epoch_mirrored(RECIPE, epoch, 1000) for epoch in range(3))
    assert torch.equal(first, ~second) and torch.equal(first, third)
    assert 430 < first.sum() < 570  # more than four standard deviations either way


def test_without_flip_nothing_is_mirrored():
    assert not epoch_mirrored(replace(RECIPE, flip=False), 1, 100).any()


def test_order_and_flip_come_from_different_random_numbers():
    order = plan_epoch(RECIPE, 0, 1008).order
    mirrored = epoch_mirrored(RECIPE, 0, 1008).float()
    assert abs(torch.corrcoef(torch.stack([order.float(), mirrored]))[0, 1]) < 0.13


def test_how_images_are_changed_depends_on_seed_and_epoch_alone():
    def draws(recipe, epoch):
        plan = plan_epoch(recipe, epoch, 160)
        return plan.draws[plan.order.argsort()]  # of each image, in the order of the images

    first = draws(RECIPE, 1)
    torch.rand(5)
    assert first.shape == (160, DRAWS) and first.min() >= 0 and first.max() < 1
    assert torch.equal(first, draws(RECIPE, 1))
    assert not torch.equal(first, draws(RECIPE, 2))
    assert not torch.equal(first, draws(replace(RECIPE, seed=1), 1))


def test_a_batch_is_changed_by_what_was_drawn(tiny_split):
    images, mirrored = tiny_split(16).images, torch.zeros(16, dtype=torch.bool)
    draws = torch.rand(2, 16, DRAWS)
    first, second = (batch(RECIPE, images, mirrored, drawn, epoch=0)[0] for drawn in draws)
    assert first.is_contiguous(memory_format=torch.channels_last) and first.dtype == torch.float32
    assert not torch.equal(first, second)
    assert torch.equal(first, batch(RECIPE, images, mirrored, draws[0], epoch=0)[0])


def test_how_large_images_and_holes_are_is_up_to_the_epoch():
    recipe = replace(RECIPE, sizes=(16, 32), cutout=(0, 8), shift=0)
    white = torch.full((16, 3, 32, 32), 255, dtype=torch.uint8)
    unmirrored, draws = torch.zeros(16, dtype=torch.bool), torch.rand(16, DRAWS)
    first, second, third = (batch(recipe, white, unmirrored, draws, epoch)[0] for epoch in range(3))
    assert first.shape == (16, 3, 16, 16) and (first == first[0, :, :1, :1]).all()
    assert second.shape == (16, 3, 32, 32)
    holes = (second != second.amax((2, 3), keepdim=True)).any(1).sum((1, 2))
    assert (holes > 0).all() and holes.max() <= 64
    assert torch.equal(second, third)


def test_how_many_images_are_mixed_is_up_to_the_epoch(tiny_split):
    recipe = replace(RECIPE, cutmix=(0.0, 1.0))
    images, unmirrored = tiny_split(16).images, torch.zeros(16, dtype=torch.bool)
    draws = torch.rand(16, DRAWS)
    first, second = (batch(recipe, images, unmirrored, draws, epoch)[1] for epoch in range(2))
    assert (first == 1).all() and (second < 1).float().mean() > 0.9
