"""Colours, spacing and the styles that Gradio lacks, for light and dark mode."""

import gradio as gr

from cifar.ui.scripts import COMPONENTS

# A warm accent for predictions, teal for true classes.
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
    # Gradio's defaults have a contrast of less than 4.5:1 to the background.
    body_text_color_subdued="#6b7280",
    link_text_color="#0f766e",
    link_text_color_hover="#115e59",
    link_text_color_active="#115e59",
    link_text_color_visited="#0f766e",
)

CSS = """
/* No media query: within one, Gradio lets a rule reach the inside of the page alone. */
.gradio-container > .main.app {
  max-width: 1760px; margin: 0 auto; padding: 0 clamp(12px, 2.3vw, 32px);
}
main.contain > .column { gap: 0 !important; }
:root, .gradio-container {
  --said: #c2410c; --true: #0f766e; --quiet: #6b7280; --line: #e7e5e4; --bar: #f1f0ee;
  --said-soft: #fff1e8;
}
.dark, .dark .gradio-container {
  --said: #fb923c; --true: #2dd4bf; --quiet: #a8a29e; --line: #44403c; --bar: #33302d;
  --said-soft: #3b2417;
}
.quiet { color: var(--quiet); font-weight: 400; }

/* Name, tabs and networks in one row: the tabs are drawn under the row of the other two. */
#header { position: relative; z-index: 2; height: 56px; align-items: center; flex-wrap: nowrap;
  pointer-events: none; }
#header > * { flex: none; width: auto; min-width: 0; pointer-events: auto; }
#brand { padding: 0; }
#brand h1 { font-size: 18px; margin: 0; white-space: nowrap; }
#model { margin-left: auto; display: flex; align-items: center; gap: 10px; }
#model::before { content: var(--network, "network"); color: var(--quiet); font-size: 12px; }
#model .wrap { gap: 0; flex-wrap: nowrap; border: 1px solid var(--line); border-radius: 8px; }
#model label { position: relative; margin: 0; padding: 6px 12px; border: 0; border-radius: 7px;
  background: none; box-shadow: none; font-size: 13px; white-space: nowrap; }
#model label span { margin: 0; }
#model label:has(:checked) { background: var(--said-soft); color: var(--said); font-weight: 600; }
/* Over the whole label, so that it shows where the focus is. */
#model input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; }
#model label:has(:focus-visible) { outline: 3px solid #2563eb; }
/* More than three networks are a menu, which shows the chosen one until it is pointed at. The
   others have no height, and can be focused all the same. */
#model:has(label:nth-of-type(4)) { --menu: 190px; position: relative; height: 36px;
  padding-right: calc(var(--menu) + 10px); overflow: visible !important; }
#model:has(label:nth-of-type(4)) .wrap { position: absolute; top: 0; right: 0; z-index: 3;
  flex-direction: column; width: var(--menu); background: var(--background-fill-primary); }
#model:has(label:nth-of-type(4)) label:has(:checked)::after { content: "▾"; margin-left: auto; }
#model:has(label:nth-of-type(4)):not(:hover, :has(:focus-visible)) label:not(:has(:checked)) {
  height: 0; min-height: 0; margin: 0; padding-block: 0; border: 0; overflow: hidden; opacity: 0; }
/* The short name of the language is seen, the choice of all lies over it. */
.language { position: relative; width: 40px; height: 32px; border: 1px solid var(--line);
  border-radius: 8px; display: grid; place-items: center; font-size: 12px; }
.language select { position: absolute; inset: 0; width: 100%; opacity: 0; cursor: pointer; }
.language:has(:focus-visible) { outline: 3px solid #2563eb; }
#parts { margin-top: -56px; }
#parts > .tab-wrapper { height: 56px; padding: 0 0 0 140px; margin-bottom: 14px; }
#parts > .tab-wrapper .tab-container { height: 56px; align-items: stretch; }

.scroll { overflow-x: auto; }
/* What is there before the scripts are, where these will put it; the footer stays below. */
:is(.classify-root, .explorer-root) { min-height: 100vh; }
.classify-root > .opening { display: block; width: 320px; height: 320px; border-radius: 14px;
  margin: 5px auto 0 max(8px, calc((100% - 1240px) / 2 + 8px)); image-rendering: pixelated; }
#about { max-width: 860px; margin: 0 auto; gap: 20px; }
#about h2 { font-size: 20px; }
/* A wide table scrolls; Gradio would break its numbers in the middle. */
#card table { display: block; overflow-x: auto; border: 0; padding: 0;
  font-variant-numeric: tabular-nums; }
#card :is(th, td) { overflow-wrap: normal; word-break: normal; padding: .35rem .6rem; }
#card p code { white-space: normal; overflow-wrap: anywhere; }
.tab-container button.selected { color: var(--said) !important; }
footer > .divider:last-child { display: none; }
@media (max-width: 640px) {
  #model::before { content: none; }
  .classify-root > .opening { width: 256px; height: 256px; margin: 0 auto; }
  #header { height: 46px; gap: 8px; }
  #language { position: absolute; right: 0; top: 44px; }
  #model label { padding: 5px 8px; font-size: 12px; }
  #model:has(label:nth-of-type(4)) { --menu: 150px; }
  #parts { margin-top: 0; }
  #parts > .tab-wrapper, #parts > .tab-wrapper .tab-container { height: 42px; padding: 0; }
  :is(#classify, #explorer) .html-container { padding: 10px 0; }
  /* All tabs fit on a phone, instead of hiding behind a menu. */
  .tab-container button { padding: .4rem .55rem !important; font-size: .9rem !important; }
}
""" + (COMPONENTS / "shared" / "report.css").read_text(encoding="utf-8")
