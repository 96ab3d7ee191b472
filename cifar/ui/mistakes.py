"""The Mistakes tab: the explorer of all test images, which runs in the page.

This module has the server functions that only this tab calls, see `cifar.ui.validation`; heat maps
and their checks are in `cifar.ui.evidence`.
"""

import os
from functools import partial
from pathlib import Path

import gradio as gr

from cifar.explore import page_data, store, thumbnails
from cifar.explore.external_predictions import parse_predictions
from cifar.ui.evidence_functions import server_functions
from cifar.ui.security.temporary_files import (
    COMPONENTS,
    UPLOAD_PREFIX,
    address,
    server_folder,
)
from cifar.ui.security.work_queues import HEAVY, STORED, queued
from cifar.ui.validation import choice, image_index, model_name, report_errors, uploaded

SCRIPT = """
const page = props.page;
import(new URL(page.script, document.baseURI))
  .then((module) => module.connect(element.querySelector('.explorer-root'), page, server, upload))
  .catch((error) => {
    element.querySelector('.explorer-root').textContent = `The explorer did not start: ${error}`;
  });
"""


@report_errors
def asset(question: dict) -> dict:
    """Return the file of a pack or a sheet of thumbnails.

    question: kind (pack, sheet or neighbors), name (of the pack or model, or the sheet's number)
    and, for neighbors, the number of the sheet.
    """
    kind, name = question.get("kind"), question.get("name")
    if kind == "pack":
        pack = choice(name, page_data.pack_names(), "model")
        return {"file": server_folder().made.once(pack, ".pack", partial(page_data.pack, pack))}
    if kind == "neighbors":
        model = model_name(name)
        number = image_index(question.get("number"), page_data.neighbor_sheets(model))
        make = partial(page_data.neighbor_sheet, model, number)
        return {"file": server_folder().made.once(f"neighbors-{model}-{number}", ".png", make)}
    number = image_index(name, thumbnails.count(len(store.test_images())))
    make = partial(page_data.sheet, number)
    return {"file": server_folder().made.once(f"sheet{number}", ".png", make)}


@report_errors
def compare_upload(question: dict) -> dict:
    """Return the pack of predictions from an uploaded file. question: path and name."""
    path = uploaded(question.get("path"))
    probabilities = parse_predictions(path, store.predictions(page_data.models()[0]).labels)
    path.unlink()
    title = Path(str(question.get("name", ""))).name[:60] or "uploaded predictions"
    content = page_data.comparison_pack("upload", title, probabilities)
    return {"file": server_folder().made.add(UPLOAD_PREFIX, ".pack", content)}


def page() -> dict:
    """Return the data that the explorer starts with."""
    return {
        "script": address(COMPONENTS / "gradio.js"),
        "files": address(server_folder().made.path) + "/",
        **page_data.model_list(),
        "evidence": page_data.options(),
        "space": os.environ.get("SPACE_ID", ""),
    }


def build() -> None:
    """Lay out the tab in the current context; the page reports changes of the model to it."""
    gr.HTML(
        html_template='<div class="explorer-root"></div>',
        js_on_load=SCRIPT,
        page=page(),
        server_functions=[
            queued(asset, STORED),
            queued(compare_upload, HEAVY),
            *server_functions(),
        ],
        apply_default_css=False,
        elem_id="explorer",
    )
