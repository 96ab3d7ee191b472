"""The Classify tab: a picture, the pixels that the network sees, its prediction and heat maps.

The tab runs in the page. This module has the server functions that only this tab calls: to reduce a
picture to the network's pixels, and for example images. See `cifar.ui.validation`.
"""

import base64
import io
import tempfile
from pathlib import Path

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from PIL import Image

from cifar import LensError
from cifar.data import remote_pictures
from cifar.data.pictures import FITS, MAX_BYTES, open_image, read
from cifar.data.pictures import see as seen_by_network
from cifar.explore import page_data
from cifar.explore.stories import opening
from cifar.ui import scripts
from cifar.ui.assets import asset, folder
from cifar.ui.evidence_functions import server_functions
from cifar.ui.html import png_url
from cifar.ui.security.work_queues import LIGHT, REMOTE, STORED, queued
from cifar.ui.validation import choice, model_name, report_errors, uploaded

SHOWN = 768  # pixels a side of a picture that is shown by the server
OPENING = 10  # times a pixel of the first picture is repeated in both directions


@report_errors
def see(question: dict) -> dict:
    """Return the pixels that the network sees of a picture.

    question: path of an upload, fit (how to make it square, one of FITS), box (the part to cut out
    instead: left, top, right and bottom as fractions of the upright picture, or null), and unseen
    (whether the browser cannot show it), and again (whether it is shown already).
    Answer: the pixels of all views and their kind (see `Seen`), and width and height of the
    picture. Where browsers may show it in another way, also shown: a small copy as a data URL, so
    that the box cuts out exactly what it is seen on.
    """
    path = uploaded(question.get("path"))
    fit = choice(question.get("fit"), FITS, "way to make a picture square")
    box = question.get("box")
    picture, plain = read(path)
    seen = seen_by_network(picture, fit, box)
    show = question.get("again") is not True and (not plain or question.get("unseen") is True)
    return {
        "pixels": page_data.pixels_of(seen.views),
        "kind": seen.kind,
        "width": picture.width,
        "height": picture.height,
        **({"shown": _small(picture)} if show else {}),
    }


def _small(picture: Image.Image) -> str:
    """Return a copy of a picture, at most SHOWN pixels a side, as a data URL of a JPEG."""
    copy = picture.copy()
    copy.thumbnail((SHOWN, SHOWN))
    stream = io.BytesIO()
    copy.save(stream, "JPEG", quality=90)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"


@report_errors
def fetch_picture(question: dict) -> dict:
    """Return the path of a picture at a public address, stored as if it had been uploaded.

    question: url, as a browser gives it when a picture is dragged from another page.
    """
    url = question.get("url")
    if not isinstance(url, str) or not remote_pictures.is_address(url):
        raise LensError("What was dropped is no picture: save it, and drop the file.")
    with tempfile.TemporaryDirectory() as folder:
        fetched = Path(folder) / "picture"
        remote_pictures.fetch(url, fetched)
        open_image(fetched)  # only pictures are kept
        content = fetched.read_bytes()
    return {"path": save_bytes_to_cache(content, "picture", get_upload_folder())}


@report_errors
def examples(question: dict) -> dict:
    """Return the example images of `page_data.examples`. question: model."""
    return {"examples": page_data.examples(model_name(question.get("model")))}


def page() -> dict:
    """Return the data that the tab starts with."""
    return {
        "script": scripts.address("gradio-classify.js"),
        "model": page_data.models()[0],
        "facts": page_data.facts(),
        "files": folder(),
        "maxBytes": MAX_BYTES,
        "evidence": page_data.options(),
    }


def _opening() -> str:
    """Return the picture of the first example: it is there before the scripts are."""
    story = opening(page_data.models()[0])
    if story is None:
        return ""
    # As large as it is shown: browsers count a stretched picture as a small one.
    pixels = story["pixels"][0].repeat(OPENING, 0).repeat(OPENING, 1)
    return f'<img class="opening" src="{png_url(pixels)}" alt="">'


def build() -> None:
    """Lay out the tab in the current context; the page reports changes of the model to it."""
    gr.HTML(
        html_template=f'<div class="classify-root">{_opening()}</div>',
        js_on_load=scripts.start("classify-root"),
        page=page(),
        server_functions=[
            queued(see, LIGHT),
            queued(fetch_picture, REMOTE),
            queued(examples, STORED),
            queued(asset, STORED),
            *server_functions(),
        ],
        apply_default_css=False,
        elem_id="classify",
    )
