"""Lines in which questions of the page wait, so that the heavy ones of some hold up nobody else.

Every question waits in one line, of three: that a network answers at once (light), that takes it
seconds (heavy), and that is read from memory or disk. Whoever finds a line too long is told so.
"""

import asyncio
import functools
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial

from anyio import CapacityLimiter
from gradio.context import LocalContext

from cifar.explain.methods import METHODS

FULL = {
    "error": "Too many visitors are asking this just now: nothing is wrong, try again in a minute."
}
BROKEN = {"error": "The server failed at this question: its log says why."}
CORES = os.cpu_count() or 1


class Line:
    """So many questions run at a time, and so many more wait for their turn."""

    def __init__(self, running: int, waiting: int):
        self.limiter, self.waiting = CapacityLimiter(running), waiting
        # Its own threads: each keeps what its largest question needed of PyTorch's memory, so a
        # heavy one must not come to every thread of the server in turn.
        self.threads = ThreadPoolExecutor(running)

    @property
    def full(self) -> bool:
        return self.limiter.statistics().tasks_waiting >= self.waiting

    async def answer(self, function: Callable[[object], dict], question: object) -> dict:
        """What a function says of a question when its turn has come."""
        if self.full:
            return FULL
        async with self.limiter:
            request = LocalContext.request.get(None)
            if request is not None and await request.is_disconnected():
                return FULL  # nobody hears it: the turn is the next one's
            try:
                call = partial(copy_context().run, function, question)
                return await asyncio.get_running_loop().run_in_executor(self.threads, call)
            except Exception:  # a defect of ours: for the visitor a sentence, for us all of it
                logging.getLogger(__name__).exception("%s failed", function.__name__)
                return BROKEN


LIGHT = Line(running=max(2, CORES), waiting=100)
# A heavy question keeps a core busy for seconds: a longer line than this would not be waited for.
HEAVY = Line(running=max(1, CORES // 2), waiting=12)
# These read files and memory.
STORED = Line(running=20, waiting=200)


def light_or_heavy(question: object) -> Line:
    """The line of a question for heat maps: some methods ask the network hundreds of times."""
    method = question.get("method") if isinstance(question, dict) else None
    slow = isinstance(method, str) and method in METHODS and METHODS[method].slow
    return HEAVY if slow else LIGHT


def in_line(function: Callable, line: Line | Callable[[object], Line]) -> Callable:
    """A function for the page that waits in a line, or in that which its question belongs to."""

    @functools.wraps(function)
    async def answer(question):
        chosen = line if isinstance(line, Line) else line(question)
        return await chosen.answer(function, question)

    return answer
