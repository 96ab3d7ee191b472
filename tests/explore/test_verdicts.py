from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cifar import CLASSES
from cifar.data.annotations import Annotations, load_published
from cifar.evaluation.external_predictions import as_predictions
from cifar.explore.mistakes import table
from cifar.explore.verdicts import AGREEMENT, VERDICTS, agreed_accuracy, corrected, in_band, judge


@pytest.fixture(scope="module")
def published(annotations, test_split):
    """The published model's predictions."""
    return as_predictions(load_published(), test_split.labels.numpy())


def counts(rows):
    found = rows["verdict"].value_counts()
    return [int(found[key]) for key in VERDICTS]


def by_votes_alone(annotations):
    nobody = np.full(10_000, -1, np.int8)
    reviews = np.full((10_000, 4), -1, np.int8)
    return replace(annotations, reviews=reviews, given=nobody, guessed=nobody)


def test_verdicts_on_the_published_model_by_votes_alone(published, annotations):
    rows = table(published, 1.0, by_votes_alone(annotations))
    assert counts(rows) == [31, 238, 302, 135] and rows["wrong"].sum() == 706


def test_verdicts_on_the_published_model_with_the_reviews(published, annotations):
    rows = table(published, 1.0, annotations)
    assert counts(rows) == [60, 211, 300, 135] and sum(counts(rows)) == 706
    assert (rows["verdict"] == "").sum() == 9_294


def test_agreed_accuracy_of_the_published_model(published, annotations):
    share = agreed_accuracy(table(published, 1.0, annotations))
    assert share["n"] == 4_392 and share["value"] == (4_392 - 135) / 4_392
    assert share["low"] < share["value"] < share["high"]


def test_without_annotations_no_accuracy_is_agreed(published):
    share = agreed_accuracy(table(published, 1.0))
    assert share["n"] == 0 and share["value"] is None


def test_labels_are_corrected_by_most_reviewers_or_nearly_all_votes():
    votes = np.zeros((6, 10), np.int64)
    votes[:, 2:4] = [[50, 0], [5, 45], [6, 44], [50, 0], [50, 0], [0, 50]]
    reviews = np.full((6, 4), -1, np.int8)
    reviews[3:] = [[2, 3, 0, 0], [1, 2, 2, 0], [0, 4, 1, 0]]  # given, guessed, neither, both
    given, guessed = np.full(6, -1, np.int8), np.full(6, -1, np.int8)
    given[3:], guessed[3:] = 2, 7
    found = corrected(np.full(6, 2), Annotations(votes, reviews, given, guessed))
    assert found.tolist() == [2, 3, 2, 7, 2, 7]


# One row each: votes for (label, two others), reviewers who (kept, rejected) the label or None,
# the verdict on a mistake, the class that most people chose.
CASES = [
    ((50, 0, 0), None, "own", "bird"),
    ((49, 1, 0), None, "most", "bird"),
    ((45, 5, 0), None, "most", "bird"),  # exactly 90%
    ((44, 6, 0), None, "ambiguous", "bird"),
    ((20, 16, 14), None, "ambiguous", "bird"),  # under half, yet more than any other
    ((16, 20, 14), None, "suspect", "cat"),
    ((25, 25, 0), None, "ambiguous", "bird"),  # of equals the first class
    ((25, 0, 25), None, "ambiguous", "airplane"),  # the label is one of them
    ((50, 0, 0), (2, 3), "suspect", "bird"),
    ((50, 0, 0), (0, 5), "suspect", "bird"),
    ((50, 0, 0), (3, 2), "own", "bird"),
    ((44, 6, 0), (5, 0), "ambiguous", "bird"),
    ((16, 20, 14), (5, 0), "suspect", "cat"),
    ((50, 0, 0), (1, 2), "suspect", "bird"),  # two said that both fit
    ((50, 0, 0), (2, 2), "own", "bird"),
    ((44, 6, 0), (0, 0), "ambiguous", "bird"),
]


@pytest.fixture
def cases(annotations):
    """Annotations of as many images as there are CASES, all of them birds."""
    n, bird = len(CASES), CLASSES.index("bird")
    votes, reviews = np.zeros((n, 10), np.int64), np.full((n, 4), -1, np.int8)
    given = np.full(n, -1, np.int8)
    for i, (chosen, review, _, _) in enumerate(CASES):
        votes[i, [bird, 3, 0]] = chosen
        if review is not None:
            kept, rejected = review
            given[i], reviews[i] = (
                bird,
                (kept, rejected - rejected // 2, rejected // 2, 5 - sum(review)),
            )
    return replace(annotations, votes=votes, reviews=reviews, given=given, guessed=given)


def test_each_rule_decides_its_cases(cases):
    labels = np.full(len(CASES), 2)
    found = judge(labels, np.ones(len(CASES), bool), cases)
    assert found["verdict"].tolist() == [verdict for _, _, verdict, _ in CASES]
    assert found["people"].tolist() == [people for _, _, _, people in CASES]
    assert found["agreement"].tolist() == [votes[0] / 50 for votes, *_ in CASES]


def test_a_right_answer_has_no_verdict(cases):
    found = judge(np.full(len(CASES), 2), np.zeros(len(CASES), bool), cases)
    assert set(found["verdict"]) == {""}


def test_annotations_of_other_images_are_refused(cases):
    wrong = np.ones(len(CASES), bool)
    with pytest.raises(ValueError, match="not of these images"):
        judge(np.full(len(CASES), 3), wrong, cases)
    with pytest.raises(ValueError, match="not of these images"):
        judge(np.full(len(CASES) - 1, 2), wrong[1:], cases)


def test_every_share_of_people_is_in_one_band():
    shares = np.array([0, 0.2, 0.4999, 0.5, 0.8999, 45 / 50, 0.99, 1])
    found = [[band for band in AGREEMENT if in_band(shares, band)[i]] for i in range(8)]
    low, middle, high = [["under 50%"], ["50% to under 90%"], ["90% to under 100%"]]
    assert found == [low] * 3 + [middle] * 2 + [high] * 2 + [["all agree"]]
    assert not any(in_band(pd.Series([np.nan]), band).any() for band in AGREEMENT)


def test_a_rule_is_said_of_every_verdict():
    assert list(VERDICTS) == ["suspect", "ambiguous", "most", "own"]
    assert all(title and rule for title, rule in VERDICTS.values())
