"""The Mistakes tab: the explorer of every test image, which runs in the page.

Here is only what it alone asks the server for, as `cifar.ui.questions` describes; what speaks for a
class, and how far that can be trusted, is in `cifar.ui.evidence`.
"""

import functools
import os
from pathlib import Path

import gradio as gr
import numpy as np

from cifar import CLASSES, LensError, data, library, sprites
from cifar import page as told
from cifar.library import ANNOTATIONS, TEST_IMAGES
from cifar.others import parse_predictions
from cifar.page import models
from cifar.ui import evidence
from cifar.ui.html import png_url
from cifar.ui.lines import HEAVY, STORED, in_line
from cifar.ui.questions import answering, known_index, uploaded
from cifar.ui.served import COMPONENTS, SENT, SERVED, address

MAX_NEIGHBOURS = 10

SCRIPT = """
const page = props.page;
import(new URL(page.script, document.baseURI))
  .then((module) => module.connect(element.querySelector('.explorer-root'), page, server, upload))
  .catch((error) => {
    element.querySelector('.explorer-root').textContent = `The explorer did not start: ${error}`;
  });
"""


def _pack(name: object) -> str:
    """The name of the file with a pack, under which the page finds it."""
    if name not in told.packs():
        raise LensError("There is no such model: reload the page.")
    ANNOTATIONS.wait(5)  # reading them takes a moment; a download must not hold up the page
    state = "judged" if ANNOTATIONS.get() else "plain"
    return SERVED.once(f"{name}/{state}", ".pack", functools.partial(told.pack, name))


@answering
def asset(question: dict) -> dict:
    """The file with a pack or a sheet of thumbnails. question: kind and name."""
    name = question.get("name")
    if question.get("kind") == "pack":
        return {"file": _pack(name)}
    number = known_index(name, sprites.count(len(told.test_images())))
    return {"file": SERVED.once(f"sheet{number}", ".png", functools.partial(told.sheet, number))}


@answering
def images_ready(question: dict) -> dict:
    """Whether thumbnails can be had, and if not, why."""
    return {"ready": TEST_IMAGES.get() is not None, "message": TEST_IMAGES.status}


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
    chosen = [known_index(index, len(images)) for index in indices]
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


def training_images() -> tuple[np.ndarray, np.ndarray] | None:
    """`data.cached_training_images`, checked once. Where they are not there yet they are looked for
    the next time too: a training that begins meanwhile fetches them."""
    try:
        return _checked_training_images()
    except FileNotFoundError:
        return None


@functools.cache
def _checked_training_images() -> tuple[np.ndarray, np.ndarray]:
    found = data.cached_training_images()
    if found is None:
        raise FileNotFoundError  # which a cache does not keep
    return found


@answering
def compare_upload(question: dict) -> dict:
    """The pack of anybody's predictions, from a file just uploaded. question: path and name."""
    path = uploaded(question.get("path"))
    probabilities = parse_predictions(path, library.predictions(models()[0]).labels)
    path.unlink()
    title = Path(str(question.get("name", ""))).name[:60] or "uploaded predictions"
    return {"file": SERVED.add(SENT, ".pack", told.compared("upload", title, probabilities))}


def page() -> dict:
    """What the explorer knows from the start."""
    return {
        "script": address(COMPONENTS / "gradio.js"),
        "files": address(SERVED.path) + "/",
        **told.listed(),
        "evidence": told.options(),
        "space": os.environ.get("SPACE_ID", ""),
    }


def build() -> None:
    """Lay out the tab in the current context; the page tells it of the header's model switch."""
    gr.HTML(
        html_template='<div class="explorer-root"></div>',
        js_on_load=SCRIPT,
        page=page(),
        server_functions=[
            in_line(asset, STORED),
            in_line(images_ready, STORED),
            in_line(train_thumbnails, STORED),
            in_line(compare_upload, HEAVY),
            *evidence.server_functions(),
        ],
        apply_default_css=False,
        elem_id="explorer",
    )
