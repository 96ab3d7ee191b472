"""The Gradio face: `build` lays out the page, one module a tab."""

import gradio as gr

from cifar.ui import about, classify, library, mistakes, report, served
from cifar.ui.theme import CSS, THEME

# Two hours: how old uploads and pictures made for a page may get; looked at every ten minutes.
KEEP_FILES = 7200


def build() -> gr.Blocks:
    """The whole page. Needs the checkpoints, not the dataset, and touches no network."""
    served.allow()
    with gr.Blocks(
        title="CIFAR Lens",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(600, KEEP_FILES),
    ) as demo:
        with gr.Row(equal_height=True, elem_id="header"):
            gr.HTML(
                "<h1>CIFAR Lens</h1><p>what a ResNet sees, and why it is wrong</p>",
                elem_id="brand",
            )
            choices = library.choices()
            model = gr.Radio(
                choices,
                value=choices[0][1],
                label="Model",
                show_label=False,
                container=False,
                elem_id="model",
            )
        for label, tab in (
            ("Classify", classify),
            ("Mistakes", mistakes),
            ("Report", report),
            ("About", about),
        ):
            with gr.Tab(label, id=label.lower(), elem_id=f"tab-{label.lower()}"):
                tab.build(demo, model)
        # A fetch that failed is tried again with every new visitor.
        demo.load(fetch, api_visibility="private", show_progress="hidden")
    return demo


def fetch() -> None:
    """Begin to fetch the test images and people's votes, unless they are there."""
    library.TEST_IMAGES.start()
    library.ANNOTATIONS.start()


def launch(demo: gr.Blocks, **options) -> None:
    """Serve the page, and begin to fetch what it shows in the background."""
    fetch()
    demo.queue(default_concurrency_limit=4, max_size=64).launch(
        theme=THEME,
        css=CSS,
        max_file_size="20mb",
        run_history=False,
        footer_links=["gradio"],
        **options,
    )
