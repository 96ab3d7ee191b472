from itertools import product

import numpy as np
import pytest

from cifar import CLASSES
from cifar.evaluate import Predictions
from cifar.mistakes import SORTS, caption, page, select, table

TEMPERATURE = 1.7


@pytest.fixture(scope="module")
def predictions():
    """400 random predictions; every answer of the first 200 turns up again, so that many tie."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (200, 10)).astype(np.float32)
    labels = np.where(rng.random(200) < 0.4, logits.argmax(1), rng.integers(0, 10, 200))
    return Predictions(np.tile(logits, (2, 1)), np.tile(labels, 2), None, False, "0" * 64)


@pytest.fixture(scope="module")
def rows(predictions):
    return table(predictions, TEMPERATURE)


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
        "largest margin": lambda row: -row.margin,
        "test index": lambda row: row.Index,
    }
    choices = [(), ("cat",), ("cat", "dog", "ship")]
    counts = set()
    for true, predicted, wrong in product(choices, choices, (True, False, None)):
        expected = [
            row
            for row in rows.itertuples()
            if (not true or row.true in true)
            and (not predicted or row.predicted in predicted)
            and (wrong is None or row.wrong == wrong)
        ]
        expected.sort(key=lambda row: (keys[sort](row), row.Index))
        found = select(rows, true=true, predicted=predicted, wrong=wrong, sort=sort)
        assert found.index.tolist() == [row.Index for row in expected]
        counts.add(len(found))
    assert len(counts) > 10  # the filters do make a difference


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
    select(rows, true=["cat"], sort="highest loss")
    assert rows.equals(before)


def test_nothing_may_pass_the_filters(rows):
    assert len(select(rows, true=["cat"], predicted=["cat"], wrong=True)) == 0


@pytest.mark.parametrize("options", [{"true": ["cow"]}, {"predicted": ["cat", "cow"]}])
def test_an_unknown_class_raises(rows, options):
    with pytest.raises(ValueError, match="no class 'cow': choose from airplane"):
        select(rows, **options)


def test_an_unknown_sort_raises(rows):
    with pytest.raises(ValueError, match="no sort 'worst': choose from most confident"):
        select(rows, sort="worst")


@pytest.mark.parametrize(
    ("number", "shown", "clamped"),
    [
        (1, range(60), 1),
        (2, range(60, 120), 2),
        (7, range(360, 400), 7),
        (8, range(360, 400), 7),
        (0, range(60), 1),
        (-3, range(60), 1),
    ],
)
def test_a_page_number_is_brought_into_range(rows, number, shown, clamped):
    found, at, pages = page(rows, number)
    assert (found.index.tolist(), at, pages) == (list(shown), clamped, 7)


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (10, 1), (11, 2), (20, 2)])
def test_pages_are_counted_from_1(rows, count, pages):
    assert page(rows[:count], 1, size=10)[1:] == (1, pages)


def test_pages_hold_every_row_once(rows):
    found = [i for number in range(1, 59) for i in page(rows, number, size=7)[0].index]
    assert found == list(range(400)) and page(rows, 1, size=7)[2] == 58


def test_a_caption_says_what_it_is_and_what_it_was_taken_for():
    logits = np.log(np.array([[0.03, 0, 0, 0.97] + [0] * 6, [0.2, 0, 0, 0.8] + [0] * 6]) + 1e-9)
    rows = table(Predictions(logits, np.array([6, 3]), None, True, ""), 1.0)
    assert caption(0, rows.loc[0]) == "#0 frog, seen as cat 97%"
    assert caption(1, rows.loc[1]) == "#1 cat, recognised 80%"
