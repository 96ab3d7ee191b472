import numpy as np
import pytest

from cifar.explain.methods import HeatMap
from cifar.explain.trust import FRACTIONS, RANDOM_MAPS, area, gains_of, judge, p_value

M = RANDOM_MAPS + 1


def heat(values=None, target=3):
    values = np.arange(64.0).reshape(8, 8) if values is None else values
    return HeatMap(np.asarray(values, dtype=np.float32), target, "gradcam", (), "logits")


def curve(start, at_a_fifth, then):
    """A deletion curve by its start, its value at a fifth, and its end."""
    return np.interp(FRACTIONS, (0, 0.2, 1), (start, at_a_fifth, then))


def verdict(
    fifth=0.3, random_fifth=0.8, beaten=RANDOM_MAPS, control=0.08, map_=None, start=0.9, target=3
):
    """A map that is better than `beaten` of the random maps, by every measure."""
    deletion = np.stack([curve(start, fifth, 0.1), *[curve(start, random_fifth, 0.1)] * (M - 1)])
    gains = np.repeat(np.r_[beaten - 0.5, np.arange(RANDOM_MAPS)][:, None], 3, axis=1)
    return judge(heat(map_, target), deletion, gains, control)


def test_areas_are_mean_heights():
    assert area(np.full(6, 0.3)) == pytest.approx(0.3)
    line = np.linspace(0.9, 0.1, 6)
    np.testing.assert_allclose(area(np.stack([line, 1 - line])), [0.5, 0.5])


def test_covering_should_lower_and_revealing_raise():
    low, high = np.full(6, 0.2), np.full(6, 0.7)
    gains = gains_of(np.stack([low, high]), np.stack([high, low]), np.array([0.3, -0.1]))
    assert (gains[0] > gains[1]).all() and gains.shape == (2, 3)


def test_a_map_that_is_best_of_all_is_better_than_chance():
    assert verdict() == (
        "better",
        "Covering the brightest fifth of the picture costs cat 60 points, a random fifth costs 10. "
        "Of 24 random maps as coarse and smooth, it beats 24 by covering, 24 by revealing and 24 "
        "by ROAD; by all three together, p = 0.04. "
        "A network with random weights draws a different map (rank correlation 0.08).",
    )


@pytest.mark.parametrize("beaten", [0, 10, 23])
def test_a_map_that_random_ones_reach_is_no_better_than_chance(beaten):
    answer, sentence = verdict(beaten=beaten)
    assert answer == "chance" and f"beats {beaten} by covering" in sentence
    assert f"p = {(M - beaten) / M:.2f}." in sentence


def test_the_three_measures_count_by_their_ranks():
    gains = np.random.default_rng(0).normal(size=(M, 3))
    ranks = gains.argsort(0).argsort(0) + 1
    expected = np.mean(ranks.sum(1) >= ranks[0].sum())
    assert p_value(gains) == expected
    assert p_value(gains * [1, 1000, 0.001] + 7) == expected
    assert p_value(np.zeros((M, 3))) == 1


def test_a_map_like_the_others_passes_in_one_of_25_cases():
    rng = np.random.default_rng(0)
    # The three measures of a map go together, as they do in truth.
    gains = rng.normal(size=(4000, M, 1)) + rng.normal(size=(4000, M, 3))
    passed = np.mean([p_value(one) <= 0.05 for one in gains])
    assert 0.03 < passed <= 0.05


@pytest.mark.parametrize(
    ("control", "words"),
    [
        (None, "random weights draws no map at all."),
        (0.5, "draws a similar map (rank correlation 0.50)."),
        (0.8, "draws the same map (rank correlation 0.80)."),
        (-0.001, "(rank correlation 0.00)."),
        (-0.31, "(rank correlation -0.31)."),
    ],
)
def test_what_random_weights_draw_is_said_and_decides_nothing(control, words):
    answer, sentence = verdict(control=control)
    assert answer == "better" and sentence.endswith(words)


def test_a_map_without_evidence():
    answer, sentence = verdict(map_=np.zeros((8, 8)), target=0)
    assert answer == "nothing"
    assert sentence == "Nothing here speaks for airplane, so there is no map to check."


def test_a_map_that_is_the_same_everywhere():
    answer, sentence = verdict(map_=np.ones((8, 8)))
    assert answer == "chance" and sentence.startswith("The map is the same everywhere")


@pytest.mark.parametrize(
    ("fifth", "random_fifth", "words"),
    [
        (0.3, 0.9, "costs cat 60 points, a random fifth changes nothing."),
        (0.3, 0.95, "costs cat 60 points, a random fifth brings 5."),
        (0.89, 0.88, "costs cat 1 point, a random fifth costs 2."),
        (0.95, 0.8, "brings cat 5 points, a random fifth costs 10."),
        (0.9, 0.9, "changes nothing for cat, nor does a random fifth."),
        (0.9, 0.89, "changes nothing for cat, a random fifth costs 1 point."),
        (0.9, 0.95, "changes nothing for cat, a random fifth brings 5 points."),
    ],
)
def test_losses_and_gains_read_well(fifth, random_fifth, words):
    _, sentence = verdict(fifth=fifth, random_fifth=random_fifth)
    assert sentence.startswith(f"Covering the brightest fifth of the picture {words} ")


@pytest.mark.parametrize(("start", "share"), [(0.02, "2%"), (0.001, "less than 1%")])
def test_an_improbable_class_has_little_to_lose(start, share):
    _, sentence = verdict(start=start, fifth=start, random_fifth=start, target=5, beaten=10)
    assert f"At {share}, dog has little to lose, so this says little." in sentence
