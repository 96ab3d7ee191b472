import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from cifar.data import cifar10
from cifar.evaluation import neighbors
from cifar.evaluation.neighbors import embed, nearest, nearest_among
from cifar.evaluation.predictions import Predictions
from cifar.explore import store

# Directions at 0, 10, 80 and 90 degrees, of various lengths.
ANGLES = np.radians([0, 10, 80, 90])
FEATURES = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1) * [[1], [9], [2], [0.1]]


def test_nearness_is_a_matter_of_direction():
    queries = np.array([[5.0, 0.5], [0.01, 0.3]])
    assert nearest(queries, FEATURES, 3).tolist() == [[1, 0, 2], [3, 2, 1]]


def test_batches_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    queries, images = rng.normal(size=(23, 6)), rng.normal(size=(40, 6))
    whole = nearest(queries, images, 5)
    monkeypatch.setattr("cifar.evaluation.neighbors.BATCH", 7)
    assert np.array_equal(nearest(queries, images, 5), whole)


def test_the_nearest_other_image_is_never_itself():
    assert nearest_among(FEATURES, np.array([True] * 4)).tolist() == [1, 0, 3, 2]
    assert nearest_among(FEATURES, np.array([True, False, False, True])).tolist() == [3, 0, 3, 0]
    twins = FEATURES[[0, 0, 0, 3]]
    found = nearest_among(twins, np.array([True] * 4))
    assert (found != np.arange(4)).all() and set(found[:3]) <= {0, 1, 2}


def test_where_none_is_allowed_there_is_none():
    assert nearest_among(FEATURES, np.zeros(4, bool)).tolist() == [-1] * 4
    assert nearest_among(FEATURES, np.array([False, True, False, False])).tolist() == [1, -1, 1, 1]


@pytest.fixture(scope="module")
def blobs():
    """Three groups of 20 images, far from each other in 60 dimensions."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 10, (3, 60))
    return np.repeat(centres, 20, axis=0) + rng.normal(0, 1, (60, 60))


def test_the_map_keeps_groups_together_and_within_its_bounds(blobs):
    with threadpool_limits(1):
        places = embed(blobs)
        again = embed(blobs)
    assert places.dtype == np.float32 and places.shape == (60, 2)
    assert places.min() >= 0 and places.max() <= 1
    width = places.max(0) - places.min(0)
    assert width.max() == pytest.approx(1, abs=1e-6)  # one scale for both axes
    groups = places.reshape(3, 20, 2)
    spread = np.linalg.norm(groups - groups.mean(1, keepdims=True), axis=-1).max()
    centres = groups.mean(1)
    assert min(np.linalg.norm(centres[i] - centres[i - 1]) for i in range(3)) > 2 * spread
    assert np.array_equal(places, again)


def test_a_map_of_features_that_are_all_alike_is_one_place():
    assert (embed(np.zeros((20, 8), np.float32)) == 0.5).all()


def test_a_map_of_few_images_can_be_drawn(blobs):
    with threadpool_limits(1):
        assert embed(blobs[:5]).shape == (5, 2)


@pytest.mark.training_split
@pytest.mark.parametrize("name", ["resnet", "basenet"])
def test_the_training_images_that_ship_are_those_of_the_training_split(name):
    parts = [cifar10.load(split) for split in ("train", "val")]
    images, labels = np.empty((50_000, 32, 32, 3), np.uint8), np.empty(50_000, np.uint8)
    for part in parts:
        images[part.indices] = part.images.permute(0, 2, 3, 1)
        labels[part.indices] = part.labels
    recorded, shipped = store.predictions(name), store.neighbor_images(name)
    assert np.array_equal(recorded.neighbour_labels, labels[recorded.neighbours])
    wrong = recorded.logits.argmax(1) != recorded.labels
    for index in np.unique(recorded.neighbours[wrong, : neighbors.SHOWN]).tolist():
        assert np.array_equal(shipped[index], images[index]), index


def test_every_image_near_a_mistake_is_kept_once(tiny_split, tmp_path):
    train = tiny_split(40)
    train.indices.add_(100)  # positions are not row numbers
    labels = np.arange(8) % 10
    logits = np.eye(10, dtype=np.float32)[[*labels[:6], 3, 3]]  # the last two are wrong
    nearest = np.tile(np.array([103, 101, 139, 100, 102], np.int32), (8, 1))
    recorded = Predictions(logits, labels, None, False, "", neighbours=nearest)
    neighbors.save_images(tmp_path / neighbors.FILE, recorded, train)
    kept = neighbors.NeighborImages(tmp_path / neighbors.FILE)
    assert sorted(kept._rows) == [101, 103, 139]
    for index in (101, 103, 139):
        assert np.array_equal(kept[index], train.images[index - 100].permute(1, 2, 0))
