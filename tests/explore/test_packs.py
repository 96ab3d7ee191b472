"""Packs say what Python judged: every number in them is checked against the tables."""

import numpy as np
import pytest

from cifar import CLASSES
from cifar.evaluation.external_predictions import as_predictions
from cifar.evaluation.metrics import probabilities
from cifar.evaluation.predictions import load_predictions
from cifar.evaluation.recorded_answers import RecordedAnswers
from cifar.explore import mistakes, packs, page_data, store, thumbnails
from cifar.explore.mistakes import SORTS
from cifar.explore.slices import slices
from cifar.explore.verdicts import VERDICTS
from cifar.models.checkpoint import load
from tests.packs import unpack

NAMES = ("resnet", "basenet")
CKPT = {name: load(name) for name in NAMES}
PREDICTIONS = {name: load_predictions(CKPT[name]) for name in NAMES}


NETWORKS = store.published_networks()


@pytest.fixture(scope="module")
def told(annotations):
    """Annotations, the tables, and each pack as header and columns."""
    found = annotations
    tables = {
        name: mistakes.table(PREDICTIONS[name], CKPT[name].temperature, found, store.difficulty())
        for name in NAMES
    }
    recorded = PREDICTIONS["resnet"]
    places = thumbnails.positions([tables[name]["wrong"].to_numpy() for name in NAMES])
    dimensions = slices(tables["resnet"], recorded.qualities)
    content = {
        "images": packs.images_pack(
            recorded.labels, places, dimensions, found, NETWORKS, store.near_duplicates()[1]
        )
    }
    for name, other in (NAMES, NAMES[::-1]):
        content[name] = packs.model_pack(
            CKPT[name],
            f"the {name}",
            PREDICTIONS[name],
            tables[name],
            {other: tables[other]},
            has_neighbor_images=name == "resnet",
        )
    assert sum(map(len, content.values())) < 2 * 600_000
    assert len(content["images"]) + len(content["resnet"]) < 600_000
    assert all(len(content[name]) + len(content["images"]) < 700_000 for name in NAMES)
    return found, tables, {name: unpack(packed) for name, packed in content.items()}


def test_rows_are_keyed_by_test_index(told):
    _, tables, found_packs = told
    labels = found_packs["images"][1]["label"]
    for name in NAMES:
        columns = found_packs[name][1]
        assert np.array_equal(columns["predicted"], PREDICTIONS[name].logits.argmax(1))
        wrong = columns["predicted"] != labels
        assert np.array_equal(wrong, tables[name]["wrong"])
        assert found_packs[name][0]["mistakes"] == wrong.sum()


def test_every_total_agrees(told):
    _, _, found_packs = told
    images = found_packs["images"][1]
    for name in NAMES:
        header, columns = found_packs[name]
        total, wrong = len(images["label"]), int(header["mistakes"])
        assert header["accuracy"]["value"] == pytest.approx(1 - wrong / total)
        confusion = np.array(CKPT[name].metrics["test"]["confusion"])
        assert confusion.sum() == total and confusion.sum() - confusion.trace() == wrong
        counts = np.bincount(columns["verdict"], minlength=5)
        assert counts.sum() == total and counts[1:].sum() == wrong
        assert [verdict["n"] for verdict in header["verdicts"]] == counts[1:].tolist()
        assert [verdict["key"] for verdict in header["verdicts"]] == list(VERDICTS)
        for key, groups in header["slices"].items():
            assert sum(group["n"] for group in groups) == total, key
            assert sum(group["wrong"] for group in groups) == wrong, key
            column = images[f"slice_{key}"]
            found = np.bincount(column, minlength=len(groups))
            assert found.tolist() == [group["n"] for group in groups]
        for other in header["against"].values():
            assert sum(other["counts"]) == total


def test_a_model_against_another_is_seen_from_the_other(told):
    _, tables, found_packs = told
    both_right, fixed, broken, both_wrong = found_packs["basenet"][0]["against"]["resnet"]["counts"]
    assert fixed + both_right == (~tables["basenet"]["wrong"]).sum()
    assert fixed + both_wrong == tables["resnet"]["wrong"].sum()
    assert broken + both_wrong == tables["basenet"]["wrong"].sum()


def test_ordering_by_rank_is_the_order_of_select(told):
    _, tables, found_packs = told
    header, columns = found_packs["resnet"]
    assert header["sorts"] == list(SORTS)
    for number, sort in enumerate(header["sorts"]):
        order = np.argsort(columns[f"rank_{number}"])
        rows = mistakes.select(tables["resnet"], wrong=None, sort=sort)
        assert np.array_equal(order, rows.index), sort


def test_numbers_are_those_of_the_table_to_their_step(told):
    _, tables, found_packs = told
    columns, rows = found_packs["basenet"][1], tables["basenet"]
    for name, step in (("confidence", 1e-4), ("margin", 1e-4), ("entropy", 1e-4), ("loss", 1e-3)):
        exact = rows[name].clip(upper=65535 * step)
        np.testing.assert_allclose(columns[name] * step, exact, atol=step / 2 + 1e-9)
    probs = probabilities(PREDICTIONS["basenet"].logits, CKPT["basenet"].temperature)
    np.testing.assert_allclose(columns["probabilities"] / 255, probs, atol=0.5 / 255 + 1e-9)


def test_votes_are_those_of_the_annotations(told):
    annotations, _, found_packs = told
    columns = found_packs["images"][1]
    assert np.array_equal(columns["votes"], annotations.votes)
    reviewed = columns["review_guess"] != 255
    assert reviewed.sum() == 275
    assert (columns["review_guess"][reviewed] < len(CLASSES)).all()
    assert found_packs["resnet"][0]["agreed"]["n"] == (columns["agreement"] == 0).sum()


def test_training_images_are_named_only_where_they_can_be_shown(told):
    (header, columns), (other_header, other) = told[2]["resnet"], told[2]["basenet"]
    assert header["neighbors"] == {"per_sheet": 25, "columns": 3, "right": True}
    wrong = told[1]["resnet"]["wrong"].to_numpy()
    rows = columns["neighbor_row"]
    assert np.array_equal(rows < 65535, wrong) and sorted(rows[wrong]) == list(range(wrong.sum()))
    assert "neighbors" not in other_header and "neighbors" not in other


def test_published_networks_are_ordered_and_their_misses_are_counted(told):
    header, columns = told[2]["images"]
    accuracies = [network["accuracy"] for network in header["networks"]]
    assert accuracies == sorted(accuracies) and len(accuracies) == 30
    assert (round(accuracies[0], 4), round(accuracies[-1], 4)) == (0.8198, 0.9711)
    misses = columns["networks"] != columns["label"][:, None]
    np.testing.assert_array_equal(columns["difficulty"], misses.sum(1))
    assert (columns["difficulty"] == 0).sum() == 6507 and (columns["difficulty"] == 30).sum() == 28
    wrong = told[2]["resnet"][1]["predicted"] != columns["label"]
    hard = columns["difficulty"][wrong]
    assert ((hard >= 20).sum(), (hard <= 3).sum(), (hard == 0).sum()) == (164, 46, 10)


def test_whom_mistakes_are_hard_for_adds_up(told):
    """People agree or doubt, networks are right or miss it: every mistake is one of four kinds."""
    _, tables, found = told
    groups = found["resnet"][0]["slices"]["hard"]
    wrong = [group["wrong"] for group in groups]
    assert sum(wrong) == 498 and sum(group["n"] for group in groups) == 10_000
    rows = tables["resnet"][tables["resnet"]["wrong"]]
    doubted, missed = rows["agreement"] < 0.9, rows["difficulty"] >= 15
    assert wrong == [
        (people & networks).sum()
        for people in (~doubted, doubted)
        for networks in (~missed, missed)
    ]


def test_near_duplicates_of_training_images_are_told(told):
    columns = told[2]["images"][1]
    known = np.flatnonzero(columns["twin"] != 65535)
    assert len(known) == 286 and columns["twin"][31] == 44160
    assert columns["twin_shift"][31].tolist() == [1, 1] and columns["twin_held_out"].sum() == 13
    _, rows = store.near_duplicates()
    np.testing.assert_array_equal(columns["twin_label"][rows.index], rows["label"])
    right = told[2]["resnet"][1]["predicted"] == columns["label"]
    assert right[known].all()
    assert round(float(np.delete(right, known).mean()), 4) == 0.9487


def test_every_image_is_somewhere_on_the_sheets(told):
    header, columns = told[2]["images"]
    assert sorted(columns["position"]) == list(range(header["count"]))
    assert header["sheets"] == {"count": 20, "per_sheet": 500, "columns": 25}


def test_somebody_elses_predictions_can_be_compared_with_every_model(annotations):
    tables = {name: mistakes.table(PREDICTIONS[name], CKPT[name].temperature) for name in NAMES}
    labels = PREDICTIONS["resnet"].labels
    probs = probabilities(PREDICTIONS["basenet"].logits)
    rows = mistakes.table(as_predictions(probs, labels), 1.0)
    answers = RecordedAnswers("their net", probs, 0.9)
    header, columns = unpack(packs.other_pack("theirs", answers, rows, tables))
    assert header["kind"] == "other" and header["title"] == "their net"
    assert header["against"]["basenet"]["counts"][1:3] == [0, 0]
    assert header["against"]["basenet"]["p"] == 1
    assert header["against"]["resnet"]["p"] < 0.05
    assert columns.keys() == {"predicted", "probabilities", "confidence"}


def test_channels_are_known_by_their_images_and_classes():
    recorded = PREDICTIONS["basenet"]
    features, labels = recorded.features.astype(np.float32), recorded.labels
    header, columns = unpack(page_data.pack("basenet-channels"))
    assert header["kind"] == "channels" and header["images"] == 9
    assert columns["tops"].shape == (features.shape[1], 9)
    for channel in range(0, features.shape[1], 7):
        values = features[columns["tops"][channel], channel]
        assert values[0] == features[:, channel].max() and (np.diff(values) <= 0).all()
        means = [features[labels == k, channel].mean() for k in range(10)]
        assert columns["profile"][channel].argmax() == np.argmax(means)
        assert columns["profile"][channel].max() == 255
