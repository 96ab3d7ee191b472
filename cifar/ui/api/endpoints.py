"""The functions of `cifar.ui.api` as named HTTP endpoints, which are also MCP tools.

They are not visible on the page: inputs and outputs are hidden components.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import gradio as gr
from anyio import CapacityLimiter, to_thread
from gradio.components import Component
from gradio.components.api_component import Api
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_function_description, get_upload_folder

from cifar import CLASSES, LensError
from cifar.data.annotations import N
from cifar.data.pictures import FITS
from cifar.explain.methods import METHODS
from cifar.explore import store
from cifar.explore.mistakes import SORTS
from cifar.explore.page_data import models
from cifar.explore.store import answers_names
from cifar.explore.verdicts import VERDICTS
from cifar.ui.api import answers, pictures, recorded
from cifar.ui.html import png
from cifar.ui.security.sent_pictures import picture_input

# The number of calls that run at a time, and that wait, in each queue; of heat maps, which may take
# seconds, one runs. The page has queues of its own, so API calls must leave enough of the CPU.
RUNNING = 2
WAITING = 20


def build() -> None:
    """Add the endpoints to the Blocks in whose context this is called."""
    names = models()
    layers = {layer.name for name in names for layer in store.load(name).layers}
    kinds: dict[str, dict[str, Any]] = {
        "model": one_of(names),
        "other": one_of([*names, *answers_names()]),
        "top_k": integer(1, len(CLASSES)),
        "fit": one_of(FITS),
        "target": one_of(["", *CLASSES]),
        "method": one_of(["", *METHODS]),
        "layer": one_of(["", *sorted(layers)]),
        "true_class": one_of(["", *CLASSES]),
        "predicted_class": one_of(["", *CLASSES]),
        "verdict": one_of(["", *VERDICTS]),
        "sort": one_of(SORTS),
        "limit": integer(1, recorded.MAX_ROWS),
        "offset": integer(0),
        "index": integer(0, N - 1),
    }
    network, tables, maps = CapacityLimiter(RUNNING), CapacityLimiter(RUNNING), CapacityLimiter(1)
    with gr.Column(visible=False):
        for function, limiter in (
            (pictures.classify, network),
            (pictures.explain, maps),
            (recorded.list_mistakes, tables),
            (recorded.get_mistake, tables),
            (recorded.compare, tables),
        ):
            outputs: list[Component] = [Api(None, answers.schema(function), "answer")]
            if answers.has_picture(function):
                outputs.insert(0, gr.Image(format="png", label="picture"))
            inputs = parameters(function, kinds, model=names[0])
            # Without Gradio's queue: MCP clients would get no pictures, and `limiter` queues.
            gr.on([], endpoint(function, limiter), inputs, outputs, queue=False)


def endpoint(function: Callable, limiter: CapacityLimiter) -> Callable[..., Awaitable[object]]:
    """Wrap a function for Gradio: calls wait in a queue, and errors become one sentence."""

    def with_file(*args: object) -> tuple:
        pixels, *rest = function(*args)
        # Gradio would compress it four times as long, and block the event loop.
        data = png(pixels, level=1)
        return save_bytes_to_cache(data, "image.png", get_upload_folder()), *rest

    call = with_file if answers.has_picture(function) else function

    @functools.wraps(function)
    async def answer(*args: object) -> object:
        try:
            if limiter.statistics().tasks_waiting >= WAITING:
                raise LensError("Too many calls are waiting: try again in a minute.")
            return await to_thread.run_sync(call, *args, limiter=limiter)
        except LensError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return answer


def one_of(values: Iterable[str]) -> dict[str, object]:
    """Return the JSON schema of one of some strings."""
    return {"type": "string", "enum": list(values)}


def integer(low: int, high: int | None = None) -> dict[str, object]:
    """Return the JSON schema of an integer from low to high."""
    schema: dict[str, object] = {"type": "integer", "minimum": low}
    return schema if high is None else schema | {"maximum": high}


def parameters(function: Callable, kinds: dict[str, dict[str, Any]], **defaults: str) -> list[Api]:
    """Return an input for each parameter of a function, described as in its docstring.

    kinds: JSON schemas by parameter name. defaults: values that replace those of the signature.
    """
    _, descriptions, _ = get_function_description(function)
    inputs = []
    for name, parameter in inspect.signature(function).parameters.items():
        default = None if parameter.default is parameter.empty else parameter.default
        if name == "image":
            inputs.append(picture_input(descriptions[name]))
        else:
            schema = kinds[name] | {"description": descriptions[name]}
            inputs.append(Api(defaults.get(name, default), schema, name))
    return inputs
