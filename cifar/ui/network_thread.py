"""Load PyTorch, the heat maps and the networks while the page is already served.

Laying out the page does not import PyTorch. A question that needs a network does, and waits until
this thread has done so.
"""

import threading

from cifar.explore import page_data, store


def start() -> None:
    """Load everything in the background."""
    threading.Thread(target=load, name="network", daemon=True).start()


def load() -> None:
    """Import the server functions and run each network once, so that the first question is fast."""
    from cifar.ui import evidence

    for name in page_data.models():
        evidence.look({"model": name, "image": {"index": 0}})
        store.predictions(name)
