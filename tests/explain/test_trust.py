import numpy as np
import pytest

from cifar.explain.methods import HeatMap
from cifar.explain.trust import FRACTIONS, area, judge

RANDOM_ROAD = np.array([0.05, -0.02, -0.05, 0.02])
EVEN = np.linspace(0.9, 0.1, 11)


def heat(values=None, target=3):
    values = np.arange(64.0).reshape(8, 8) if values is None else values
    return HeatMap(np.asarray(values, dtype=np.float32), target, "gradcam", (), "logits")


def curve(start, at_a_fifth, then):
    """A deletion curve by its start, its value at a fifth, and its end."""
    return np.interp(FRACTIONS, (0, 0.2, 1), (start, at_a_fifth, then))


def verdict(
    fifth=0.3,
    insertion=0.8,
    random_fifth=0.8,
    control=0.08,
    map_=None,
    start=0.9,
    target=3,
    road=0.31,
):
    deletion = curve(start, fifth, 0.1)
    around = np.array([[-0.04], [-0.02], [0.02], [0.04]])
    random_deletion = curve(start, random_fifth, 0.1) + around * (np.arange(11) > 0)
    flat = np.full(11, 1.0)
    return judge(
        heat(map_, target),
        deletion,
        insertion * flat,
        random_deletion,
        0.5 * flat + around,
        road,
        RANDOM_ROAD,
        control,
    )


def test_areas_are_mean_heights():
    assert area(np.full(11, 0.3)) == pytest.approx(0.3)
    np.testing.assert_allclose(area(np.stack([EVEN, 1 - EVEN])), [0.5, 0.5])


def test_a_map_that_passes_everything_is_trusted():
    assert verdict() == (
        "yes",
        "Covering the brightest fifth of the picture costs cat 60 points, a random fifth costs 10. "
        "ROAD is 0.31, more than random maps reach (0.05). "
        "A network with random weights draws a different map (rank correlation 0.08). "
        "For this picture the map can be trusted.",
    )


def test_random_weights_that_draw_no_map_are_no_objection():
    answer, sentence = verdict(control=None)
    assert answer == "yes" and "random weights draws no map at all. For" in sentence


@pytest.mark.parametrize("road", [0.05, -0.2])
def test_a_road_that_random_maps_reach_makes_it_partly(road):
    answer, sentence = verdict(road=road)
    assert answer == "partly"
    assert f"ROAD is {road:.2f}, no more than random maps reach (0.05)." in sentence


def test_one_better_random_map_makes_it_partly():
    answer, sentence = verdict(insertion=0.53)
    assert answer == "partly"
    assert (
        "Over all shares, covering beats all random maps, uncovering beats random maps on average."
    ) in sentence
    assert sentence.endswith("For this picture the map can be trusted in part.")


def test_one_of_two_checks_makes_it_partly():
    answer, sentence = verdict(insertion=0.2)
    assert answer == "partly" and "uncovering does no better than random maps." in sentence


def test_half_alike_random_weights_make_it_partly():
    answer, sentence = verdict(control=0.5)
    assert answer == "partly" and "draws a similar map (rank correlation 0.50)" in sentence
    assert "covering and uncovering both beat all random maps." in sentence


def test_a_map_that_beats_nothing_is_not_trusted():
    answer, sentence = verdict(fifth=0.8, insertion=0.5)
    assert answer == "no"
    assert "Over all shares, covering and uncovering do no better than random maps." in sentence
    assert sentence.endswith("For this picture the map cannot be trusted.")


def test_a_map_that_random_weights_draw_too_is_not_trusted():
    answer, sentence = verdict(control=0.8)
    assert answer == "no" and "draws the same map (rank correlation 0.80)" in sentence


def test_a_gain_within_the_margin_is_none():
    assert verdict(fifth=0.795, insertion=0.505)[0] == "no"


def test_a_trusted_map_costs_more_in_its_brightest_fifth():
    deletion = np.interp(FRACTIONS, (0, 0.2, 0.3, 1), (0.9, 0.9, 0.1, 0.1))
    flat = np.ones((4, 11))
    answer, sentence = judge(
        heat(),
        deletion,
        0.9 * flat[0],
        curve(0.9, 0.85, 0.6) * flat,
        0.5 * flat,
        0.31,
        RANDOM_ROAD,
        0.0,
    )
    assert answer == "partly" and "covering and uncovering both beat all" in sentence


def test_a_map_without_evidence():
    answer, sentence = verdict(map_=np.zeros((8, 8)), target=0)
    assert answer == "nothing"
    assert sentence == "Nothing here speaks for airplane, so there is no map to check."


def test_a_map_that_is_the_same_everywhere():
    answer, sentence = verdict(map_=np.ones((8, 8)))
    assert answer == "no" and sentence.startswith("The map is the same everywhere")


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
    _, sentence = verdict(start=start, fifth=start, random_fifth=start, target=5)
    assert f"At {share}, dog has little to lose, so this says little." in sentence


def test_a_correlation_is_never_minus_zero():
    assert "(rank correlation 0.00)" in verdict(control=-0.001)[1]
    assert "(rank correlation -0.31)" in verdict(control=-0.31)[1]
