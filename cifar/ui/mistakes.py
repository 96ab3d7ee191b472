"""The Mistakes tab: the explorer of all test images, which runs in the page.

This module has the server functions that only this tab calls, see `cifar.ui.validation`; heat maps
and their checks are in `cifar.ui.evidence`.
"""

import hashlib
import os
import threading
from pathlib import Path

import gradio as gr

from cifar import LensError
from cifar.evaluation.external_predictions import parse_predictions
from cifar.evaluation.recorded_answers import RecordedAnswers
from cifar.explore import page_data, store
from cifar.ui import scripts
from cifar.ui.assets import asset, folder
from cifar.ui.evidence_functions import server_functions
from cifar.ui.security.temporary_files import (
    UPLOAD_PREFIX,
    server_folder,
)
from cifar.ui.security.work_queues import HEAVY, STORED, queued
from cifar.ui.validation import report_errors, uploaded

MAX_ANSWERS = 200  # to uploads, that are kept for visitors with the same file


class _Uploads:
    """Answers to uploaded predictions, which are read once and removed.

    Uploads of one content have one path: a visitor whose file another one's question has removed
    gets the answer of that question.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, str], dict] = {}

    def answer(self, path: object, title: str) -> dict:
        """Return the pack of an upload, or why there is none. Raises LensError without a file."""
        key = str(path), title
        with self._lock:
            try:
                file = uploaded(path)
            except LensError:
                if key in self._answers:
                    return self._answers[key]
                raise
            self._answers[key] = _read_upload(file, title)
            for old in [*self._answers][:-MAX_ANSWERS]:
                del self._answers[old]
            return self._answers[key]


_uploads = _Uploads()


def _read_upload(path: Path, title: str) -> dict:
    try:
        found = parse_predictions(path, store.predictions(page_data.models()[0]).labels)
    except LensError as error:
        return {"error": str(error)}
    finally:
        path.unlink()
    # Named by its content, so that several can be compared with.
    digest = hashlib.sha256(found.probabilities.tobytes()).hexdigest()[:12]
    answers = RecordedAnswers(title, found.probabilities, found.accuracy)
    content = page_data.comparison_pack(f"upload-{digest}", answers)
    return {
        "file": server_folder().made.add(UPLOAD_PREFIX, ".pack", content),
        "understood": f"Read as {found.understood}: {found.accuracy:.1%} right.",
        "warning": found.warning,
    }


@report_errors
def compare_upload(question: dict) -> dict:
    """Return the pack of predictions from an uploaded file. question: path and name."""
    title = Path(str(question.get("name", ""))).name[:60] or "uploaded predictions"
    return _uploads.answer(question.get("path"), title)


def page() -> dict:
    """Return the data that the explorer starts with."""
    return {
        "script": scripts.address("gradio.js"),
        "files": folder(),
        **page_data.model_list(),
        "evidence": page_data.options(),
        "space": os.environ.get("SPACE_ID", ""),
    }


def build() -> None:
    """Lay out the tab in the current context; the page reports changes of the model to it."""
    gr.HTML(
        html_template='<div class="explorer-root"></div>',
        js_on_load=scripts.start("explorer-root"),
        page=page(),
        server_functions=[
            queued(asset, STORED),
            queued(compare_upload, HEAVY),
            *server_functions(),
        ],
        apply_default_css=False,
        elem_id="explorer",
    )
