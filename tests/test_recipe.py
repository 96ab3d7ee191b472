from dataclasses import FrozenInstanceError, replace
from itertools import pairwise

import pytest

from cifar.recipe import (
    PRESETS,
    Recipe,
    learning_rate_factor,
    lookahead_keep,
    of_epoch,
    schedule,
    stretched,
)

# What depends on the number of epochs.
STRETCHED = ("epochs", "sizes", "cutout", "cutmix", "teacher_temperature", "restart")


def factors(steps=100, **fields):
    recipe = Recipe("resnet", epochs=1, **fields)
    return [learning_rate_factor(recipe, step / steps) for step in range(steps)]


def test_the_schedule_is_that_worked_by_hand():
    # Two of eight steps rise from 0.2 to 1, six fall from 1 towards 0.1.
    expected = [0.2, 0.6, 1.0, 0.85, 0.7, 0.55, 0.4, 0.25]
    assert factors(8, warmup=0.25, final_lr_factor=0.1) == pytest.approx(expected)


def test_the_schedule_starts_at_a_fifth_peaks_at_1_and_ends_near_its_final_factor():
    found = factors(1000, warmup=0.1, final_lr_factor=0.05)
    assert found[0] == pytest.approx(0.2)
    assert max(found) == found[100] == pytest.approx(1)
    assert 0.05 < found[-1] < 0.0511


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_the_schedule_rises_then_falls(preset):
    steps = 48_000 // preset.batch_size  # in an epoch
    ends = sorted({0, preset.restart, preset.epochs})
    for first, last in pairwise(ends):
        epochs = [first + step / steps for step in range((last - first) * steps)]
        found = [learning_rate_factor(preset, epoch) for epoch in epochs]
        top = found.index(max(found))
        assert 0 < top < len(found) / 2
        assert all(a < b for a, b in pairwise(found[: top + 1]))
        assert all(a > b for a, b in pairwise(found[top:]))
        assert all(0 < factor <= 1 for factor in found)


def test_a_restart_begins_the_schedule_anew_at_a_lower_peak():
    once = Recipe("resnet", epochs=6, warmup=0.25)
    twice = replace(once, epochs=6 + 4, restart=6, restart_lr_factor=0.5)
    for epochs in (0, 1, 1.5, 3, 5.99):
        assert schedule(twice, epochs) == (epochs / 6, False)
        assert learning_rate_factor(twice, epochs) == learning_rate_factor(once, epochs)
    assert [schedule(twice, epochs)[0] for epochs in (6, 7, 10)] == [0, 0.25, 1]
    assert all(schedule(twice, epochs)[1] for epochs in (6, 7, 10))
    found = [learning_rate_factor(twice, epochs) for epochs in (6, 7, 8.5, 10)]
    assert found == pytest.approx([0.1, 0.5, 0.25, 0])


def test_without_a_warmup_the_schedule_starts_at_its_peak():
    assert factors(10, warmup=0.0)[0] == 1.0


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_fits_the_data_and_the_network(name):
    preset = PRESETS[name]
    assert preset.network == name
    assert 48_000 % preset.batch_size == 0
    assert all(size % 8 == 0 and 8 <= size <= 32 for size in preset.sizes)
    assert len(preset.sizes) <= preset.epochs


def test_the_last_of_the_values_that_are_one_an_epoch_repeats():
    assert [of_epoch((16, 24), epoch) for epoch in range(4)] == [16, 24, 24, 24]
    assert of_epoch((8,), 5) == 8


def test_lookahead_keeps_more_and_more():
    assert lookahead_keep(0.0) == 0
    assert lookahead_keep(0.5) == pytest.approx(0.95**5 / 8)
    assert lookahead_keep(1.0) == pytest.approx(0.7737809375)


def test_a_recipe_does_not_change():
    with pytest.raises(FrozenInstanceError):
        PRESETS["resnet"].lr = 1.0


# A preset at another length


@pytest.mark.parametrize("epochs", [1, 7, 20, 500])
@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_a_preset_at_another_length_keeps_its_proportions(preset, epochs):
    found = stretched(replace(preset, epochs=epochs))
    for name in STRETCHED[1:-1]:
        before = [of_epoch(getattr(preset, name), epoch) for epoch in range(preset.epochs)]
        after = [of_epoch(getattr(found, name), epoch) for epoch in range(epochs)]
        changes = sum(a != b for a, b in pairwise(before))
        for value in set(before):
            expected = epochs * before.count(value) / preset.epochs
            assert abs(after.count(value) - expected) <= 0.5 * max(changes, 1)
    restart = min(epochs * preset.restart / preset.epochs, epochs - 1)
    assert abs(found.restart - restart) <= 0.5
    assert replace(found, **{name: getattr(preset, name) for name in STRETCHED}) == preset


def test_a_preset_at_its_own_length_stays_as_it_is():
    assert all(stretched(preset) is preset for preset in PRESETS.values())


def test_a_plan_that_was_given_is_kept():
    given = replace(PRESETS["resnet"], epochs=3, sizes=(16, 32, 24), restart=2)
    found = stretched(given)
    assert (found.sizes, found.restart) == ((16, 32, 24), 2)
    assert found.cutmix == (0.5, 0.5, 0.5)


def test_a_recipe_of_no_preset_stays_as_it_is():
    other = Recipe("another", epochs=3, sizes=(16, 32))
    assert stretched(other) is other
