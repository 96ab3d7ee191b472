"""The parent of clients of the Hub; see `tests.forks`.

huggingface_hub reads its environment when it is imported, so every command imports it itself.
"""

import sys

from tests.forks import serve


def prepare():
    import cifar.figures
    import cifar.predict  # noqa: F401

    assert "huggingface_hub" not in sys.modules  # it would have read another environment


if __name__ == "__main__":
    serve(prepare)
