"""Timing of two sides in turns, so that both meet the same disturbances."""

import time
from collections.abc import Callable

from tqdm import tqdm

N = 40  # timed calls of each side
WARM_UP = 3  # calls of each side before them, not timed


def take_turns(
    ours: Callable[[], float], reference: Callable[[], float], blocks: int, name: str
) -> tuple[list[float], list[float]]:
    """Call both sides alternately, and return what each returned, a number per block."""
    results: tuple[list[float], list[float]] = ([], [])
    with tqdm(total=2 * blocks, desc=name, unit="block") as bar:
        for _ in range(blocks):
            for side, times in zip((ours, reference), results, strict=True):
                times.append(side())
                bar.update()
    return results


def time_in_turns(
    ours: Callable[[], object], reference: Callable[[], object], name: str, calls: int = N
) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each call on either side, after a warm-up that is not timed."""
    for call in (ours, reference) * WARM_UP:
        call()
    return take_turns(milliseconds(ours), milliseconds(reference), calls, name)


def milliseconds(call: Callable[[], object], times: int = 1) -> Callable[[], float]:
    """Return a function that makes the call so many times and returns their total milliseconds."""

    def timed() -> float:
        began = time.perf_counter()
        for _ in range(times):
            call()
        return 1000 * (time.perf_counter() - began)

    return timed
