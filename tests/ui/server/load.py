"""Questions of visitors to a running app, each with the right answer, found in this process."""

import json
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np

from cifar.explore import page_data, store
from cifar.ui import evidence
from cifar.ui.api import pictures, recorded
from cifar.ui.security.temporary_files import server_folder
from tests.serving import photo

BUS = photo("bus.png")
POLITE = "Too many"


@dataclass
class Task:
    """Something that a visitor does: a kind, and what does it and checks."""

    kind: str
    do: Callable[["Visitor"], Awaitable[bool]]  # whether it was done, not politely put off


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


def asked(kind, name, question, wanted):
    wanted = json.loads(json.dumps(wanted))

    async def do(visitor):
        answer = await visitor.ask(name, question)
        if put_off(answer):
            return False
        assert same(answer, wanted), f"{kind}: {str(answer)[:200]}"
        return True

    return Task(kind, do)


def called(kind, arguments, wanted, picture=False):
    wanted = json.loads(json.dumps(wanted))

    async def do(visitor):
        image = {"image": {"path": visitor.path}} if picture else {}
        answer = await visitor.call(kind, image | arguments)
        if put_off(answer):
            return False
        assert same(answer, wanted), f"{kind}: {str(answer)[:200]}"
        return True

    return Task(kind, do)


def fetched(kind, question, wanted, folder):
    async def do(visitor):
        answer = await visitor.ask("asset", question)
        if put_off(answer):
            return False
        found = await visitor.http.get(f"{visitor.url}/{folder}{answer['file']}")
        assert found.raise_for_status().content == wanted, kind
        return True

    return Task(kind, do)


def tasks(folder):
    """All that visitors do, with right answers that are found here, one after the other.

    folder: the address of the folder with packs and sheets.
    """
    images = store.test_images()
    found = []
    for index in range(0, 60, 10):
        model = "resnet" if index % 20 == 0 else "basenet"
        question = {"model": model, "image": {"pixels": page_data.pixels_of(images[index])}}
        found.append(asked("answer", "look", question, evidence.look(question)))
        method = ("gradcam", "layercam", "finercam")[index % 3]
        question = {"model": "basenet", "image": {"index": index}, "method": method}
        question |= {"classes": [index % 10, (index + 3) % 10]}
        found.append(asked("heat map", "look", question, evidence.look(question)))
    question = {"model": "basenet", "image": {"index": 7}, "target": 3}
    found.append(asked("check a map", "trust", question, evidence.trust(question)))
    found.append(asked("change its mind", "probes", question, evidence.probes(question)))
    slow = question | {"method": "occlusion"}
    found.append(asked("slow map", "look", slow, evidence.look(slow)))
    found += [
        fetched("pack", {"kind": "pack", "name": name}, page_data.pack(name), folder)
        for name in ("images", "basenet", "published")
    ]
    found += [
        fetched("sheet", {"kind": "sheet", "name": number}, page_data.sheet(number), folder)
        for number in (0, 3)
    ]
    here = {"path": shutil.copy(BUS, server_folder().uploads)}
    for model in ("resnet", "basenet"):
        wanted = pictures.classify(here, model)
        found.append(called("classify", {"model": model}, wanted, picture=True))
    wanted = pictures.explain(here, "basenet", "truck")[1]
    found.append(called("explain", {"model": "basenet", "target": "truck"}, wanted, picture=True))
    for arguments in ({"true_class": "cat"}, {"sort": "highest loss", "offset": 40}):
        arguments |= {"model": "basenet"}
        wanted = recorded.list_mistakes(**arguments)
        found.append(called("list_mistakes", arguments, wanted))
    for index in (3, 1718):
        arguments = {"model": "basenet", "index": index}
        found.append(called("get_mistake", arguments, recorded.get_mistake(**arguments)[1]))
    arguments = {"model": "basenet", "other": "published"}
    found.append(called("compare", arguments, recorded.compare(**arguments)))
    return found
