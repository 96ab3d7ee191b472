"""Colours, spacing and the styles that Gradio lacks, for light and dark mode."""

import gradio as gr

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
.quiet { color: var(--quiet); font-weight: 400; }

#brand h1 { font-size: 1.25rem; margin: 0; }
#brand p { margin: 0; color: var(--quiet); }
#model .wrap { justify-content: flex-end; }

.figure { max-width: 960px; }

table.numbers { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums;
  margin-bottom: .75rem; }
table.numbers, table.numbers tr { border: 0 !important; }
table.numbers th, table.numbers td { border: 0 !important; text-align: left; padding: .35rem .6rem;
  border-bottom: 1px solid var(--line) !important; }
table.numbers td + td, table.numbers th + th { text-align: right; }
.scroll { overflow-x: auto; }
/* A wide table scrolls; Gradio would break its numbers in the middle. */
#card table { display: block; overflow-x: auto; border: 0; padding: 0;
  font-variant-numeric: tabular-nums; }
#card :is(th, td) { overflow-wrap: normal; word-break: normal; padding: .35rem .6rem; }
#card p code { white-space: normal; overflow-wrap: anywhere; }
.tab-container button.selected { color: var(--said) !important; }
@media (max-width: 640px) {
  :is(#classify, #explorer) .html-container { padding: 10px 0; }
  /* All tabs fit on a phone, instead of hiding behind a menu. */
  .tab-container button { padding: .4rem .55rem !important; font-size: .9rem !important; }
}
"""
