"""The Mistakes tab: the explorer of every test image, which runs in the page.

Here is only what it asks the server for. Each function takes one JSON object and returns one; what
cannot be done is returned as `error`, a sentence for the visitor.
"""

import functools
import os
from collections.abc import Callable
from pathlib import Path

import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder

from cifar import CLASSES, LensError, checkpoint, data, explorer, mistakes, sprites
from cifar.annotations import load_published
from cifar.explain import grad_cam
from cifar.others import as_predictions, parse_predictions
from cifar.slices import slices
from cifar.ui import library
from cifar.ui.html import png_url
from cifar.ui.library import ANNOTATIONS, TEST_IMAGES
from cifar.ui.served import COMPONENTS, SERVED, address

PUBLISHED = "published"
MAX_NEIGHBOURS = 10

SCRIPT = """
const page = props.page;
import(new URL(page.script, document.baseURI))
  .then((module) => module.connect(element.querySelector('.explorer-root'), page, server, upload))
  .catch((error) => {
    element.querySelector('.explorer-root').textContent = `The explorer did not start: ${error}`;
  });
"""


def answering(function: Callable[[dict], dict]) -> Callable[[object], dict]:
    """A function for the page: whatever it is sent, it answers, with an `error` if need be."""

    @functools.wraps(function)
    def answer(question):
        try:
            return function(question if isinstance(question, dict) else {})
        except LensError as error:
            return {"error": str(error)}

    return answer


def _models() -> list[str]:
    return [name for _, name in library.choices()]


def _known_model(name: object) -> str:
    if name not in _models():
        raise LensError("There is no such model: reload the page.")
    return name


def _known_index(index: object, count: int) -> int:
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count:
        raise LensError(f"There is no image {index!r}: choose 0 to {count - 1:,}.")
    return index


def _places() -> np.ndarray:
    return sprites.positions([library.table(name)["wrong"].to_numpy() for name in _models()])


def _pack(name: object) -> str:
    """The name of the file with a pack, under which the page finds it."""
    ANNOTATIONS.wait(5)  # reading them takes a moment; a download must not hold up the page
    annotations = ANNOTATIONS.get()
    state = "judged" if annotations else "plain"
    if name == "images":

        def make() -> bytes:
            first = _models()[0]
            rows, recorded = library.table(first), library.predictions(first)
            dimensions = slices(rows, recorded.qualities)
            return explorer.images_pack(recorded.labels, _places(), dimensions, annotations)

    elif name == PUBLISHED:

        def make() -> bytes:
            return _other(PUBLISHED, "a published model", load_published())

    else:
        model = _known_model(name)

        def make() -> bytes:
            others = {other: library.table(other) for other in _models() if other != model}
            ckpt = library.load(model)
            # The explorer says the accuracy itself, with its interval.
            title = library.title(ckpt).rpartition(" · ")[0]
            recorded, rows = library.predictions(model), library.table(model)
            return explorer.model_pack(ckpt, title, recorded, rows, others)

    return SERVED.once(f"{name}/{state}", ".pack", make)


def _other(name: str, title: str, probabilities: np.ndarray) -> bytes:
    labels = library.predictions(_models()[0]).labels
    rows = mistakes.table(as_predictions(probabilities, labels), 1.0)
    against = {model: library.table(model) for model in _models()}
    return explorer.other_pack(name, title, probabilities, rows, against)


@answering
def asset(question: dict) -> dict:
    """The file with a pack or a sheet of thumbnails. question: kind and name."""
    name = question.get("name")
    if question.get("kind") == "pack":
        return {"file": _pack(name)}
    images = TEST_IMAGES.get()
    if images is None:
        raise LensError(TEST_IMAGES.status)
    number = _known_index(name, sprites.count(len(images)))
    make = functools.partial(sprites.sheet, images, _places(), number)
    return {"file": SERVED.once(f"sheet{number}", ".png", make)}


@answering
def images_ready(question: dict) -> dict:
    """Whether thumbnails can be had, and if not, why."""
    return {"ready": TEST_IMAGES.get() is not None, "message": TEST_IMAGES.status}


@answering
def heat_maps(question: dict) -> dict:
    """Evidence for the predicted and the true class of a test image. question: model and index."""
    name = _known_model(question.get("model"))
    images = TEST_IMAGES.get()
    if images is None:
        raise LensError("Heat maps need the test images. " + TEST_IMAGES.status)
    index = _known_index(question.get("index"), len(images))
    recorded = library.predictions(name)
    targets = [int(recorded.logits[index].argmax())]
    if recorded.labels[index] != targets[0]:
        targets.append(int(recorded.labels[index]))
    heats = grad_cam(library.load(name), images[index], targets)
    return {
        "layer": heats[0].layer.title,
        "maps": [
            {
                "target": heat.target,
                "height": heat.values.shape[0],
                "width": heat.values.shape[1],
                "values": heat.values.ravel().tolist(),
            }
            for heat in heats
        ],
    }


@answering
def train_thumbnails(question: dict) -> dict:
    """Training images as pictures, where that split is on this computer. question: indices."""
    indices = question.get("indices")
    if not isinstance(indices, list) or len(indices) > MAX_NEIGHBOURS:
        raise LensError(f"Ask for at most {MAX_NEIGHBOURS} training images.")
    found = training_images()
    if found is None:
        return {
            "images": [],
            "message": "The training images are not on this computer (they are fetched when a "
            "network is trained).",
        }
    images, labels = found
    chosen = [_known_index(index, len(images)) for index in indices]
    return {
        "images": [
            {
                "index": index,
                "label": CLASSES[labels[index]],
                "url": png_url(images[index].transpose(1, 2, 0)),
            }
            for index in chosen
        ],
        "message": "",
    }


@functools.cache
def training_images() -> tuple[np.ndarray, np.ndarray] | None:
    return data.cached_training_images()


@answering
def compare_upload(question: dict) -> dict:
    """The pack of anybody's predictions, from a file just uploaded. question: path and name."""
    path = Path(str(question.get("path", ""))).resolve()
    if not path.is_relative_to(Path(get_upload_folder()).resolve()) or not path.is_file():
        raise LensError("The file did not arrive: upload it again.")
    probabilities = parse_predictions(path, library.predictions(_models()[0]).labels)
    path.unlink()
    title = Path(str(question.get("name", ""))).name[:60] or "uploaded predictions"
    return {"file": SERVED.add("upload", ".pack", _other("upload", title, probabilities))}


def page() -> dict:
    """What the explorer knows from the start."""
    return {
        "script": address(COMPONENTS / "gradio.js"),
        "files": address(SERVED.path) + "/",
        "models": [{"name": name, "title": title} for title, name in library.choices()],
        "others": [{"name": PUBLISHED, "title": "a published model"}],
        "model": _models()[0],
        "space": os.environ.get("SPACE_ID", ""),
    }


def model_of_address(request: gr.Request) -> str:
    """The model that the page's address names, or the best."""
    wanted = request.query_params.get("model")
    return wanted if wanted in checkpoint.available() else _models()[0]


def build(demo: gr.Blocks, model: gr.Radio) -> None:
    """Lay out the tab in the current context and wire it to the header's model switch."""
    gr.HTML(
        html_template='<div class="explorer-root"></div>',
        js_on_load=SCRIPT,
        page=page(),
        server_functions=[asset, images_ready, heat_maps, train_thumbnails, compare_upload],
        apply_default_css=False,
        elem_id="explorer",
    )
    private = {"api_visibility": "private", "show_progress": "hidden"}
    demo.load(model_of_address, None, model, **private)
    model.change(
        None,
        model,
        None,
        js="(name) => { dispatchEvent(new CustomEvent('lens:model', { detail: name })); }",
        **private,
    )
