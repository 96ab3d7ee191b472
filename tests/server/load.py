"""Many visitors at once on a running app: python -m tests.server.load URL [--seconds 600]

Each visitor asks something, checks the answer against what this process finds alone, thinks a
moment and goes on. Being told politely to come back is counted, and is no mistake.
"""

import argparse
import asyncio
import json
import os
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
import numpy as np

from cifar import library, page
from cifar.ui import calls, classify, evidence
from cifar.ui.folder import UPLOADS

VISITORS, SECONDS = 50, 120
THINKING = (0.3, 1.5)  # seconds, from and to
BUS = classify.photo("bus")
POLITE = "Too many"
# A new connection each time: one that was idle may be closed by the server just as it is used,
# which browsers mend by themselves.
LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=0)


@dataclass
class Task:
    """Something that a visitor does: a kind, how often it comes, and what does it and checks."""

    kind: str
    weight: float
    do: Callable[["Visitor"], Awaitable[bool]]  # whether it was done, not politely put off


@dataclass
class Report:
    """What happened: seconds of what was done by kind, how often who was put off, and mistakes."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    busy: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    mistakes: list[str] = field(default_factory=list)
    memory: list[tuple[float, int]] = field(default_factory=list)

    def rows(self):
        """Milliseconds by kind, and counts."""
        return {
            kind: {
                "n": len(spent),
                "busy": self.busy[kind],
                "p50": round(1000 * float(np.percentile(spent, 50))),
                "p95": round(1000 * float(np.percentile(spent, 95))),
                "max": round(1000 * max(spent)),
            }
            for kind, spent in sorted(self.seconds.items())
        }

    def __str__(self):
        lines = [f"{'kind':15}{'n':>6}{'busy':>6}{'p50':>8}{'p95':>8}{'max':>8} ms"]
        for kind, row in self.rows().items():
            lines.append(
                f"{kind:15}{row['n']:6}{row['busy']:6}{row['p50']:8}{row['p95']:8}{row['max']:8}"
            )
        return "\n".join(lines + self.mistakes[:10])


class Visitor:
    def __init__(self, number, http, url, component, upload):
        self.name, self.http, self.url = f"visitor{number}", http, url
        self.component, self.path = component, upload

    async def ask(self, name, question):
        body = {
            "data": question,
            "component_id": self.component,
            "fn_name": name,
            "session_hash": self.name,
        }
        answer = await self.http.post(f"{self.url}/gradio_api/component_server", json=body)
        return answer.raise_for_status().json()

    async def call(self, name, arguments):
        base = f"{self.url}/gradio_api/call"
        asked = await self.http.post(f"{base}/v2/{name}", json=arguments)
        event = asked.raise_for_status().json()["event_id"]
        told = await self.http.get(f"{base}/{name}/{event}")
        kind, data = told.raise_for_status().text.strip().split("\n")[-2:]
        found = json.loads(data.removeprefix("data: "))
        return found if kind == "event: error" else found[-1]


def same(found, wanted):
    """Whether answers agree, numbers to the last digits that float32 keeps in any order."""
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(same(found[k], wanted[k]) for k in wanted)
    if isinstance(wanted, (list, tuple)):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    if isinstance(wanted, float):
        return bool(np.isclose(found, wanted, rtol=1e-3, atol=1e-4))
    return found == wanted


def put_off(answer):
    return isinstance(answer, dict) and str(answer.get("error", "")).startswith(POLITE)


def asked(kind, weight, name, question, wanted):
    wanted = json.loads(json.dumps(wanted))

    async def do(visitor):
        answer = await visitor.ask(name, question)
        if put_off(answer):
            return False
        assert same(answer, wanted), f"{kind}: {str(answer)[:200]}"
        return True

    return Task(kind, weight, do)


def called(kind, weight, arguments, wanted, picture=False):
    wanted = json.loads(json.dumps(wanted))

    async def do(visitor):
        image = {"image": {"path": visitor.path}} if picture else {}
        answer = await visitor.call(kind, image | arguments)
        if put_off(answer):
            return False
        assert same(answer, wanted), f"{kind}: {str(answer)[:200]}"
        return True

    return Task(kind, weight, do)


def fetched(kind, question, wanted, folder):
    async def do(visitor):
        answer = await visitor.ask("asset", question)
        if put_off(answer):
            return False
        found = await visitor.http.get(f"{visitor.url}/{folder}{answer['file']}")
        assert found.raise_for_status().content == wanted, kind
        return True

    return Task(kind, 2, do)


def tasks(folder):
    """All that visitors do, with right answers that are found here, one after the other.

    folder: the address of the folder with packs and sheets. Needs the test images.
    """
    library.TEST_IMAGES.start()
    library.ANNOTATIONS.start()
    assert library.TEST_IMAGES.wait(120) and library.ANNOTATIONS.wait(60)
    images = library.TEST_IMAGES.get()
    found = []
    for index in range(0, 60, 5):
        model = "resnet" if index % 20 == 0 else "basenet"
        question = {"model": model, "image": {"pixels": page.pixels_of(images[index])}}
        found.append(asked("answer", 3, "look", question, evidence.look(question)))
        method = ("gradcam", "layercam", "finercam")[index % 3]
        question = {"model": "basenet", "image": {"index": index}, "method": method}
        question |= {"classes": [index % 10, (index + 3) % 10]}
        found.append(asked("heat map", 1.5, "look", question, evidence.look(question)))
    question = {"model": "basenet", "image": {"index": 7}, "target": 3}
    found.append(asked("check a map", 1.5, "trust", question, evidence.trust(question)))
    found.append(asked("change its mind", 1.5, "probes", question, evidence.probes(question)))
    slow = question | {"method": "occlusion"}
    found.append(asked("slow map", 1, "look", slow, evidence.look(slow)))
    for name in ("images", "basenet", "published"):
        found.append(fetched("pack", {"kind": "pack", "name": name}, page.pack(name), folder))
    for number in (0, 3):
        found.append(
            fetched("sheet", {"kind": "sheet", "name": number}, page.sheet(number), folder)
        )
    UPLOADS.mkdir(exist_ok=True)
    here = {"path": shutil.copy(BUS, UPLOADS)}
    for model in ("resnet", "basenet"):
        wanted = calls.classify(here, model)
        found.append(called("classify", 3, {"model": model}, wanted, picture=True))
    wanted = calls.explain(here, "basenet", "truck")[1]
    found.append(
        called("explain", 3, {"model": "basenet", "target": "truck"}, wanted, picture=True)
    )
    for arguments in ({"true_class": "cat"}, {"sort": "highest loss", "offset": 40}):
        arguments |= {"model": "basenet"}
        wanted = calls.list_mistakes(**arguments)
        found.append(called("list_mistakes", 2, arguments, wanted))
    for index in (3, 1718):
        arguments = {"model": "basenet", "index": index}
        found.append(called("get_mistake", 2, arguments, calls.get_mistake(**arguments)[1]))
    arguments = {"model": "basenet", "other": "published"}
    found.append(called("compare", 2, arguments, calls.compare(**arguments)))
    return found


async def visit(visitor, choices, until, report, random):
    weights = np.array([task.weight for task in choices])
    while time.monotonic() < until:
        await asyncio.sleep(random.uniform(*THINKING))
        task = choices[random.choice(len(choices), p=weights / weights.sum())]
        began = time.monotonic()
        try:
            done = await task.do(visitor)
        except (AssertionError, httpx.HTTPError, ValueError, KeyError) as error:
            report.mistakes.append(f"{task.kind}: {type(error).__name__} {error}")
            continue
        if done:
            report.seconds[task.kind].append(time.monotonic() - began)
        else:
            report.busy[task.kind] += 1


async def watch(memory, until, report):
    began = time.monotonic()
    while time.monotonic() < until:
        report.memory.append((time.monotonic() - began, memory()))
        await asyncio.sleep(1)


async def crowd(url, *, visitors=VISITORS, seconds=SECONDS, memory=None):
    """The Report of so many visitors for so long. memory: gives the bytes that the server holds."""
    async with httpx.AsyncClient(timeout=120, limits=LIMITS) as http:
        config = (await http.get(f"{url}/config")).raise_for_status().json()
        explorer = next(c for c in config["components"] if c["props"].get("elem_id") == "explorer")
        folder = explorer["props"]["props"]["page"]["files"]
        choices = tasks(folder)
        files = {"files": (BUS.name, BUS.read_bytes())}
        sent = await http.post(f"{url}/gradio_api/upload", files=files)
        path = sent.raise_for_status().json()[0]
        report, until = Report(), time.monotonic() + seconds
        everybody = [
            visit(
                Visitor(number, http, url, explorer["id"], path),
                choices, until, report, np.random.default_rng(number),
            )
            for number in range(visitors)
        ]  # fmt: skip
        if memory:
            everybody.append(watch(memory, until, report))
        await asyncio.gather(*everybody)
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", help="of the running app, such as http://127.0.0.1:7860")
    parser.add_argument("--visitors", type=int, default=VISITORS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    given = parser.parse_args()
    report = asyncio.run(
        crowd(given.url.rstrip("/"), visitors=given.visitors, seconds=given.seconds)
    )
    print(report)
    print(f"{len(report.mistakes)} mistakes; load average {os.getloadavg()}")
    sys.exit(bool(report.mistakes))


if __name__ == "__main__":
    main()
