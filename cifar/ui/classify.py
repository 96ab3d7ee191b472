"""The Classify tab: a picture in, what the network sees, what it says, and where it looks.

The tab runs in the page. Here is only what it alone asks the server for, as `cifar.ui.questions`
describes: what the network sees of a picture, and pictures to start with.
"""

from functools import cache
from importlib.resources import files
from pathlib import Path

import gradio as gr
import numpy as np

from cifar import CLASSES, library
from cifar.images import FITS, MAX_BYTES, network_view, open_image
from cifar.library import TEST_IMAGES
from cifar.page import models, options, pixels_of
from cifar.ui import evidence
from cifar.ui.html import png_url
from cifar.ui.lines import LIGHT, STORED, in_line
from cifar.ui.mistakes import images_ready
from cifar.ui.questions import answering, choice, uploaded
from cifar.ui.served import COMPONENTS, SERVED, address

# Photographs that come with the gradio package, for as long as there are no test images.
PHOTOS = {
    "cheetah": "cheetah1.jpg",
    "lion": "lion.jpg",
    "cheetah, running": "cheetah.jpg",
    "bus": "bus.png",
    "tower": "tower.jpg",
    "groot": "groot.jpeg",
}
OPENING = {"photograph": "lion", "class": "cat"}

SCRIPT = """
const page = props.page;
const root = element.querySelector('.classify-root');
import(new URL(page.script, document.baseURI))
  .then((module) => module.connect(root, page, server, upload))
  .catch((error) => { root.textContent = `The page did not start: ${error}`; });
"""


def photo(name: str) -> Path:
    return Path(str(files("gradio") / "media_assets" / "images" / PHOTOS[name]))


@answering
def see(question: dict) -> dict:
    """What the network sees of a picture.

    question: path of an upload or key of a photograph among the examples (example), how it becomes
    square (fit, one of FITS), and the part to be cut out instead (box: left, top, right and bottom
    as shares of the upright picture, or null). Answer: the pixels, width and height of the picture.
    """
    if "example" in question:
        path = photo(choice(question["example"], PHOTOS, "example"))
    else:
        path = uploaded(question.get("path"))
    fit = choice(question.get("fit"), FITS, "way to make a picture square")
    box = question.get("box")
    picture = open_image(path, box=box)
    return {
        "pixels": pixels_of(network_view(picture, fit, box)),
        "width": picture.width,
        "height": picture.height,
    }


@answering
def examples(question: dict) -> dict:
    """Pictures to start with: test images if they are there, photographs if not."""
    TEST_IMAGES.wait(2)  # a cached split takes a moment; a download must not hold up the page
    images = TEST_IMAGES.get()
    if images is None:
        return {"examples": _photographs(), "opening": OPENING["photograph"], "ready": False}
    labels = library.predictions(models()[0]).labels
    found = [
        _test_image(int(np.flatnonzero(labels == label)[0]), label, images)
        for label in range(len(CLASSES))
    ]
    opening = found[CLASSES.index(OPENING["class"])]["key"]
    return {"examples": found, "opening": opening, "ready": True}


def _test_image(index: int, label: int, images: np.ndarray) -> dict:
    return {
        "key": f"test image {index}",
        "caption": f"test image #{index}, {CLASSES[label]}",
        "index": index,
        "label": label,
        "pixels": pixels_of(images[index]),
        "thumbnail": png_url(images[index]),
        "picture": None,
    }


@cache
def _photographs() -> list[dict]:
    found = []
    for name in PHOTOS:
        path = photo(name)
        seen = network_view(open_image(path))
        copy = SERVED.add(path.stem, path.suffix, path.read_bytes())
        found.append(
            {
                "key": name,
                "caption": f"photograph, {name}",
                "index": None,
                "label": None,
                "pixels": pixels_of(seen),
                "thumbnail": png_url(seen),
                "picture": address(SERVED.path / copy),
            }
        )
    return found


def page() -> dict:
    """What the tab knows from the start."""
    return {
        "script": address(COMPONENTS / "gradio-classify.js"),
        "model": models()[0],
        "maxBytes": MAX_BYTES,
        "evidence": options(),
    }


def build() -> None:
    """Lay out the tab in the current context; the page tells it of the header's model switch."""
    gr.HTML(
        html_template='<div class="classify-root"></div>',
        js_on_load=SCRIPT,
        page=page(),
        server_functions=[
            in_line(see, LIGHT),
            in_line(examples, STORED),
            in_line(images_ready, STORED),
            *evidence.server_functions(),
        ],
        apply_default_css=False,
        elem_id="classify",
    )
