"""Nearest neighbors of images by a network's features, and a 2D map of all images.

The training images nearest to a network's mistakes are saved in its `neighbors.parquet`, because
few computers have the training split.

Distances are cosine distances: logits are weighted sums of features, so the direction of the
features decides between the classes; their length only scales all logits, that is, the confidence.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from cifar.data import image_table
from cifar.data.image_table import ImageTable
from cifar.evaluation.predictions import Predictions
from cifar.files import replace

if TYPE_CHECKING:
    from cifar.data.cifar10 import Split

FILE = "neighbors.parquet"
SHOWN = 3  # nearest training images saved per mistake
BATCH = 500  # queries at a time: 100 MB of distances to 48,000 images
SEED = 0


def nearest(queries: np.ndarray, images: np.ndarray, k: int, label: str = "") -> np.ndarray:
    """Return the rows of the k images nearest to each query, nearest first: int64 (N, k).

    queries: features, float (N, D). images: features, float (M, D), M at least k.
    label: names the progress bar; empty for none.
    """
    from sklearn.neighbors import NearestNeighbors  # slow to import, and the app does not need it

    search = NearestNeighbors(n_neighbors=k, metric="cosine", algorithm="brute").fit(images)
    starts = range(0, len(queries), BATCH)
    return np.concatenate(
        [
            search.kneighbors(queries[start : start + BATCH], return_distance=False)
            for start in tqdm(starts, label, unit_scale=BATCH, unit="img", disable=not label)
        ]
    )


def nearest_among(features: np.ndarray, allowed: np.ndarray, label: str = "") -> np.ndarray:
    """Return the nearest other allowed image for each image: int64 (N,), -1 if there is none.

    features: float (N, D). allowed: bool (N,).
    """
    candidates, rows = np.flatnonzero(allowed), np.arange(len(features))
    if len(candidates) < 2:
        only = candidates[0] if len(candidates) else -1
        return np.where(rows == only, -1, only)
    neighbors = candidates[nearest(features, features[candidates], 2, label)]
    return np.where(neighbors[:, 0] == rows, neighbors[:, 1], neighbors[:, 0])


def embed(features: np.ndarray, label: str = "") -> np.ndarray:
    """Place images with similar features near each other on a map: float32 (N, 2), 0 to 1.

    Principal components first, then t-SNE (van der Maaten and Hinton, JMLR 2008). Both axes have
    the same scale; only nearness has a meaning. features: float (N, D), N at least 5; if all are
    equal, all images are in the middle.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    n, width = features.shape
    if not np.ptp(features, axis=0).any():  # t-SNE would not terminate
        return np.full((n, 2), 0.5, np.float32)
    components = PCA(min(50, n, width), random_state=SEED).fit_transform(features)
    tsne = TSNE(init="pca", perplexity=min(30, (n - 1) / 3), random_state=SEED)
    with tqdm(total=n, desc=label, unit="img", disable=not label) as bar:
        places = tsne.fit_transform(components)  # reports no progress
        bar.update(n)
    low, high = places.min(0), places.max(0)
    side = max((high - low).max(), np.finfo(np.float32).tiny)
    return np.clip((places - (low + high) / 2) / side + 0.5, 0, 1).astype(np.float32)


def save_images(path: Path, predictions: Predictions, train: "Split") -> None:
    """Write the SHOWN training images nearest to each mistake, every image once.

    train: the split that `predictions.neighbours` refers to. Raises ValueError without neighbours.
    """
    if predictions.neighbours is None:
        raise ValueError("The predictions hold no nearest training images.")
    mistakes = predictions.logits.argmax(1) != predictions.labels
    indices = np.unique(predictions.neighbours[mistakes, :SHOWN])
    rows = np.searchsorted(train.indices.numpy(), indices)
    images = train.images[rows].permute(0, 2, 3, 1).numpy()
    labels = train.labels[rows].numpy()
    columns = {"index": indices}
    replace(path, lambda partial: image_table.write(partial, images, labels, columns))


class NeighborImages:
    """The training images that `save_images` wrote, uint8 (32, 32, 3) each, by training index.

    Raises DataError for a damaged file.
    """

    def __init__(self, path: Path) -> None:
        self._table = ImageTable(path)
        self._rows = {int(index): row for row, index in enumerate(self._table.column("index"))}

    def __getitem__(self, index: int) -> np.ndarray:
        return self._table[self._rows[index]]
