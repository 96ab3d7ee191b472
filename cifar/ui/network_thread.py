"""Load PyTorch, the heat maps and the networks while the page is already served.

Nothing that draws the page imports PyTorch. A question that needs a network imports it, and so
waits for this thread if it is not done yet.
"""

import threading

from cifar.explore import page_data, store


def start() -> None:
    """Load everything in the background."""
    threading.Thread(target=load, name="network", daemon=True).start()


def load() -> None:
    """Import what answers questions, and ask every network one, so that the next is quick."""
    from cifar.ui import evidence

    for name in page_data.models():
        evidence.look({"model": name, "image": {"index": 0}})
        store.predictions(name)
