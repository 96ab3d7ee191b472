"""Colours, spacing and the few styles that Gradio's own do not cover, in light and in dark."""

import gradio as gr

from cifar.ui import thumbnails

# One warm accent for what the model said, teal for what is true.
THEME = gr.themes.Base(
    primary_hue=gr.themes.colors.orange,
    secondary_hue=gr.themes.colors.teal,
    neutral_hue=gr.themes.colors.stone,
    font=("ui-sans-serif", "system-ui", "Segoe UI", "sans-serif"),
    font_mono=("ui-monospace", "Consolas", "monospace"),
    radius_size=gr.themes.sizes.radius_lg,
).set(
    body_background_fill="#fbfaf9",
    block_border_width="1px",
    block_shadow="none",
    slider_color="#c2410c",
    slider_color_dark="#fb923c",
    # Gradio's own stand at less than 4.5:1 from the background.
    body_text_color_subdued="#6b7280",
    link_text_color="#0f766e",
    link_text_color_hover="#115e59",
    link_text_color_active="#115e59",
    link_text_color_visited="#0f766e",
)

CSS = (
    """
/* No media query: within one, Gradio lets a rule reach the inside of the page alone. */
.gradio-container > .main.app {
  max-width: 1760px; margin: 0 auto; padding-inline: clamp(12px, 2.3vw, 32px);
}
:root, .gradio-container {
  --said: #c2410c; --true: #0f766e; --quiet: #6b7280; --line: #e7e5e4; --bar: #f1f0ee;
  --said-soft: #fff1e8;
}
.dark, .dark .gradio-container {
  --said: #fb923c; --true: #2dd4bf; --quiet: #a8a29e; --line: #44403c; --bar: #33302d;
  --said-soft: #3b2417;
}
.said { color: var(--said); font-weight: 600; }
.true { color: var(--true); font-weight: 600; }
.quiet { color: var(--quiet); font-weight: 400; }

#brand h1 { font-size: 1.25rem; margin: 0; }
#brand p { margin: 0; color: var(--quiet); }
#model .wrap { justify-content: flex-end; }

/* 32x32 images are shown as the pixels they are. */
.pixels { image-rendering: pixelated; }
.view { display: flex; gap: 1rem; align-items: flex-start; flex-wrap: wrap; }
.view img.pixels { width: 220px; height: 220px; border-radius: 8px; }
.view .verdict { flex: 1 1 12rem; }
.view .verdict .name { font-size: 1.6rem; line-height: 1.2; }
figure.card { margin: 0; }
.figure { max-width: 960px; }
#upload img { width: 100%; height: 100%; object-fit: contain; }
#examples .thumbnails { grid-template-columns: repeat(5, minmax(0, 1fr)); gap: .25rem; }
figcaption { color: var(--quiet); font-size: .85rem; margin-top: .25rem; }

.bars { display: grid; grid-template-columns: 6.5rem 1fr 3.5rem; gap: .3rem .6rem;
  margin: .75rem 0; }
.bars .track { background: var(--bar); border-radius: 5px; height: .7rem; align-self: center; }
.bars .fill { background: var(--quiet); border-radius: 5px; height: 100%; min-width: 2px; }
.bars .fill.said { background: var(--said); }
.bars .fill.true { background: var(--true); }
.bars .value { text-align: right; color: var(--quiet); font-variant-numeric: tabular-nums; }

.maps { display: flex; gap: 1rem; flex-wrap: wrap; }
.maps figure { margin: 0; flex: 1 1 180px; max-width: 300px; }
.heat { position: relative; aspect-ratio: 1; border-radius: 8px; overflow: hidden; }
.heat img { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; }
.heat img.over { opacity: var(--heat-strength, .6); }
.scale { height: .6rem; border-radius: 5px; margin-top: .75rem; }
.ends { display: flex; justify-content: space-between; color: var(--quiet); font-size: .85rem; }
.note { border-left: 3px solid var(--said); background: var(--said-soft); padding: .6rem .9rem;
  border-radius: 0 8px 8px 0; }

table.numbers { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums;
  margin-bottom: .75rem; }
table.numbers, table.numbers tr { border: 0 !important; }
table.numbers th, table.numbers td { border: 0 !important; text-align: left; padding: .35rem .6rem;
  border-bottom: 1px solid var(--line) !important; }
table.numbers td + td, table.numbers th + th { text-align: right; }
.scroll { overflow-x: auto; }
.tab-container button.selected { color: var(--said) !important; }
@media (max-width: 640px) {
  #explorer .html-container { padding: 10px 0; }
  /* All tabs fit on a phone, instead of hiding behind a menu. */
  .tab-container button { padding: .4rem .55rem !important; font-size: .9rem !important; }
  .view img.pixels { width: 160px; height: 160px; }
  .bars { grid-template-columns: 5.5rem 1fr 3rem; }
}
"""
    + thumbnails.CSS
)
