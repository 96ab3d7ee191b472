"""The About tab: how to read what is shown, what becomes of pictures, and the model card."""

from collections.abc import Callable, Sequence

import gradio as gr

from cifar.library import load

HOW_TO_READ = """
### How to read a heat map
Bright places are where the chosen layer holds evidence **for one class**. Two maps of one image
share one scale, so the brighter one really has more evidence; maps of different images, methods,
layers or models do not compare. Late layers know more about classes and less about places: their
maps are coarse. A map shows where evidence lies, not why the network decided, and a convincing map
can stand beside a wrong answer. So **check it**: if covering what it marks costs the class no more
than covering other places, or if a network with random weights draws the same map, it says nothing
about what the network knows. The method and layer shown first did best at this on average (the
model card has the scores of all); a single map can still fail.

### How to read a doubt
*Not sure*: of validation images with so little confidence, fewer than nine in ten were recognised.
*Unlike CIFAR-10*: what the network finds in the picture lies further from the test images than in
95% of validation images. One in twenty ordinary images gets this wrongly, and some foreign ones
pass.

### How to read a confidence
Probabilities are softmax after one temperature, fitted on 2,000 training images that the network
never saw in training. The Report tab shows how well that works.

### How to read a verdict
About 51 people were asked for the class of every test image
([CIFAR-10H](https://github.com/jcpeterson/cifar-10h), Peterson et al. 2019, CC BY-NC-SA 4.0), and
five reviewed each of 275 labels that looked wrong
([label-errors](https://github.com/cleanlab/label-errors), Northcutt et al. 2021, Apache-2.0). A
verdict says what they said, by a fixed rule; it does not prove who is right.

### Your pictures
They are reduced to 32x32 pixels, kept on this server for about two hours, and used for nothing
but the answer. Nothing is sent elsewhere; Gradio's own usage statistics are switched off.
"""


def card(name: str) -> str:
    """The model card without its metadata block."""
    text = (load(name).path / "README.md").read_text(encoding="utf-8")
    return text.split("---\n", 2)[-1]


def build(model: gr.Radio, settled: Sequence[Callable]) -> None:
    """Lay out the tab in the current context. settled: the events that say which model it is."""
    with gr.Row(equal_height=False):
        with gr.Column(min_width=320):
            gr.Markdown(HOW_TO_READ)
        with gr.Column(min_width=320):
            text = gr.Markdown(elem_id="card")
    for event in settled:
        event(card, model, text, show_progress="hidden", api_visibility="private")
