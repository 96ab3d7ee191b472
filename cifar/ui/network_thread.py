"""Load PyTorch, the heat maps and the networks while the page is already served.

Nothing that draws the page imports PyTorch. A question that needs a network imports it, and so
waits for this thread if it is not done yet.
"""

import logging
import threading

from cifar import LensError
from cifar.explore import page_data, store


def start() -> threading.Thread:
    """Load everything in the background.

    The process must not end before the thread does: an import of PyTorch that is cut off fails.
    """
    thread = threading.Thread(target=load, name="network", daemon=True)
    thread.start()
    return thread


def load() -> None:
    """Import what answers questions, and read the first networks and their feature banks."""
    from cifar.evaluation import ood
    from cifar.ui import evidence  # noqa: F401

    for name in page_data.models()[: store.IN_MEMORY]:
        try:
            _ = store.load(name).model
            ood.feature_bank(store.load(name))
        except LensError as error:  # questions to this network get the same sentence
            logging.getLogger(__name__).warning("%s cannot be used: %s", name, error)
