"""The Classify tab: a picture in, what the network sees, what it says, and where it looks.

The tab runs in the page. Here is only what it alone asks the server for, as `cifar.ui.validation`
describes: what the network sees of a picture, and pictures to start with.
"""

import gradio as gr

from cifar.data.pictures import FITS, MAX_BYTES, network_view, open_image
from cifar.explore import page_data as told
from cifar.explore.page_data import models, options, pixels_of
from cifar.ui.evidence_functions import server_functions
from cifar.ui.security.temporary_files import COMPONENTS, address
from cifar.ui.security.work_queues import LIGHT, STORED, in_line
from cifar.ui.validation import answering, choice, uploaded

SCRIPT = """
const page = props.page;
const root = element.querySelector('.classify-root');
import(new URL(page.script, document.baseURI))
  .then((module) => module.connect(root, page, server, upload))
  .catch((error) => { root.textContent = `The page did not start: ${error}`; });
"""


@answering
def see(question: dict) -> dict:
    """What the network sees of a picture.

    question: path of an upload, how it becomes square (fit, one of FITS), and the part to be cut
    out instead (box: left, top, right and bottom as shares of the upright picture, or null).
    Answer: the pixels, width and height of the picture.
    """
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
    """Test images to start with, as of `page.examples`."""
    return {"examples": told.examples()}


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
            *server_functions(),
        ],
        apply_default_css=False,
        elem_id="classify",
    )
