"""What a visitor of the app waits for, beside a bare Gradio server that sends as much back."""

import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from cifar import checkpoint
from cifar.bench.rows import Row, added, take_turns, within
from cifar.predictions import load_predictions
from cifar.screenshot import serving

N = 40  # requests of each kind
WARM_UP = 3

# Answers every question with the question, and serves the folder it is started in.
ECHO = """
import gradio as gr

def echo(question):
    return question

gr.set_static_paths(["."])
with gr.Blocks(analytics_enabled=False) as demo:
    gr.HTML("", server_functions=[echo], elem_id="echo")
demo.launch(run_history=False)
"""


def app_suite() -> list[Row]:
    """Milliseconds over HTTP that the explorer adds to an empty handler with the same payload."""
    with tempfile.TemporaryDirectory() as folder:
        echo_script = Path(folder) / "echo.py"
        echo_script.write_text(ECHO)
        with serving() as ours, serving(echo_script) as echo, httpx.Client(timeout=60) as client:
            return [
                photo_row(client, ours, echo),
                detail_row(client, ours, echo),
                pack_row(client, ours, echo, Path(folder)),
            ]


def photo_row(client: httpx.Client, ours: str, echo: str) -> Row:
    """A photograph of 12 megapixels from its upload to the answer with two heat maps."""
    photo = photograph()
    see, look = (component_function(client, ours, "classify", name) for name in ("see", "look"))
    send_back = component_function(client, echo, "echo", "echo")

    def classified() -> dict:
        seen = see({"path": uploaded(client, ours, photo), "fit": "crop", "box": None})
        return look({"model": "resnet", "image": {"pixels": seen["pixels"]}})

    answer = classified()

    def echoed() -> None:
        send_back({"path": uploaded(client, echo, photo)})
        send_back(answer)

    ours_ms, echo_ms = in_turns(classified, echoed, "photograph")
    name = "photograph of 12 megapixels, with both heat maps, resnet"
    return within(name, ours_ms, echo_ms, at_most=400)


def photograph() -> bytes:
    """A JPEG of 4000x3000 pixels with shapes of all sizes: noise whose power falls with 1/f."""
    random = np.random.default_rng(0)
    layers = [
        Image.fromarray(random.normal(128, 20, (3 * side, 4 * side, 3)).clip(0, 255).astype("u1"))
        for side in (2, 8, 32, 128, 500)
    ]
    large = [np.float32(layer.resize((4000, 3000), Image.Resampling.BILINEAR)) for layer in layers]
    buffer = io.BytesIO()
    Image.fromarray(np.uint8(np.clip(sum(large) - 4 * 128, 0, 255))).save(
        buffer, "JPEG", quality=90
    )
    return buffer.getvalue()


def uploaded(client: httpx.Client, url: str, content: bytes) -> str:
    """Where the server put a file that was sent to it."""
    files = {"files": ("photograph.jpg", content, "image/jpeg")}
    return client.post(f"{url}/gradio_api/upload", files=files).raise_for_status().json()[0]


def detail_row(client: httpx.Client, ours: str, echo: str) -> Row:
    """The answer and both heat maps of a mistake, another one each time."""
    recorded = load_predictions(checkpoint.load("resnet"))
    wrong = np.flatnonzero(recorded.logits.argmax(1) != recorded.labels)
    asked = iter(wrong.tolist())
    ask = component_function(client, ours, "explorer", "look")
    answer = ask({"model": "resnet", "image": {"index": next(asked)}})
    send_back = component_function(client, echo, "echo", "echo")
    ours_ms, echo_ms = in_turns(
        lambda: ask({"model": "resnet", "image": {"index": next(asked)}}),
        lambda: send_back(answer),
        "detail",
    )
    return added("detail with both heat maps, resnet", ours_ms, echo_ms, at_most=200)


def pack_row(client: httpx.Client, ours: str, echo: str, folder: Path) -> Row:
    """Everything that the explorer is told of one model and the test images."""
    asset = component_function(client, ours, "explorer", "asset")
    page = component(client, ours, "explorer")["props"]["props"]["page"]

    def packs() -> list[bytes]:
        files = [asset({"kind": "pack", "name": name})["file"] for name in ("images", "resnet")]
        return [client.get(f"{ours}/{page['files']}{file}").content for file in files]

    for number, content in enumerate(packs()):
        (folder / f"{number}.pack").write_bytes(content)
    send_back = component_function(client, echo, "echo", "echo")

    def same_bytes() -> None:
        for number in range(2):
            send_back({"file": f"{number}.pack"})
            client.get(f"{echo}/gradio_api/file={folder}/{number}.pack").raise_for_status()

    ours_ms, echo_ms = in_turns(packs, same_bytes, "data packs")
    return added("data packs: images and resnet", ours_ms, echo_ms, at_most=100)


def component(client: httpx.Client, url: str, elem_id: str) -> dict:
    """A component of a page, as its configuration describes it."""
    config = client.get(f"{url}/config").raise_for_status().json()
    return next(c for c in config["components"] if c["props"].get("elem_id") == elem_id)


def component_function(
    client: httpx.Client, url: str, elem_id: str, function: str
) -> Callable[[dict], dict]:
    """A component's server function, called the way the page does."""
    number = component(client, url, elem_id)["id"]

    def call(question: dict) -> dict:
        body = {
            "data": question,
            "component_id": number,
            "fn_name": function,
            "session_hash": "bench",
        }
        response = client.post(f"{url}/gradio_api/component_server", json=body)
        answer = response.raise_for_status().json()
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError(f"{function}: {answer['error']}")
        return answer

    return call


def in_turns(
    ours: Callable[[], object], reference: Callable[[], object], name: str
) -> tuple[list[float], list[float]]:
    """Milliseconds of each of N calls on either side, after some that are not counted."""
    for call in (ours, reference) * WARM_UP:
        call()
    return take_turns((milliseconds(ours), milliseconds(reference)), N, name)


def milliseconds(call: Callable[[], object]) -> Callable[[], float]:
    """A function that makes the call and returns how long it took."""

    def timed() -> float:
        began = time.perf_counter()
        call()
        return 1000 * (time.perf_counter() - began)

    return timed
