from dataclasses import FrozenInstanceError, fields, replace
from itertools import pairwise

import pytest

from cifar.training.recipe import (
    ALLOWED,
    PRESETS,
    Recipe,
    learning_rate_factor,
    lookahead_keep,
    recipe_error,
    schedule,
    stretched,
    value_at,
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
    assert [value_at((16, 24), epoch) for epoch in range(4)] == [16, 24, 24, 24]
    assert value_at((8,), 5) == 8


def test_lookahead_keeps_more_and_more():
    assert lookahead_keep(0.0) == 0
    assert lookahead_keep(0.5) == pytest.approx(0.95**5 / 8)
    assert lookahead_keep(1.0) == pytest.approx(0.7737809375)


def test_a_recipe_does_not_change():
    with pytest.raises(FrozenInstanceError):
        PRESETS["resnet"].lr = 1.0


# Recipes of which no run can be made


def test_every_preset_makes_a_run():
    assert [recipe_error(preset) for preset in PRESETS.values()] == ["", ""]


def test_every_number_has_limits():
    numbers = {field.name for field in fields(Recipe) if "str" not in str(field.type)}
    assert {name for name in numbers if "bool" not in str(Recipe.__annotations__[name])} == {
        *ALLOWED,
        "precision",
    }


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("epochs", 0, "--epochs 0 makes no run: choose 1 or more."),
        ("batch_size", 0, "--batch-size 0 makes no run: choose 1 or more."),
        ("seed", -1, "--seed -1 makes no run: choose 0 or more."),
        ("images", -5, "--images -5 makes no run: choose 0 or more."),
        ("sizes", (16, 20), "--sizes 20 makes no run: choose 8, 16, 24 or 32."),
        ("sizes", (), "--sizes names no number: give one for each epoch, 8, 16, 24 or 32."),
        ("lr", float("nan"), "--lr nan makes no run: choose 0 or more."),
        ("momentum", 0.0, "--momentum 0 makes no run: choose more than 0 and less than 1."),
        ("bias_lr_factor", 0.0, "--bias-lr-factor 0 makes no run: choose more than 0."),
        (
            "muon_momentum",
            1.0,
            "--muon-momentum 1 makes no run: choose 0 or more, and less than 1.",
        ),
        ("cutmix", (0.5, 1.5), "--cutmix 1.5 makes no run: choose 0 to 1."),
        (
            "teacher_temperature",
            (0.0,),
            "--teacher-temperature 0 makes no run: choose more than 0.",
        ),
        (
            "restart",
            3,
            "--restart 3 is not before the end of the 3 epochs: choose a smaller one.",
        ),
    ],
)
def test_what_makes_no_run_is_named(name, value, words):
    assert recipe_error(replace(Recipe("basenet", epochs=3), **{name: value})) == words


# A preset at another length


@pytest.mark.parametrize("epochs", [1, 7, 20, 500])
@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_a_preset_at_another_length_keeps_its_proportions(preset, epochs):
    found = stretched(replace(preset, epochs=epochs))
    for name in STRETCHED[1:-1]:
        before = [value_at(getattr(preset, name), epoch) for epoch in range(preset.epochs)]
        after = [value_at(getattr(found, name), epoch) for epoch in range(epochs)]
        changes = sum(a != b for a, b in pairwise(before))
        for value in set(before):
            expected = epochs * before.count(value) / preset.epochs
            assert abs(after.count(value) - expected) <= 0.5 * max(changes, 1)
    if epochs > 1:
        assert abs(found.restart - epochs * preset.restart / preset.epochs) <= 0.5
    assert replace(found, **{name: getattr(preset, name) for name in STRETCHED}) == preset


def test_a_preset_at_its_own_length_stays_as_it_is():
    assert all(stretched(preset) is preset for preset in PRESETS.values())


@pytest.mark.parametrize("epochs", [1, 2, 3, 7, 20, 108, 149, 150, 151, 215, 216])
def test_a_restart_comes_with_the_plan_of_its_schedule(epochs, monkeypatch):
    twice = Recipe(
        "basenet", preset="basenet", epochs=216, restart=150, sizes=(16,) * 150 + (24,) * 66
    )
    monkeypatch.setitem(PRESETS, "basenet", twice)
    found = stretched(replace(twice, epochs=epochs))
    sizes = [value_at(found.sizes, epoch) for epoch in range(epochs)]
    assert found.restart == sizes.count(16) % epochs


def test_a_preset_is_known_by_its_name_where_the_network_is_another():
    given, preset = replace(PRESETS["resnet"], network="basenet", epochs=20), PRESETS["resnet"]
    assert stretched(given) == replace(stretched(replace(preset, epochs=20)), network="basenet")


def test_a_plan_that_was_given_is_kept():
    given = replace(PRESETS["resnet"], epochs=3, sizes=(16, 32, 24), restart=2)
    found = stretched(given)
    assert (found.sizes, found.restart) == ((16, 32, 24), 2)
    assert found.cutmix == (0.5, 0.5, 0.5)


def test_a_recipe_of_no_preset_stays_as_it_is():
    other = Recipe("another", epochs=3, sizes=(16, 32))
    assert stretched(other) == other
