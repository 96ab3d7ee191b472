"""Queues for the page's questions, so that heavy ones do not delay the others.

There are four: for questions that a network answers at once (light), that take it seconds (heavy),
that fetch a picture (remote), and whose answer is in memory or on disk (stored). If a queue is
full, the answer is an error.
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

QUEUE_FULL_ANSWER = {
    "error": "Too many visitors are asking this just now: nothing is wrong, try again in a minute."
}
FAILURE_ANSWER = {"error": "The server failed at this question: its log says why."}
CORES = os.cpu_count() or 1


class WorkQueue:
    """A queue with its own threads.

    running: the number of questions that run at a time. waiting: the maximum that wait.
    """

    def __init__(self, running: int, waiting: int) -> None:
        self.limiter, self.waiting = CapacityLimiter(running), waiting
        # Separate threads: a thread keeps the memory that PyTorch allocated for its largest
        # question, so heavy questions must not run on all threads of the server in turn.
        self.threads = ThreadPoolExecutor(running)

    @property
    def full(self) -> bool:
        """Whether the maximum number of questions is waiting."""
        return self.limiter.statistics().tasks_waiting >= self.waiting

    async def answer(self, function: Callable[[object], dict], question: object) -> dict:
        """Wait for a free thread and return the function's answer to a question.

        Returns QUEUE_FULL_ANSWER if the queue is full, FAILURE_ANSWER if the function fails.
        """
        if self.full:
            return QUEUE_FULL_ANSWER
        async with self.limiter:
            request = LocalContext.request.get(None)
            if request is not None and await request.is_disconnected():
                return QUEUE_FULL_ANSWER  # the client is gone: skip its question
            try:
                call = partial(copy_context().run, function, question)
                return await asyncio.get_running_loop().run_in_executor(self.threads, call)
            except Exception:  # a bug: one sentence for the visitor, the traceback in the log
                logging.getLogger(__name__).exception("%s failed", function.__name__)
                return FAILURE_ANSWER


LIGHT = WorkQueue(running=max(2, CORES), waiting=100)
# A heavy question takes a core for seconds: visitors would not wait in a longer queue.
HEAVY = WorkQueue(running=max(1, CORES // 2), waiting=12)
# Downloads from other servers take up to 20 seconds, and no processor.
REMOTE = WorkQueue(running=2, waiting=10)
# These read files and memory.
STORED = WorkQueue(running=20, waiting=200)


def light_or_heavy(question: object) -> WorkQueue:
    """Return the queue for heat maps: HEAVY for methods that run the network hundreds of times."""
    method = question.get("method") if isinstance(question, dict) else None
    slow = isinstance(method, str) and method in METHODS and METHODS[method].slow
    return HEAVY if slow else LIGHT


def queued(function: Callable, queue: WorkQueue | Callable[[object], WorkQueue]) -> Callable:
    """Wrap a server function so that it waits in a queue. queue: one, or a choice by question."""

    @functools.wraps(function)
    async def answer(question: object) -> dict:
        chosen = queue if isinstance(queue, WorkQueue) else queue(question)
        return await chosen.answer(function, question)

    return answer
