"""Small pieces of HTML that the tabs share. All text is escaped; images are lossless PNG."""

import base64
import io
from html import escape

import matplotlib
import numpy as np
from PIL import Image

from cifar import CLASSES
from cifar.explain import COLOURS, HeatMap, draw

ZOOM = 8  # heat maps are drawn at this many screen pixels an image pixel


def png_url(pixels: np.ndarray) -> str:
    """A uint8 (H, W, 3) or (H, W) array as a data URL."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def pixel_image(image: np.ndarray, alt: str) -> str:
    """An image with its pixels to be seen as squares."""
    return f'<img class="pixels" src="{png_url(image)}" alt="{escape(alt)}">'


def note(text: str) -> str:
    return f'<p class="note" role="status">{escape(text)}</p>'


def bars(
    probabilities: np.ndarray, *, top_k: int, predicted: int | None = None, true: int | None = None
) -> str:
    """Bars of the top-k probabilities of (10,), with the predicted and the true class coloured.

    The true class, where it is given, is shown however improbable it was.
    """
    rows = []
    shown = [int(label) for label in np.argsort(-probabilities, kind="stable")[:top_k]]
    if true is not None and true not in shown:
        shown.append(true)
    for label in shown:
        kind = "true" if label == true else "said" if label == predicted else ""
        share = 100 * float(probabilities[label])
        rows.append(
            f'<span class="{kind}">{escape(CLASSES[label])}</span>'
            f'<span class="track"><span class="fill {kind}" '
            f'style="display:block;width:{share:.2f}%"></span></span>'
            f'<span class="value">{share:.1f}%</span>'
        )
    return f'<div class="bars">{"".join(rows)}</div>'


def heat_maps(image: np.ndarray, heats: list[HeatMap], kinds: list[str]) -> str:
    """Heat maps of one image side by side on one scale, with its legend.

    The map lies over the image with the opacity that the page's strength slider sets, so that
    moving the slider needs no new computation. kinds: the CSS class of each caption.
    """
    scale = max(heat.peak for heat in heats)
    enlarged = np.repeat(np.repeat(image, ZOOM, axis=0), ZOOM, axis=1)
    below = png_url(enlarged)
    figures = []
    for heat, kind in zip(heats, kinds, strict=True):
        name = escape(CLASSES[heat.target])
        over = png_url(draw(heat, enlarged.shape[0], scale=scale))
        says = "" if heat.peak > 0 else " &middot; nothing in the image speaks for it here"
        figures.append(
            f'<figure><div class="heat"><img class="pixels" src="{below}" alt="">'
            f'<img class="over" src="{over}" alt="heat map for {name}"></div>'
            f'<figcaption>for <span class="{kind}">{name}</span>{says}</figcaption></figure>'
        )
    return (
        f'<div class="maps">{"".join(figures)}</div>'
        f'<div class="scale" style="background:{_gradient()}"></div>'
        f'<div class="ends"><span>0</span><span>evidence, {escape(heats[0].layer.title)}</span>'
        f"<span>{scale:.3g}</span></div>"
    )


def _gradient() -> str:
    stops = matplotlib.colormaps[COLOURS](np.linspace(0, 1, 9))
    return f"linear-gradient(90deg,{','.join(matplotlib.colors.to_hex(c) for c in stops)})"
