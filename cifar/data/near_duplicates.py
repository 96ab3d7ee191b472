"""The training images that are nearly the same as test images.

`assets/annotations/near-duplicates.parquet` holds the 286 that Barz and Denzler found (see
`cifar.data.annotations`), each with the shift at which it fits its test image best.
"""

import pandas as pd

from cifar.data import annotations
from cifar.data.image_table import ImageTable

FILE = annotations.FOLDER / "near-duplicates.parquet"


def load() -> tuple[ImageTable, pd.DataFrame]:
    """Return the training images, and a table with a row for each.

    The index is the test index; columns: index (of the training image, 0 to 49,999), dy and dx (see
    `alignment.Fit`), held_out (whether it is one of `val`) and label (0 to 9). Raises DataError for
    a missing or damaged file.
    """
    images = ImageTable(FILE)
    columns = {name: images.column(name) for name in ("index", "dy", "dx", "held_out")}
    rows = pd.DataFrame({**columns, "label": images.labels}, index=images.column("test_index"))
    return images, rows
