"""The Mistakes tab: every test image the model gets wrong, filtered, sorted, one in detail."""

from html import escape

import gradio as gr
import numpy as np

from cifar import CLASSES, metrics
from cifar.explain import grad_cam
from cifar.mistakes import SORTS, caption, page, select
from cifar.ui import html, thumbnails
from cifar.ui.library import TEST_IMAGES, load, predictions, table

PAGE_SIZE = 60
ANY = "any class"
# Stands in for an image that is not there yet; the caption below it is already right.
PLACEHOLDER = np.full((32, 32, 3), 200, dtype=np.uint8)


def show(
    name: str, true: str, predicted: str, sort: str, number: float
) -> tuple[list[dict], list[int], str, int]:
    """A page of mistakes: the thumbnails, their test indices, a line of counts, the page number.

    number: any; brought into range.
    """
    rows = table(name)
    chosen = select(
        rows,
        true=[] if true == ANY else [true],
        predicted=[] if predicted == ANY else [predicted],
        sort=sort,
    )
    part, number, pages = page(chosen, int(number or 1), PAGE_SIZE)
    TEST_IMAGES.wait(2)
    images = TEST_IMAGES.get()
    items = [
        thumbnails.item(
            index, PLACEHOLDER if images is None else images[index], caption(index, row)
        )
        for index, row in part.iterrows()
    ]
    total = int(rows["wrong"].sum())
    line = f"<b>{len(chosen):,}</b> of {total:,} mistakes in {len(rows):,} test images"
    if len(part):
        first = (number - 1) * PAGE_SIZE
        line += f" · {first + 1} to {first + len(part)} shown · page {number} of {pages}"
    if images is None:
        line += html.note(TEST_IMAGES.status)
    return (
        items,
        [int(index) for index in part.index],
        f"<p>{line}</p>",
        number,
    )


def detail(name: str, index: int | None) -> str:
    """One test image as HTML: its pixels, the probabilities, and both heat maps on one scale."""
    rows = table(name)
    if index is None or index not in rows.index:
        return html.note("Pick an image to see it large, with the evidence for both classes.")
    row = rows.loc[index]
    recorded = predictions(name)
    ckpt = load(name)
    true, predicted = CLASSES.index(row["true"]), CLASSES.index(row["predicted"])
    probabilities = metrics.probabilities(recorded.logits[index], ckpt.temperature)
    images = TEST_IMAGES.get()
    image = PLACEHOLDER if images is None else images[index]
    parts = [
        '<div class="view">',
        html.pixel_image(image, f"test image {index}: {row['true']}"),
        f'<div class="verdict"><p class="quiet">test image <b>#{index}</b></p>'
        f'<p>labelled <span class="true">{escape(row["true"])}</span>, '
        f"{row['true_probability']:.1%}</p>"
        f'<p>seen as <span class="said">{escape(row["predicted"])}</span>, '
        f"{row['confidence']:.1%}</p>"
        f'<p class="quiet">loss {row["loss"]:.2f} nats, margin {row["margin"]:.2f}, '
        f"entropy {row['entropy']:.2f} nats</p></div></div>",
        html.bars(probabilities, top_k=5, predicted=predicted, true=true),
    ]
    if images is None:
        parts.append(html.note("Heat maps need the test images. " + TEST_IMAGES.status))
    else:
        targets = [predicted, true] if predicted != true else [predicted]
        heats = grad_cam(ckpt, image, targets)
        parts.append(html.heat_maps(image, heats, ["said", "true"][: len(heats)]))
    return "".join(parts)


def picked(name: str, event: gr.EventData) -> tuple[str, int | None]:
    """The detail of the thumbnail that was picked, by the test index it carries."""
    key = event._data.get("key") if isinstance(event._data, dict) else None
    index = int(key) if isinstance(key, str) and key.isdecimal() else None
    return detail(name, index), index


def step(name: str, shown: list[int], index: int | None, by: int) -> tuple[str, int | None]:
    """The detail of the next (by = 1) or previous (by = -1) image of the page."""
    if not shown:
        return detail(name, None), None
    position = shown.index(index) + by if index in shown else 0
    index = shown[min(max(0, position), len(shown) - 1)]
    return detail(name, index), index


def build(demo: gr.Blocks, model: gr.Radio) -> None:
    """Lay out the tab in the current context and wire it."""
    shown, current = gr.State([]), gr.State(None)
    with gr.Row():
        true = gr.Dropdown([ANY, *CLASSES], value=ANY, label="True class", elem_id="true")
        predicted = gr.Dropdown([ANY, *CLASSES], value=ANY, label="Seen as", elem_id="predicted")
        sort = gr.Dropdown(list(SORTS), value=next(iter(SORTS)), label="Sort", elem_id="sort")
    count = gr.HTML(elem_id="count")
    with gr.Row(equal_height=False):
        with gr.Column(scale=7, min_width=320):
            gallery = thumbnails.create("Mistakes", elem_id="mistakes")
            with gr.Row():
                previous_page = gr.Button("Previous page", size="sm", elem_id="previous-page")
                number = gr.Number(
                    1,
                    label="Page",
                    precision=0,
                    min_width=90,
                    container=False,
                    elem_id="page",
                )
                next_page = gr.Button("Next page", size="sm", elem_id="next-page")
        with gr.Column(scale=5, min_width=320, elem_id="detail-column"):
            card = gr.HTML(elem_id="detail")
            with gr.Row():
                before = gr.Button("Previous image", size="sm", elem_id="previous")
                after = gr.Button("Next image", size="sm", elem_id="next")

    private = {"api_visibility": "private", "show_progress": "hidden"}
    filters = [model, true, predicted, sort]
    view = [gallery, shown, count, number]

    # Looks again while the images are on their way, and stops once they have been drawn.
    late = gr.Timer(3, active=False)

    def first_page(*chosen):
        missing = TEST_IMAGES.get() is None
        return *show(*chosen, 1), detail(chosen[0], None), None, gr.Timer(active=missing)

    def arrived(*chosen):
        return [gr.skip()] * 7 if TEST_IMAGES.get() is None else first_page(*chosen)

    everything = [*view, card, current, late]
    gr.on(
        [demo.load, model.change, true.input, predicted.input, sort.input],
        first_page,
        filters,
        everything,
        **private,
    )
    late.tick(arrived, filters, everything, **private)
    number.submit(show, [*filters, number], view, **private)
    for button, by in ((previous_page, -1), (next_page, 1)):
        button.click(
            lambda *chosen, by=by: show(*chosen[:-1], (chosen[-1] or 1) + by),
            [*filters, number],
            view,
            **private,
        )
    gallery.select(picked, model, [card, current], concurrency_id="model", **private)
    for button, by in ((before, -1), (after, 1)):
        button.click(
            lambda name, page_shown, index, by=by: step(name, page_shown, index, by),
            [model, shown, current],
            [card, current],
            concurrency_id="model",
            **private,
        )
