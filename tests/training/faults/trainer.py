"""The parent of trainings that can be killed; see `tests.forks`."""

from tests.forks import serve


def prepare():
    import accelerate.state
    import torch._dynamo  # noqa: F401 - which the first optimizer imports

    from cifar.training import loop  # noqa: F401

    assert not accelerate.state.AcceleratorState._shared_state  # nothing was computed


if __name__ == "__main__":
    serve(prepare)
