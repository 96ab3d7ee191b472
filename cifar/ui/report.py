"""The Report tab: `cifar.explore.report_page` under the app's addresses."""

from collections.abc import Callable, Sequence
from pathlib import Path

import gradio as gr

from cifar.explore import report_page
from cifar.explore.page_data import models
from cifar.explore.store import load
from cifar.ui.security.temporary_files import address, server_folder


def report(name: str) -> str:
    """Return a checkpoint's report."""
    return report_page.report(load(name), [load(one) for one in models()], _served)


def _served(path: Path) -> str:
    """Return the address of a copy named by its content: browsers must not show an old one."""
    files = server_folder().made
    name = files.once(f"{path.stem}/figure", path.suffix, path.read_bytes)
    return f"{address(files.path)}/{name}"


def build(model: gr.Radio, model_events: Sequence[Callable]) -> None:
    """Lay out the tab in the current context. model_events: the events that set the model."""
    content = gr.HTML(elem_id="report")
    for event in model_events:
        event(
            report,
            model,
            content,
            show_progress="hidden",
            api_visibility="private",
            queue=False,
        )
