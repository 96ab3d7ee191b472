"""The Classify tab: a picture in, what the network sees, what it says, and where it looks."""

from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path

import gradio as gr
import numpy as np
from PIL import Image

from cifar import CLASSES, LensError
from cifar.classifier import Answer, classify
from cifar.explain import default_layer, grad_cam
from cifar.images import network_view, open_image
from cifar.ui import html, thumbnails
from cifar.ui.library import TEST_IMAGES, load, predictions
from cifar.ui.upload import Upload

PREDICTED = "the predicted class"
# Photographs that come with the gradio package, for as long as there are no test images.
PHOTOS = {
    "cheetah": "cheetah1.jpg",
    "lion": "lion.jpg",
    "cheetah, running": "cheetah.jpg",
    "bus": "bus.png",
    "tower": "tower.jpg",
    "groot": "groot.jpeg",
}
EMPTY = html.note("Drop a picture on the left, paste one, take one, or pick one of the examples.")


def layer_choices(name: str) -> list[tuple[str, str]]:
    """The layers of a checkpoint as (what people read, name)."""
    return [(layer.title, layer.name) for layer in load(name).model.layers]


@cache
def photos() -> dict[str, np.ndarray]:
    """Photographs by their captions, uint8 (H, W, 3)."""
    folder = files("gradio") / "media_assets" / "images"
    return {
        caption: np.array(open_image(Path(str(folder / name)))) for caption, name in PHOTOS.items()
    }


def test_examples(name: str) -> dict[str, np.ndarray]:
    """The first test image of each class by its caption; empty while there are none."""
    images = TEST_IMAGES.get()
    if images is None:
        return {}
    labels = predictions(name).labels
    firsts = [int(np.flatnonzero(labels == label)[0]) for label in range(len(CLASSES))]
    return {f"#{i} {CLASSES[labels[i]]}": images[i] for i in firsts}


def examples(name: str) -> list[dict]:
    """What the strip of examples shows: test images if they are there, photographs if not."""
    TEST_IMAGES.wait(2)  # a cached split takes a moment; a download must not hold up the page
    return [
        thumbnails.item(caption, network_view(Image.fromarray(picture)), caption)
        for caption, picture in (test_examples(name) or photos()).items()
    ]


def chosen_example(name: str, event: gr.EventData) -> np.ndarray:
    """The picture that was picked, looked up by its caption: the page can name nothing else."""
    known = photos() | test_examples(name)
    key = event._data.get("key") if isinstance(event._data, dict) else None
    if key not in known:
        raise gr.Error("That example is no longer there: reload the page.")
    return known[key]


def opening_picture(name: str) -> np.ndarray:
    """What the page opens on, so that it never is an empty form: the examples' cat."""
    TEST_IMAGES.wait(2)
    cats = [image for caption, image in test_examples(name).items() if caption.endswith("cat")]
    return cats[0] if cats else photos()["lion"]


def new_layers(name: str) -> gr.Dropdown:
    """The layers of the model that was switched to."""
    return gr.Dropdown(layer_choices(name), value=default_layer(load(name)))


def answer(
    path: str | None, name: str, layer: str, target: str, top_k: float
) -> tuple[str, str, str]:
    """The three cards for an uploaded file: what it sees, the bars, the heat map (all HTML)."""
    if not path:
        return EMPTY, "", ""
    try:
        seen = network_view(open_image(path))
        ckpt = load(name)
        said = classify(ckpt, seen)
        # A layer of the model that was just switched away from may still be on its way here.
        layers = [known.name for known in ckpt.model.layers]
        heats = grad_cam(
            ckpt,
            seen,
            [said.predicted if target == PREDICTED else CLASSES.index(target)],
            layer if layer in layers else default_layer(ckpt),
        )
    except LensError as error:
        return html.note(str(error)), "", ""
    kind = "said" if heats[0].target == said.predicted else "quiet"
    return (
        view_card(seen, said),
        html.bars(said.probabilities, top_k=int(top_k), predicted=said.predicted),
        html.heat_maps(seen, heats, [kind]),
    )


def view_card(seen: np.ndarray, said: Answer) -> str:
    name = escape(CLASSES[said.predicted])
    return (
        '<div class="view"><figure class="card">'
        + html.pixel_image(seen, "what the network sees")
        + "<figcaption>what the network sees: 32 x 32 pixels</figcaption></figure>"
        f'<div class="verdict"><div class="name"><span class="said">{name}</span> '
        f'<span class="quiet">{said.confidence:.1%}</span></div>'
        '<p class="quiet">Calibrated: of all test images that get such a confidence, about that '
        "share is right. It knows ten classes and nothing else.</p></div></div>"
    )


def build(demo: gr.Blocks, model: gr.Radio) -> None:
    """Lay out the tab in the current context and wire it."""
    name = model.value
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=280):
            image = Upload(
                label="Your picture",
                type="filepath",
                sources=["upload", "webcam", "clipboard"],
                format="png",
                height=300,
                buttons=[],
                elem_id="upload",
            )
            gr.HTML("<h3>Or one of these</h3>")
            strip = thumbnails.create("Examples", elem_id="examples")
            gr.HTML(
                '<p class="quiet">Pictures are kept on the server for about two hours and can be '
                "read by whoever knows their address: do not send private ones.</p>"
            )
        with gr.Column(scale=4, min_width=300):
            view = gr.HTML(EMPTY, elem_id="view")
            top_k = gr.Slider(1, 10, value=5, step=1, label="Classes to show", elem_id="top-k")
            probabilities = gr.HTML(elem_id="probabilities")
        with gr.Column(scale=4, min_width=300):
            with gr.Row():
                layer = gr.Dropdown(
                    layer_choices(name),
                    value=default_layer(load(name)),
                    label="Heat map layer",
                    min_width=120,
                    elem_id="layer",
                )
                target = gr.Dropdown(
                    [PREDICTED, *CLASSES],
                    value=PREDICTED,
                    label="Evidence for",
                    min_width=120,
                    elem_id="target",
                )
            heat = gr.HTML(elem_id="heat")
            strength = gr.Slider(
                0, 100, value=60, step=1, label="Heat map strength", elem_id="strength"
            )

    strength.input(
        None,
        strength,
        js="s => document.documentElement.style.setProperty('--heat-strength', s / 100)",
        api_visibility="private",
    )
    ask = {
        "fn": answer,
        "inputs": [image, model, layer, target, top_k],
        "outputs": [view, probabilities, heat],
        "concurrency_id": "model",
        "trigger_mode": "always_last",  # while a slider moves, only its last place matters
        "show_progress": "minimal",
        "api_visibility": "private",
    }
    gr.on([image.change, layer.input, target.input, top_k.change], **ask)
    # First the new model's layers, then the answer for the one that is shown.
    model.change(new_layers, model, layer, show_progress="hidden", api_visibility="private").then(
        **ask
    )

    strip.select(chosen_example, model, image, show_progress="hidden", api_visibility="private")
    demo.load(examples, model, strip, show_progress="hidden", api_visibility="private")
    demo.load(opening_picture, model, image, show_progress="hidden", api_visibility="private")
