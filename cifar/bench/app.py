"""The waiting times of the app's visitors, compared with a bare Gradio server.

The bare server sends back as many bytes.
"""

import io
import shutil
import tempfile
from pathlib import Path

import httpx
import numpy as np
import psutil
from gradio_client import Client, handle_file
from PIL import Image

from cifar.bench.client import component, component_function, upload
from cifar.bench.rows import Row, added_time, relative_cost, total_time
from cifar.bench.turns import WARM_UP, N, time_in_turns
from cifar.evaluation.predictions import load_predictions
from cifar.models import checkpoint
from cifar.report.screenshot import serving, serving_process

TURNS = WARM_UP + N

# Returns every request's data unchanged, and serves the folder it is started in.
ECHO = """
import gradio as gr

def echo(question):
    return question

def show(photo, answer):
    return "drawn.png", answer

gr.set_static_paths(["."])
with gr.Blocks(analytics_enabled=False) as demo:
    gr.HTML("", server_functions=[echo], elem_id="echo")
    both = [gr.File(visible=False), gr.JSON(visible=False)]
    gr.on([], show, both, both, api_name="show", queue=False)
    gr.on([], lambda picture, answer: answer, both, both[1], api_name="say", queue=False)
demo.launch(run_history=False)
"""


def app_suite() -> list[Row]:
    """Measure what the app adds to a handler that echoes the same payload, and its memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "echo.py").write_text(ECHO)
        with (
            serving_process() as (app_url, process_id),
            serving(folder / "echo.py") as echo_url,
            httpx.Client(timeout=60) as client,
        ):
            return [
                memory_row(client, app_url, process_id),
                photo_row(client, app_url, echo_url),
                photo_row(client, app_url, echo_url, box=[0.4, 0.4, 0.43, 0.44]),
                call_row(app_url, echo_url, folder),
                detail_row(client, app_url, echo_url),
                account_row(client, app_url, echo_url),
                pack_row(client, app_url, echo_url, folder),
            ]


def question(seen: dict) -> dict:
    """Return what is asked about a picture. seen: the answer of `see`."""
    return {"model": "resnet", "image": {part: seen[part] for part in ("pixels", "kind")}}


def memory_row(client: httpx.Client, app_url: str, process_id: int) -> Row:
    """Compare the server's memory after 200 and after 20 photographs and details."""
    photo = photograph(1000)
    see, look = (component_function(client, app_url, "classify", name) for name in ("see", "look"))
    details = [
        component_function(client, app_url, "explorer", name) for name in ("look", "account")
    ]
    megabytes = []
    for request in range(210):
        if request % 2:
            seen = see({"path": upload(client, app_url, photo), "fit": "crop", "box": None})
            look(question(seen))
        else:
            for detail in details:
                detail({"model": "resnet", "image": {"index": request}})
        megabytes.append(psutil.Process(process_id).memory_info().rss / 2**20)
    early, late = megabytes[10:30], megabytes[190:]  # around the 20th and the 200th
    title = "memory after 200 requests, beside 20"
    return relative_cost(title, late, early, at_most=1.05, unit="MB")


def photo_row(
    client: httpx.Client, app_url: str, echo_url: str, box: list[float] | None = None
) -> Row:
    """Time a photograph of 12 megapixels from its upload to the answer with two heat maps.

    box: the part of it to classify; a small one is decoded at full size.
    """
    photos = iter(photographs(TURNS + 1))
    see, look = (component_function(client, app_url, "classify", name) for name in ("see", "look"))
    send_back = component_function(client, echo_url, "echo", "echo")

    def ask_app() -> dict:
        seen = see({"path": upload(client, app_url, next(photos)), "fit": "crop", "box": box})
        return look(question(seen))

    answer, photo = ask_app(), photograph()

    def ask_echo() -> None:
        send_back({"path": upload(client, echo_url, photo)})
        send_back(answer)

    app_ms, echo_ms = time_in_turns(ask_app, ask_echo, "photograph")
    part = "photograph" if box is None else "small box of a photograph"
    name = f"{part} of 12 megapixels, with both heat maps, resnet"
    return total_time(name, app_ms, echo_ms, at_most=400 if box is None else 800)


def photograph(width: int = 4000) -> bytes:
    """Make a JPEG, four wide by three high, of noise whose power falls with 1/f.

    It has shapes of all sizes, like a photograph.
    """
    return photographs(1, width)[0]


def photographs(count: int, width: int = 4000) -> list[bytes]:
    """Make photographs as `photograph` does, each another, so that no answer is known before."""
    random = np.random.default_rng(0)
    layers = [
        Image.fromarray(random.normal(128, 20, (3 * side, 4 * side, 3)).clip(0, 255).astype("u1"))
        for side in (2, 8, 32, 128, 500)
    ]
    size = (width, 3 * width // 4)
    large = [
        np.asarray(layer.resize(size, Image.Resampling.BILINEAR), np.float32) for layer in layers
    ]
    pixels = np.clip(np.sum(large, axis=0) - 4 * 128, 0, 255).astype(np.uint8)
    found = []
    for turn in range(count):
        buffer = io.BytesIO()
        moved = np.roll(pixels, turn * width // count, axis=1)
        Image.fromarray(moved).save(buffer, "JPEG", quality=90)
        found.append(buffer.getvalue())
    return found


def call_row(app_url: str, echo_url: str, folder: Path) -> Row:
    """Time the two API calls that give a program the classes and the heat map of a photograph."""
    files = []
    for number, content in enumerate(photographs(TURNS + 1, 1000)):
        files.append(folder / f"photograph-{number}.jpg")
        files[-1].write_bytes(content)
    photos = iter(files)
    app, bare = (Client(url, verbose=False, download_files=folder) for url in (app_url, echo_url))

    def call_app() -> tuple:
        arguments = {"image": handle_file(next(photos)), "model": "resnet"}
        classes = app.predict(**arguments, api_name="/classify")
        return classes, *app.predict(**arguments, api_name="/explain")

    classes, heat_map, answer = call_app()
    shutil.copy(heat_map, folder / "drawn.png")

    def call_echo() -> None:
        bare.predict(handle_file(files[0]), classes, api_name="/say")
        bare.predict(handle_file(files[0]), answer, api_name="/show")

    name = "/classify and /explain by gradio_client, resnet"
    return added_time(name, *time_in_turns(call_app, call_echo, "calls"), at_most=120)


def detail_row(client: httpx.Client, app_url: str, echo_url: str) -> Row:
    """Time the answer and both heat maps of a mistake, a different one each time."""
    recorded = load_predictions(checkpoint.load("resnet"))
    mistakes = np.flatnonzero(recorded.logits.argmax(1) != recorded.labels)
    indices = iter(mistakes.tolist())
    ask = component_function(client, app_url, "explorer", "look")
    answer = ask({"model": "resnet", "image": {"index": next(indices)}})
    send_back = component_function(client, echo_url, "echo", "echo")
    app_ms, echo_ms = time_in_turns(
        lambda: ask({"model": "resnet", "image": {"index": next(indices)}}),
        lambda: send_back(answer),
        "detail",
    )
    return added_time("detail with both heat maps, resnet", app_ms, echo_ms, at_most=200)


def account_row(client: httpx.Client, app_url: str, echo_url: str) -> Row:
    """Time the sum behind an answer, of another test image each time."""
    ask = component_function(client, app_url, "explorer", "account")
    send_back = component_function(client, echo_url, "echo", "echo")
    indices = iter(range(TURNS + 1))

    def ask_app() -> dict:
        return ask({"model": "resnet", "image": {"index": next(indices)}})

    answer = ask_app()
    app_ms, echo_ms = time_in_turns(ask_app, lambda: send_back(answer), "account")
    return total_time("what adds up to an answer, resnet", app_ms, echo_ms, at_most=300)


def pack_row(client: httpx.Client, app_url: str, echo_url: str, folder: Path) -> Row:
    """Time the download of the explorer's data: that of the test images and of one model."""
    asset = component_function(client, app_url, "explorer", "asset")
    page = component(client, app_url, "explorer")["props"]["props"]["page"]

    def download_packs() -> list[bytes]:
        files = [asset({"kind": "pack", "name": name})["file"] for name in ("images", "resnet")]
        return [client.get(f"{app_url}/{page['files']}{file}").content for file in files]

    for number, content in enumerate(download_packs()):
        (folder / f"{number}.pack").write_bytes(content)
    send_back = component_function(client, echo_url, "echo", "echo")

    def download_same_bytes() -> None:
        for number in range(2):
            send_back({"file": f"{number}.pack"})
            client.get(f"{echo_url}/gradio_api/file={folder}/{number}.pack").raise_for_status()

    app_ms, echo_ms = time_in_turns(download_packs, download_same_bytes, "data packs")
    return added_time("data packs: images and resnet", app_ms, echo_ms, at_most=100)
