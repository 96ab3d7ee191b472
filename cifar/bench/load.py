"""Measure how many questions a second one app process answers, and the memory it takes."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil

from cifar.bench.client import component_function
from cifar.bench.rows import Row, throughput
from cifar.bench.turns import take_turns
from cifar.explore import store
from cifar.report.screenshot import serving_process
from cifar.ui import evidence

VISITORS = 16  # who ask at the same time
QUESTIONS = 160  # of a block
BLOCKS = 6


def load_suite() -> list[Row]:
    """Answers with both heat maps a second: the app over HTTP, beside the same function alone.

    The reference calls the function in this process, from as many threads as the app has, so the
    ratio is what HTTP, queues and JSON leave of it. The last row has no bar: it is the memory of
    the app's process after all of that, beside that of this one, which holds the same networks.
    """
    with serving_process() as (url, pid), httpx.Client(timeout=120) as client:
        ask = component_function(client, url, "explorer", "look")
        alone = psutil.Process()
        rows = []
        for model in ("resnet", "basenet"):
            question = {"model": model, "image": {"index": 0}}
            store.load(model)
            evidence.look(question), ask(question)
            times = take_turns(
                _block(ask, model, VISITORS),
                _block(evidence.look, model, psutil.cpu_count() or 1),
                BLOCKS,
                f"load {model}",
            )
            ours, reference = ([QUESTIONS / seconds for seconds in side] for side in times)
            what = f"{model}: answers with both heat maps, {VISITORS} visitors"
            rows.append(throughput(what, ours, reference, at_least=0.5, unit="answers/s"))
        app, this = ([p.memory_info().rss / 2**20] for p in (psutil.Process(pid), alone))
    return [*rows, throughput("memory of the app's process", app, this, None, unit="MB")]


def _block(ask: Callable[[dict], dict], model: str, threads: int) -> Callable[[], float]:
    """Return a function that asks QUESTIONS questions from some threads; it returns seconds."""
    numbers, lock = iter(range(10**9)), threading.Lock()

    def answer(_: int) -> None:
        with lock:
            index = next(numbers) % 10_000
        found = ask({"model": model, "image": {"index": index}})
        if "error" in found:
            raise RuntimeError(found["error"])

    def block() -> float:
        began = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(answer, range(QUESTIONS)))
        return time.perf_counter() - began

    return block
