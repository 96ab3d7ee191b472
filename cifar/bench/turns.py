"""Timing two sides in turns, so that both meet the same disturbances."""

import time
from collections.abc import Callable

from tqdm import tqdm

N = 40  # timed calls of each side
WARM_UP = 3  # before them, not counted


def take_turns(
    ours: Callable[[], float], reference: Callable[[], float], blocks: int, name: str
) -> tuple[list[float], list[float]]:
    """Return what each side returned for each of its blocks."""
    results: tuple[list[float], list[float]] = ([], [])
    with tqdm(total=2 * blocks, desc=name, unit="block") as bar:
        for _ in range(blocks):
            for side, found in zip((ours, reference), results, strict=True):
                found.append(side())
                bar.update()
    return results


def in_turns(
    ours: Callable[[], object], reference: Callable[[], object], name: str, calls: int = N
) -> tuple[list[float], list[float]]:
    """Milliseconds of each of so many calls on either side, after some that are not counted."""
    for call in (ours, reference) * WARM_UP:
        call()
    return take_turns(milliseconds(ours), milliseconds(reference), calls, name)


def milliseconds(call: Callable[[], object], times: int = 1) -> Callable[[], float]:
    """A function that makes the call so many times and returns how long all of them took."""

    def timed() -> float:
        began = time.perf_counter()
        for _ in range(times):
            call()
        return 1000 * (time.perf_counter() - began)

    return timed
