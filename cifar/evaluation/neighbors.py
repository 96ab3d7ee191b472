"""Which images a network finds alike, from their features: the nearest ones, and a map of all.

The training images nearest to a network's mistakes are kept beside it, in `neighbors.parquet`: the
training split is on few computers.

Nearness is by cosine distance: logits are weighted sums of features, so their direction decides
between the classes, while their length only makes every logit larger, that is, the network surer.
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
SHOWN = 3  # nearest training images that are kept of each mistake
BATCH = 500  # rows compared with all images at a time: 100 MB of distances for 48,000
SEED = 0


def nearest(queries: np.ndarray, images: np.ndarray, k: int, label: str = "") -> np.ndarray:
    """The k images whose features are nearest to each query's, nearest first: int64 (N, k).

    queries: float (N, D). images: float (M, D), M at least k; the answer holds their row numbers.
    label: names the progress bar; none without.
    """
    from sklearn.neighbors import NearestNeighbors  # heavy, and the app needs none of it

    search = NearestNeighbors(n_neighbors=k, metric="cosine", algorithm="brute").fit(images)
    starts = range(0, len(queries), BATCH)
    return np.concatenate(
        [
            search.kneighbors(queries[start : start + BATCH], return_distance=False)
            for start in tqdm(starts, label, unit_scale=BATCH, unit="img", disable=not label)
        ]
    )


def nearest_among(features: np.ndarray, allowed: np.ndarray, label: str = "") -> np.ndarray:
    """For each image the nearest other one of those allowed: int64 (N,), -1 where there is none.

    features: float (N, D). allowed: bool (N,).
    """
    candidates, rows = np.flatnonzero(allowed), np.arange(len(features))
    if len(candidates) < 2:
        only = candidates[0] if len(candidates) else -1
        return np.where(rows == only, -1, only)
    found = candidates[nearest(features, features[candidates], 2, label)]
    return np.where(found[:, 0] == rows, found[:, 1], found[:, 0])


def embed(features: np.ndarray, label: str = "") -> np.ndarray:
    """A map on which images with like features lie together: float32 (N, 2), 0 to 1.

    One scale for both axes; only who lies near whom means something. features: float (N, D), N at
    least 5; where all are equal, all images lie in the middle. Principal components first, then
    t-SNE (van der Maaten and Hinton, JMLR 2008).
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    n, width = features.shape
    if not np.ptp(features, axis=0).any():  # t-SNE would not come to an end
        return np.full((n, 2), 0.5, np.float32)
    components = PCA(min(50, n, width), random_state=SEED).fit_transform(features)
    tsne = TSNE(init="pca", perplexity=min(30, (n - 1) / 3), random_state=SEED)
    with tqdm(total=n, desc=label, unit="img", disable=not label) as bar:
        places = tsne.fit_transform(components)  # says nothing on its way
        bar.update(n)
    low, high = places.min(0), places.max(0)
    side = max((high - low).max(), np.finfo(np.float32).tiny)
    return np.clip((places - (low + high) / 2) / side + 0.5, 0, 1).astype(np.float32)


def save_images(path: Path, predictions: Predictions, train: "Split") -> None:
    """Write the training images nearest to each mistake, SHOWN of each, every image once.

    train: the split in which `predictions.neighbours` were found.
    """
    if predictions.neighbours is None:
        raise ValueError("The predictions hold no nearest training images.")
    wrong = predictions.logits.argmax(1) != predictions.labels
    indices = np.unique(predictions.neighbours[wrong, :SHOWN])
    rows = np.searchsorted(train.indices.numpy(), indices)
    images = train.images[rows].permute(0, 2, 3, 1).numpy()
    labels = train.labels[rows].numpy()
    columns = {"index": indices}
    replace(path, lambda partial: image_table.write(partial, images, labels, columns))


class NeighborImages:
    """The training images that `save_images` wrote, uint8 (32, 32, 3) each, by training index.

    Raises DataError for a damaged file.
    """

    def __init__(self, path: Path):
        self._table = ImageTable(path)
        self._rows = {int(index): row for row, index in enumerate(self._table.column("index"))}

    def __getitem__(self, index: int) -> np.ndarray:
        return self._table[self._rows[index]]
