"""The Mistakes tab: the explorer of every test image, which runs in the page.

Here is only what it alone asks the server for, see `cifar.ui.validation`; what speaks for a
class, and how far that can be trusted, is in `cifar.ui.evidence`.
"""

import os
from functools import partial
from pathlib import Path

import gradio as gr

from cifar.explore import page_data as told
from cifar.explore import store, thumbnails
from cifar.explore.external_predictions import parse_predictions
from cifar.explore.page_data import models
from cifar.ui.evidence_functions import server_functions
from cifar.ui.security.temporary_files import COMPONENTS, SENT, address, server_folder
from cifar.ui.security.work_queues import HEAVY, STORED, in_line
from cifar.ui.validation import answering, choice, known_index, known_model, uploaded

SCRIPT = """
const page = props.page;
import(new URL(page.script, document.baseURI))
  .then((module) => module.connect(element.querySelector('.explorer-root'), page, server, upload))
  .catch((error) => {
    element.querySelector('.explorer-root').textContent = `The explorer did not start: ${error}`;
  });
"""


@answering
def asset(question: dict) -> dict:
    """The file with a pack or a sheet of thumbnails.

    question: kind (pack, sheet or neighbors), name (of the pack or model, or the sheet's number)
    and, of neighbors, the number of the sheet.
    """
    kind, name = question.get("kind"), question.get("name")
    if kind == "pack":
        known = choice(name, told.pack_names(), "model")
        return {"file": server_folder().made.once(known, ".pack", partial(told.pack, known))}
    if kind == "neighbors":
        model = known_model(name)
        number = known_index(question.get("number"), told.neighbor_sheets(model))
        make = partial(told.neighbor_sheet, model, number)
        return {"file": server_folder().made.once(f"neighbors-{model}-{number}", ".png", make)}
    number = known_index(name, thumbnails.count(len(store.test_images())))
    return {
        "file": server_folder().made.once(f"sheet{number}", ".png", partial(told.sheet, number))
    }


@answering
def compare_upload(question: dict) -> dict:
    """The pack of anybody's predictions, from a file just uploaded. question: path and name."""
    path = uploaded(question.get("path"))
    probabilities = parse_predictions(path, store.predictions(models()[0]).labels)
    path.unlink()
    title = Path(str(question.get("name", ""))).name[:60] or "uploaded predictions"
    return {
        "file": server_folder().made.add(
            SENT, ".pack", told.comparison_pack("upload", title, probabilities)
        )
    }


def page() -> dict:
    """What the explorer knows from the start."""
    return {
        "script": address(COMPONENTS / "gradio.js"),
        "files": address(server_folder().made.path) + "/",
        **told.model_list(),
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
            in_line(compare_upload, HEAVY),
            *server_functions(),
        ],
        apply_default_css=False,
        elem_id="explorer",
    )
