from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from cifar import CLASSES
from cifar.data.annotations import Annotations
from cifar.evaluation.predictions import Predictions
from cifar.explore.mistakes import (
    CELLS,
    SORTS,
    caption,
    compare,
    ranks,
    select,
    table,
)
from cifar.explore.verdicts import VERDICTS

TEMPERATURE = 1.7


@pytest.fixture(scope="module")
def predictions():
    """400 random predictions; every answer of the first 200 turns up again, so that many tie."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (200, 10)).astype(np.float32)
    labels = np.where(rng.random(200) < 0.4, logits.argmax(1), rng.integers(0, 10, 200))
    return Predictions(np.tile(logits, (2, 1)), np.tile(labels, 2), None, False, "0" * 64)


@pytest.fixture(scope="module")
def votes(predictions):
    """Of 20 people 8 to 20 chose the label, the rest one other class; the same for equal rows."""
    rng = np.random.default_rng(1)
    counts = np.zeros((400, 10), np.int64)
    for i in range(200):
        kept = rng.choice([8, 14, 18, 19, 20])
        label = predictions.labels[i]
        counts[[i, i + 200], label] += kept
        counts[[i, i + 200], (label + 1) % 10] += 20 - kept
    none = np.full(400, -1, np.int8)
    return Annotations(counts, np.full((400, 4), -1, np.int8), none, none)


@pytest.fixture(scope="module")
def rows(predictions, votes):
    return table(predictions, TEMPERATURE, votes, np.arange(400) % 200 * 7 % 31)


def plain_rows(predictions):
    """The same table as a list of dicts, in plain Python."""
    made = []
    for i, (logits, label) in enumerate(zip(predictions.logits, predictions.labels, strict=True)):
        exponents = [np.exp(float(z) / TEMPERATURE) for z in logits]
        probs = [e / sum(exponents) for e in exponents]
        first, second = sorted(probs, reverse=True)[:2]
        made.append(
            {
                "index": i,
                "true": CLASSES[label],
                "predicted": CLASSES[probs.index(first)],
                "confidence": first,
                "true_probability": probs[label],
                "loss": -np.log(probs[label]),
                "margin": first - second,
                "entropy": -sum(p * np.log(p) for p in probs),
                "wrong": probs.index(first) != label,
            }
        )
    return made


def test_the_table_equals_plain_python(predictions, rows):
    expected = plain_rows(predictions)
    assert rows.index.tolist() == list(range(400)) and rows.index.name == "index"
    for name in ("true", "predicted", "wrong"):
        assert rows[name].tolist() == [row[name] for row in expected]
    for name in ("confidence", "true_probability", "loss", "margin", "entropy"):
        np.testing.assert_allclose(rows[name], [row[name] for row in expected], rtol=1e-9)


@pytest.mark.parametrize("sort", SORTS)
def test_select_equals_plain_python(rows, sort):
    keys = {
        "most confident": lambda row: -row.confidence,
        "least confident": lambda row: row.confidence,
        "highest loss": lambda row: -row.loss,
        "smallest margin": lambda row: row.margin,
        "most undecided": lambda row: -row.entropy,
        "people disagree most": lambda row: row.agreement,
        "test index": lambda row: row.Index,
        "most networks miss it": lambda row: -row.difficulty,
        "fewest networks miss it": lambda row: row.difficulty,
    }
    choices = ["", "cat", "ship"]
    counts = set()
    for true, predicted, wrong in product(choices, choices, (True, False, None)):
        expected = [
            row
            for row in rows.itertuples()
            if (not true or row.true == true)
            and (not predicted or row.predicted == predicted)
            and (wrong is None or row.wrong == wrong)
        ]
        expected.sort(key=lambda row: (keys[sort](row), row.Index))
        found = select(rows, true=true, predicted=predicted, wrong=wrong, sort=sort)
        assert found.index.tolist() == [row.Index for row in expected]
        counts.add(len(found))
    assert len(counts) > 7  # the filters do make a difference


def test_the_table_says_what_people_said(predictions, rows, votes):
    for i, row in rows.iterrows():
        counts = votes.votes[i]
        assert row["agreement"] == counts[predictions.labels[i]] / 20
        assert row["people"] == CLASSES[counts.argmax()]
        assert row["verdict"] in VERDICTS if row["wrong"] else row["verdict"] == ""
    assert set(rows["verdict"]) == {"", *VERDICTS}


def test_without_annotations_the_table_is_the_same_save_what_people_said(predictions, rows):
    alone = table(predictions, TEMPERATURE)
    assert alone.columns.tolist() == rows.columns.tolist()
    assert alone["agreement"].isna().all()
    assert set(alone["people"]) == set(alone["verdict"]) == {""}
    said = ["agreement", "people", "verdict", "difficulty"]
    pd.testing.assert_frame_equal(alone.drop(columns=said), rows.drop(columns=said))


@pytest.mark.parametrize("sort", SORTS)
def test_ranks_order_any_selection_as_select_does(rows, sort):
    places = ranks(rows)
    assert list(places) == list(SORTS)
    place = places[sort]
    assert place.dtype == np.uint16 and sorted(place) == list(range(400))
    for options in ({}, {"wrong": None}, {"true": "cat", "wrong": None}, {"verdict": "own"}):
        found = select(rows, **options, sort=sort).index
        assert sorted(found, key=lambda index: place[index]) == found.tolist()


def test_where_nobody_was_asked_disagreement_is_the_test_index(predictions):
    place = ranks(table(predictions, TEMPERATURE))["people disagree most"]
    assert place.tolist() == list(range(400))


@pytest.mark.parametrize("sort", SORTS)
def test_ties_are_ordered_by_test_index(rows, sort):
    order = select(rows, wrong=None, sort=sort).index.tolist()
    places = {index: place for place, index in enumerate(order)}
    assert all(places[i] < places[i + 200] for i in range(200))


def test_select_shows_the_most_confident_mistakes_at_first(rows):
    found = select(rows)
    assert found["wrong"].all() and len(found) == rows["wrong"].sum()
    assert found["confidence"].is_monotonic_decreasing


def test_select_leaves_the_table_alone(rows):
    before = rows.copy()
    select(rows, true="cat", sort="highest loss")
    assert rows.equals(before)


def test_nothing_may_pass_the_filters(rows):
    assert len(select(rows, true="cat", predicted="cat", wrong=True)) == 0


def of(true, predicted):
    """The table of a model's answers, given as class numbers."""
    predictions = Predictions(np.eye(10)[predicted] * 5, np.array(true), None, True, "")
    return table(predictions, 1.0)


def test_compare_counts_what_the_second_model_fixes_and_breaks():
    first = of([0, 1, 2, 3, 4, 5, 6], [0, 1, 9, 9, 9, 5, 6])
    second = of([0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 8, 9, 9, 6])
    found = compare(first, second)
    assert found.cells.dtype == np.uint8 and found.cells.tolist() == [0, 0, 1, 3, 3, 2, 0]
    assert found.counts == {"both right": 3, "fixed": 1, "broken": 1, "both wrong": 2}
    assert list(found.counts) == list(CELLS)
    back = compare(second, first)
    assert (back.counts["fixed"], back.counts["broken"]) == (1, 1)


@pytest.mark.parametrize(("fixed", "broken"), [(0, 0), (1, 0), (5, 1), (1, 5), (12, 30), (20, 20)])
def test_the_p_value_is_that_of_mcnemars_exact_test(fixed, broken):
    """Twice the probability of so few of the rarer kind among fair coins, and never above 1."""
    true = np.zeros(100, np.int64)
    was, now = true.copy(), true.copy()
    was[:fixed] = now[fixed : fixed + broken] = 1
    found = compare(of(true, was), of(true, now))
    assert (found.counts["fixed"], found.counts["broken"]) == (fixed, broken)
    assert found.difference["value"] == (fixed - broken) / 100
    assert found.difference["low"] < (fixed - broken) / 102 < found.difference["high"]
    expected = min(1, 2 * binom.cdf(min(fixed, broken), fixed + broken, 0.5))
    assert found.p_value == pytest.approx(expected)


def test_tables_of_other_images_cannot_be_compared():
    with pytest.raises(ValueError, match="not of the same images"):
        compare(of([0, 1], [0, 1]), of([1, 0], [0, 1]))
    with pytest.raises(ValueError, match="not of the same images"):
        compare(of([0, 1], [0, 1]), of([0], [0]))


def test_a_caption_says_what_it_is_and_what_it_was_taken_for():
    logits = np.log(np.array([[0.03, 0, 0, 0.97] + [0] * 6, [0.2, 0, 0, 0.8] + [0] * 6]) + 1e-9)
    rows = table(Predictions(logits, np.array([6, 3]), None, True, ""), 1.0)
    assert caption(0, rows.loc[0]) == "#0 frog, seen as cat 97%"
    assert caption(1, rows.loc[1]) == "#1 cat, recognised 80%"
