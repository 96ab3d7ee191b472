"""A grid of pictures that can be picked by mouse or keyboard, each known by a key of its own.

Gradio's gallery reports positions, which go stale when its content changes; here every picture
carries its key, so a click always means the picture that was seen.
"""

import gradio as gr
import numpy as np

from cifar.ui.html import png_url

TEMPLATE = """
<div class="thumbnails" role="group" aria-label="${label}">
  {{#each value}}
  <button type="button" data-key="{{key}}" aria-pressed="false">
    <img class="pixels" src="{{src}}" alt=""><span>{{caption}}</span>
  </button>
  {{/each}}
</div>
"""

# Clicks and arrow keys are listened for on the component, whose content is drawn anew.
SCRIPT = """
element.addEventListener('click', event => {
  const picked = event.target.closest('button[data-key]');
  if (!picked) return;
  element.querySelectorAll('button[data-key]').forEach(
    button => button.setAttribute('aria-pressed', String(button === picked)));
  trigger('select', { key: picked.dataset.key });
});
element.addEventListener('keydown', event => {
  const buttons = [...element.querySelectorAll('button[data-key]')];
  const at = buttons.indexOf(document.activeElement);
  if (at < 0) return;
  const top = buttons[0].offsetTop;
  const columns = Math.max(1, buttons.filter(button => button.offsetTop === top).length);
  const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  if (by === undefined || !buttons[at + by]) return;
  event.preventDefault();
  buttons[at + by].focus();
});
"""

CSS = """
.thumbnails { display: grid; gap: .6rem;
  grid-template-columns: repeat(auto-fill, minmax(88px, 1fr)); }
.thumbnails button { display: flex; flex-direction: column; gap: .2rem; padding: 4px; margin: 0;
  border: 2px solid transparent; border-radius: 10px; background: none; cursor: pointer;
  text-align: left; font: inherit; color: inherit; }
.thumbnails button:hover { border-color: var(--line); }
.thumbnails button[aria-pressed="true"] { border-color: var(--said); }
.thumbnails button:focus-visible { outline: 3px solid #2563eb; outline-offset: 1px; }
.thumbnails img { width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 6px; margin: 0; }
.thumbnails span { font-size: .75rem; line-height: 1.25; }
"""


def item(key: str | int, image: np.ndarray, caption: str) -> dict:
    """One picture: its key, uint8 (H, W, 3) pixels, and a caption that reads well alone."""
    return {"key": str(key), "src": png_url(image), "caption": caption}


def create(label: str, elem_id: str) -> gr.HTML:
    """The grid as a component whose value is a list of `item`; `select` reports `key`."""
    return gr.HTML(
        [],
        label=label,
        html_template=TEMPLATE.replace("${label}", label),
        js_on_load=SCRIPT,
        elem_id=elem_id,
        apply_default_css=False,
    )
