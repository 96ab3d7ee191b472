"""The calls of `cifar.ui.calls` as named endpoints over HTTP, which are tools for MCP clients too.

They have no place on the page: inputs and outputs are components that it does not draw.
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
from cifar.explore.page_data import PUBLISHED, models
from cifar.explore.verdicts import VERDICTS
from cifar.ui.api import pictures, recorded
from cifar.ui.html import png
from cifar.ui.security.remote_pictures import picture_input

# So many calls run at a time, and so many more wait, of those that a network answers and of the
# others; of heat maps, which may take seconds, one. Visitors of the page are not in these lines,
# and must find the processor free enough.
RUNNING = 2
WAITING = 20
ANSWER: dict[str, Any] = {"type": "object", "additionalProperties": {}}  # JSON schema


def build() -> None:
    """Add the endpoints to the Blocks in whose context this is called."""
    names = models()
    layers = {layer.name for name in names for layer in store.load(name).layers}
    kinds: dict[str, dict[str, Any]] = {
        "model": one_of(names),
        "other": one_of([*names, PUBLISHED]),
        "top_k": whole(1, len(CLASSES)),
        "fit": one_of(FITS),
        "target": one_of(["", *CLASSES]),
        "method": one_of(["", *METHODS]),
        "layer": one_of(["", *sorted(layers)]),
        "true_class": one_of(["", *CLASSES]),
        "predicted_class": one_of(["", *CLASSES]),
        "verdict": one_of(["", *VERDICTS]),
        "sort": one_of(SORTS),
        "limit": whole(1, recorded.MAX_ROWS),
        "offset": whole(0),
        "index": whole(0, N - 1),
    }
    network, tables, maps = CapacityLimiter(RUNNING), CapacityLimiter(RUNNING), CapacityLimiter(1)
    with gr.Column(visible=False):
        for function, has_picture, line in (
            (pictures.classify, False, network),
            (pictures.explain, True, maps),
            (recorded.list_mistakes, False, tables),
            (recorded.get_mistake, True, tables),
            (recorded.compare, False, tables),
        ):
            answer = Api(None, ANSWER, "answer")
            outputs: list[Component] = [answer]
            if has_picture:
                outputs.insert(0, gr.Image(format="png", label="picture"))
            inputs = parameters(function, kinds, model=names[0])
            # Not queued: MCP clients would get no pictures, and there is `line`.
            gr.on([], endpoint(function, line, has_picture), inputs, outputs, queue=False)


def endpoint(
    function: Callable, line: CapacityLimiter, has_picture: bool = False
) -> Callable[..., Awaitable[object]]:
    """Return a function as Gradio calls it: it waits in a queue, and tells errors in a sentence.

    has_picture: whether the function returns the pixels of a picture first.
    """

    def with_file(*args: object) -> tuple:
        pixels, *rest = function(*args)
        # Gradio would compress it for four times as long, in the loop that serves everybody.
        data = png(pixels, level=1)
        return save_bytes_to_cache(data, "image.png", get_upload_folder()), *rest

    call = with_file if has_picture else function

    @functools.wraps(function)
    async def answer(*args: object) -> object:
        try:
            if line.statistics().tasks_waiting >= WAITING:
                raise LensError("Too many calls are waiting: try again in a minute.")
            return await to_thread.run_sync(call, *args, limiter=line)
        except LensError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return answer


def one_of(values: Iterable[str]) -> dict[str, object]:
    """Return the JSON schema of one of some words."""
    return {"type": "string", "enum": list(values)}


def whole(low: int, high: int | None = None) -> dict[str, object]:
    """Return the JSON schema of a whole number."""
    schema: dict[str, object] = {"type": "integer", "minimum": low}
    return schema if high is None else schema | {"maximum": high}


def parameters(function: Callable, kinds: dict[str, dict[str, Any]], **defaults: str) -> list[Api]:
    """An input for each parameter of a function, described as in its docstring.

    kinds: JSON schemas by the name of the parameter. defaults: values of those without one.
    """
    _, about, _ = get_function_description(function)
    found = []
    for name, parameter in inspect.signature(function).parameters.items():
        given = None if parameter.default is parameter.empty else parameter.default
        if name == "image":
            found.append(picture_input(about[name]))
        else:
            schema = kinds[name] | {"description": about[name]}
            found.append(Api(defaults.get(name, given), schema, name))
    return found
