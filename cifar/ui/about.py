"""The About tab: how to read the results, the use of uploaded pictures, and the model card."""

from collections.abc import Callable, Sequence

import gradio as gr

from cifar.explore import page_data
from cifar.explore.store import load
from cifar.models import model_card

HOW_TO_READ = f"""
<div lang="en">

## What this is
Two small networks that tell ten classes apart in pictures of 32 by 32 pixels, and a way to see what
they look at and where they are wrong. They know the ten classes of
[CIFAR-10](https://www.cs.toronto.edu/~kriz/cifar.html) and nothing else: whatever a picture shows,
the answer is one of these ten. The pictures were collected by Alex Krizhevsky, Vinod Nair and
Geoffrey Hinton ([technical report, 2009](https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf)).
The flower among the examples was photographed by vultilion (CC BY 2.0) and comes with scikit-learn.

## How to read a heat map
{page_data.HEAT_MAPS.strip()} So **check it**: if covering what it marks costs the class no more
than covering other places, or if a network with random weights draws the same map, it says nothing
about what the network knows. Of the quick methods, the one shown first, with its layer, had the
highest mean ROAD score on test images (the model card has all scores, random weights too); a single
map can still fail, so the check ranks it among 24 random maps, and *better than chance* is what one
in 25 random maps would be called.

## How to read a doubt
{page_data.UNSURE.strip()}
*Unlike CIFAR-10*: the features that the network finds in the picture are too far from those of the
test images or too weak, and it is not sure of any class. About one in twenty ordinary pictures gets
this warning wrongly, and most photographs of other things pass; the model card says how many.

## How to read a confidence
{page_data.CONFIDENCE.strip()}

## How to read a verdict
{page_data.VERDICTS.strip()}

## Your pictures
A picture that you send is kept on this server as it is for about two hours, and anyone who knows
its address can read it: do not send private ones. The network sees 32x32 pixels of it, and it is
used only for the answer. Nothing is sent elsewhere; Gradio's own usage statistics are switched off.

## From programs
Programs get the same answers: `classify`, `explain`, `list_mistakes`, `get_mistake` and `compare`
are described, with code for Python, JavaScript and curl, under *Use via API* at the foot of this
page. Started as `python app.py --mcp`, the app offers them to MCP clients too.

</div>
"""


def card(name: str) -> str:
    """Return the model card without its metadata block."""
    return model_card.read(load(name).path)


def build(model: gr.Radio, model_events: Sequence[Callable]) -> None:
    """Lay out the tab in the current context. model_events: the events that set the model."""
    with gr.Column(elem_id="about"):
        gr.Markdown(HOW_TO_READ)
        with gr.Accordion("Model card: everything that was measured", open=False):
            text = gr.Markdown(elem_id="card")
    for event in model_events:
        event(card, model, text, show_progress="hidden", api_visibility="private", queue=False)
