"""What a visitor of the app waits for, beside a bare Gradio server that sends as much back."""

import io
import shutil
import tempfile
from pathlib import Path

import httpx
import numpy as np
import psutil
from gradio_client import Client, handle_file
from PIL import Image

from cifar.bench.client import component, component_function, uploaded
from cifar.bench.rows import Row, added, at_most, within
from cifar.bench.turns import in_turns
from cifar.evaluation.predictions import load_predictions
from cifar.models import checkpoint
from cifar.report.screenshot import running, serving

# Answers every question with the question, and serves the folder it is started in.
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
    """What the app adds over HTTP to an empty handler with the same payload, and what it keeps."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "echo.py").write_text(ECHO)
        with (
            running() as (ours, process),
            serving(folder / "echo.py") as echo,
            httpx.Client(timeout=60) as client,
        ):
            return [
                memory_row(client, ours, process),
                photo_row(client, ours, echo),
                photo_row(client, ours, echo, box=[0.4, 0.4, 0.43, 0.44]),
                call_row(ours, echo, folder),
                detail_row(client, ours, echo),
                pack_row(client, ours, echo, folder),
            ]


def memory_row(client: httpx.Client, ours: str, process: int) -> Row:
    """What the server's process holds after 200 photographs and details, and after 20."""
    photo = photograph(1000)
    see, look = (component_function(client, ours, "classify", name) for name in ("see", "look"))
    detail = component_function(client, ours, "explorer", "look")
    held = []
    for request in range(210):
        if request % 2:
            seen = see({"path": uploaded(client, ours, photo), "fit": "crop", "box": None})
            look({"model": "resnet", "image": {"pixels": seen["pixels"]}})
        else:
            detail({"model": "resnet", "image": {"index": request}})
        held.append(psutil.Process(process).memory_info().rss / 2**20)
    early, late = held[10:30], held[190:]  # around the 20th and the 200th
    return at_most("memory after 200 requests, beside 20", late, early, times=1.05, unit="MB")


def photo_row(client: httpx.Client, ours: str, echo: str, box: list[float] | None = None) -> Row:
    """A photograph of 12 megapixels, or a box of it, from its upload to the answer with two heat
    maps. A small box is decoded at full size."""
    photo = photograph()
    see, look = (component_function(client, ours, "classify", name) for name in ("see", "look"))
    send_back = component_function(client, echo, "echo", "echo")

    def classified() -> dict:
        seen = see({"path": uploaded(client, ours, photo), "fit": "crop", "box": box})
        return look({"model": "resnet", "image": {"pixels": seen["pixels"]}})

    answer = classified()

    def echoed() -> None:
        send_back({"path": uploaded(client, echo, photo)})
        send_back(answer)

    ours_ms, echo_ms = in_turns(classified, echoed, "photograph")
    part = "photograph" if box is None else "small box of a photograph"
    name = f"{part} of 12 megapixels, with both heat maps, resnet"
    return within(name, ours_ms, echo_ms, at_most=400 if box is None else 800)


def photograph(width: int = 4000) -> bytes:
    """A JPEG, four wide by three high, with shapes of all sizes: noise whose power falls with
    1/f."""
    random = np.random.default_rng(0)
    layers = [
        Image.fromarray(random.normal(128, 20, (3 * side, 4 * side, 3)).clip(0, 255).astype("u1"))
        for side in (2, 8, 32, 128, 500)
    ]
    size = (width, 3 * width // 4)
    large = [
        np.asarray(layer.resize(size, Image.Resampling.BILINEAR), np.float32) for layer in layers
    ]
    buffer = io.BytesIO()
    pixels = np.clip(np.sum(large, axis=0) - 4 * 128, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def call_row(ours: str, echo: str, folder: Path) -> Row:
    """A photograph's classes and its heat map for a program, by the two calls for that."""
    photo = folder / "photograph.jpg"
    photo.write_bytes(photograph(1000))
    app, bare = (Client(url, verbose=False, download_files=folder) for url in (ours, echo))
    asked = {"image": handle_file(photo), "model": "resnet"}

    def called() -> tuple:
        classes = app.predict(**asked, api_name="/classify")
        return classes, *app.predict(**asked, api_name="/explain")

    classes, drawn, answer = called()
    shutil.copy(drawn, folder / "drawn.png")

    def echoed() -> None:
        bare.predict(handle_file(photo), classes, api_name="/say")
        bare.predict(handle_file(photo), answer, api_name="/show")

    name = "/classify and /explain by gradio_client, resnet"
    return added(name, *in_turns(called, echoed, "calls"), at_most=120)


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
