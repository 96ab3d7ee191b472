"""The server functions about one image that both tabs call, see `cifar.ui.evidence`.

They need PyTorch, which is imported at the first call.
"""

from collections.abc import Callable

from cifar.ui.security.work_queues import HEAVY, LIGHT, light_or_heavy, queued


def server_functions() -> list[Callable]:
    """Return the functions as the page calls them, each waiting in its queue."""
    return [
        queued(_function("look"), light_or_heavy),
        *(queued(_function(name), LIGHT) for name in ("account", "layers")),
        *(queued(_function(name), HEAVY) for name in ("trust", "probes", "bundle")),
    ]


def _function(name: str) -> Callable[[object], dict]:
    def ask(question: object) -> dict:
        from cifar.ui import evidence

        return getattr(evidence, name)(question)

    ask.__name__ = name  # the page calls it by this name
    return ask
