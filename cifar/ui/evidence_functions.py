"""The functions about one image that both tabs call: see `cifar.ui.evidence`.

PyTorch, which they need, is imported when the first of them is called.
"""

from collections.abc import Callable

from cifar.ui.security.work_queues import HEAVY, in_line, light_or_heavy


def server_functions() -> list[Callable]:
    """Return the functions as the page calls them, each waiting in its queue."""
    return [
        in_line(_function("look"), light_or_heavy),
        *(in_line(_function(name), HEAVY) for name in ("trust", "probes", "bundle")),
    ]


def _function(name: str) -> Callable[[object], dict]:
    def ask(question: object) -> dict:
        from cifar.ui import evidence

        return getattr(evidence, name)(question)

    ask.__name__ = name  # by which the page calls it
    return ask
