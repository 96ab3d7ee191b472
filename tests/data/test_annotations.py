"""The shipped annotations, against what their authors published of them."""

import csv

import numpy as np
import pytest
import torch

from cifar.data import alignment, near_duplicates
from cifar.data import annotations as module
from cifar.data.annotations import (
    FOLDER,
    AnnotationsError,
    load_annotations,
    load_near_duplicates,
    load_published,
    load_published_networks,
)


@pytest.fixture(scope="module")
def labels(test_images):
    return test_images.labels


def test_votes_are_those_that_were_published(annotations, labels):
    votes = annotations.votes
    assert votes.dtype == np.int64 and votes.shape == (10_000, 10)
    people = votes.sum(1)
    assert (people.min(), people.max()) == (47, 63)
    assert people.mean() == pytest.approx(51.1, abs=0.1)
    agreement = votes[np.arange(10_000), labels] / people
    assert agreement.mean() == pytest.approx(0.952, abs=5e-4)
    assert (votes.argmax(1) != labels).sum() == 79
    assert (votes.max(1) == people).sum() == 4_393
    assert (agreement == 1).sum() == 4_392  # of one image all people say another class
    assert (agreement < 0.9).sum() == 1_214 and (agreement < 0.5).sum() == 122
    shares = votes / people[:, None]
    entropy = -(shares * np.log(np.maximum(shares, 1e-12))).sum(1)
    assert np.argsort(-entropy)[:5].tolist() == [6750, 8153, 6792, 86, 2232]


def test_label_reviews_are_those_that_were_published(annotations, labels):
    given, guessed, neither, both = annotations.reviews.T
    reviewed = annotations.given >= 0
    assert annotations.reviews.dtype == annotations.given.dtype == np.int8
    assert reviewed.sum() == 275 and (annotations.reviews[~reviewed] == -1).all()
    assert ((given + guessed + neither + both)[reviewed] == 5).all()
    assert np.array_equal(annotations.given[reviewed], labels[reviewed])
    assert (annotations.guessed[reviewed] != labels[reviewed]).all()
    against = reviewed & (given < 3)
    assert against.sum() == 54
    assert (against & (annotations.votes.argmax(1) != labels)).sum() == 11
    # Labelled airplane, and most reviewers saw a ship.
    assert (annotations.given[1718], annotations.guessed[1718]) == (0, 8)


def test_the_published_model_makes_706_mistakes(labels):
    probabilities = load_published()
    assert probabilities.dtype == np.float64 and probabilities.shape == (10_000, 10)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)
    assert (probabilities.argmax(1) != labels).sum() == 706


def test_thirty_networks_come_by_accuracy_and_agree_on_what_is_easy(labels):
    networks = load_published_networks()
    right = networks.predictions == labels
    accuracies = right.mean(1)
    assert networks.predictions.dtype == np.uint8 and len(set(networks.names)) == 30
    assert accuracies.tolist() == sorted(accuracies)
    assert networks.names[0] == "alexnet_tf_ben" and accuracies[0] == pytest.approx(0.8198)
    assert networks.names[-1] == "shake_shake_26_2x64d_SSI_cutout16"
    assert accuracies[-1] == pytest.approx(0.9711)
    misses = (~right).sum(0)
    assert (misses == 0).sum() == 6_507
    assert misses.max() <= 30


def test_near_duplicates_name_an_image_of_each_split():
    rows = load_near_duplicates()
    assert len(rows) == 286 and rows.index.is_unique and rows.index.is_monotonic_increasing
    assert rows.index.min() >= 0 and rows.index.max() < 10_000
    assert rows["train_index"].between(0, 49_999).all() and rows["distance"].between(0, 1).all()
    assert set(rows["judgment"]) <= {"exact", "near", "very similar"}
    assert (rows.loc[6611, "train_index"], rows.loc[6611, "judgment"]) == (49_007, "near")


def test_the_networks_are_known_from_a_year_and_authors_or_neither():
    networks = load_published_networks()
    assert networks.sources[networks.names.index("wrn_28_10")][0] == "2016"
    for year, source in networks.sources:
        assert bool(year) == bool(source) and (not year or 2009 < int(year) < 2019)


def test_near_duplicates_fit_their_test_images_at_the_recorded_shift(test_images):
    images, rows = near_duplicates.load()
    listed = load_near_duplicates()
    assert (rows["index"] == listed["train_index"]).all() and len(images) == 286

    def together(reach):
        pairs = ([test_images[i] for i in rows.index], [*images.decode()])
        first, second = (torch.tensor(np.stack(part)).permute(0, 3, 1, 2) for part in pairs)
        return alignment.fit(first, second, reach)

    found = together(4)
    assert (found.dy == rows["dy"]).all() and (found.dx == rows["dx"]).all()
    assert (found.correlation >= together(0).correlation).all()
    assert np.median(found.correlation) > 0.9


def test_a_shifted_image_fits_at_its_shift():
    image = torch.randint(0, 256, (3, 3, 40, 40), dtype=torch.uint8)
    first, second = image[:, :, 4:36, 4:36], image[:, :, 3:35, 6:38]
    found = alignment.fit(first, second, 3)
    assert found.dy.tolist() == [-1] * 3 and found.dx.tolist() == [2] * 3
    np.testing.assert_allclose(found.correlation, 1, atol=1e-5)
    flat = alignment.fit(torch.zeros_like(first), second, 1)
    assert (flat.correlation == 0).all()


def test_every_file_names_its_source_and_its_licence():
    with (FOLDER / "sources.csv").open(newline="") as lines:
        sources = list(csv.DictReader(lines))
    ours = {"README.md", "sources.csv", "published-networks.csv", "near-duplicates.parquet"}
    shipped = {path.name for path in FOLDER.iterdir()}
    assert {row["file"] for row in sources} == shipped - ours and ours <= shipped
    assert all(
        f"`{name}`" in (FOLDER / "README.md").read_text() for name in shipped - {"README.md"}
    )
    for row in sources:
        commit = row["url"].removeprefix("https://raw.githubusercontent.com/").split("/")[2]
        assert len(commit) == 40 and len(row["sha256"]) == 64 and row["licence"]
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1_500_000


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("cifar10h-votes.npz", load_annotations),
        ("cifar10_mturk.json", load_annotations),
        ("published-model.npz", load_published),
        ("published-networks.npz", load_published_networks),
        ("duplicates_cifar10.csv", load_near_duplicates),
    ],
)
@pytest.mark.parametrize("content", [None, b"", b"version https://git-lfs.github.com/spec/v1\n"])
def test_a_missing_or_damaged_file_is_named(tmp_path, monkeypatch, name, load, content):
    for path in FOLDER.iterdir():
        if path.name != name:
            (tmp_path / path.name).symlink_to(path)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    with pytest.raises(AnnotationsError, match=f"{name} cannot be read .* get it anew"):
        load()
