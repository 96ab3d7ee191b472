import numpy as np
import pandas as pd
import pytest

from cifar import CLASSES
from cifar.data.image_statistics import QUALITIES
from cifar.evaluation.metrics import wilson_interval
from cifar.explore.slices import DIFFICULTY, slices

N = 1_000


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "true": np.array(CLASSES)[rng.integers(0, 10, N)],
            "wrong": rng.random(N) < 0.2,
            "agreement": rng.choice([0.3, 0.5, 0.7, 0.9, 0.98, 1], N),
            "difficulty": rng.integers(0, 31, N),
        }
    )


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(1).random((N, 4), dtype=np.float32)


@pytest.fixture(scope="module")
def found(rows, values):
    return slices(rows, values)


def test_every_image_is_in_one_group_of_each_dimension(rows, found):
    assert list(found) == ["class", *QUALITIES, "agreement", "difficulty", "hard"]
    for dimension in found.values():
        assert dimension.column.dtype == np.uint8 and dimension.column.shape == (N,)
        assert sum(group["n"] for group in dimension.groups) == N
        assert sum(group["wrong"] for group in dimension.groups) == rows["wrong"].sum()


def test_groups_count_their_mistakes(rows, found):
    for dimension in found.values():
        for number, group in enumerate(dimension.groups):
            inside = rows[dimension.column == number]
            n, wrong = len(inside), int(inside["wrong"].sum())
            assert (group["n"], group["wrong"], group["rate"]) == (n, wrong, wrong / n)
            assert (group["low"], group["high"]) == wilson_interval(wrong, n)


def test_classes_are_in_order(rows, found):
    dimension = found["class"]
    assert [group["title"] for group in dimension.groups] == list(CLASSES)
    assert [CLASSES[number] for number in dimension.column] == rows["true"].tolist()


def test_fifths_hold_what_their_details_say(values, found):
    """The edges are read from the words."""
    for key, column in zip(QUALITIES, values.T, strict=True):
        groups = found[key].groups
        details = [group["detail"] for group in groups]
        edges = [-np.inf, *(float(detail.split()[-1]) for detail in details[:4]), np.inf]
        assert details[-1] == f"{key} {edges[4]:g} and above"
        for number, group in enumerate(groups):
            inside = column[found[key].column == number]
            assert (inside >= edges[number]).all() and (inside < edges[number + 1]).all()
            assert abs(group["n"] - N / 5) <= 5
    assert found["brightness"].groups[0]["title"] == "darkest fifth"
    assert found["sharpness"].groups[4]["title"] == "sharpest fifth"


def test_equal_values_are_in_one_group(rows):
    dimension = slices(rows, np.full((N, 4), 0.5, np.float32))["contrast"]
    assert len(set(dimension.column)) == 1
    assert sorted(group["n"] for group in dimension.groups) == [0, 0, 0, 0, N]
    assert [group["rate"] for group in dimension.groups].count(None) == 4


def test_agreement_has_a_group_for_each_band(rows, found):
    dimension = found["agreement"]
    assert [group["title"] for group in dimension.groups] == [
        "all agree",
        "90% to under 100%",
        "50% to under 90%",
        "under 50%",
    ]
    number = {1: 0, 0.98: 1, 0.9: 1, 0.7: 2, 0.5: 2, 0.3: 3}
    assert dimension.column.tolist() == [number[share] for share in rows["agreement"]]


def test_difficulty_has_a_group_for_each_range(rows, found):
    dimension = found["difficulty"]
    for number, (first, last) in enumerate(DIFFICULTY.values()):
        inside = rows["difficulty"].between(first, last).to_numpy()
        assert ((dimension.column == number) == inside).all()


def test_near_duplicates_are_a_dimension_where_they_are_known(rows):
    known = slices(rows.assign(twin=np.where(rows.index < 3, 7, -1)), None)["twin"]
    assert known.column.tolist() == [1] * 3 + [0] * (N - 3)


def test_what_is_not_known_has_no_dimension(rows, values):
    assert list(slices(rows, None)) == ["class", "agreement", "difficulty", "hard"]
