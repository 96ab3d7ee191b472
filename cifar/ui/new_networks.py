"""Show a network that is added while the app runs to everybody who opens the page after that."""

from threading import Lock

import gradio as gr
from anyio.to_thread import run_sync
from starlette.types import ASGIApp, Receive, Scope, Send

from cifar.explore import store
from cifar.ui import classify, mistakes

_lock = Lock()
PAGES = {"explorer": mistakes.page, "classify": classify.page}  # by the component's `elem_id`


class NewNetworks:
    """Middleware that brings the layout up to date before the page is sent."""

    def __init__(self, app: ASGIApp, demo: gr.Blocks) -> None:
        self.app, self.demo = app, demo

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on to the app."""
        if scope["type"] == "http" and scope["path"] == f"{self.demo.root_path or ''}/":
            await run_sync(refresh, self.demo)
        await self.app(scope, receive, send)


def refresh(demo: gr.Blocks) -> None:
    """Put the networks that there are now into a layout, if they are others than before."""
    choices, names = store.choices(), store.answers_names()
    with _lock:
        blocks = list(demo.blocks.values())
        (model,) = (one for one in blocks if isinstance(one, gr.Radio) and one.elem_id == "model")
        pages = {
            block.elem_id: block.props
            for block in blocks
            if isinstance(block, gr.HTML) and block.elem_id in PAGES
        }
        others = [other["name"] for other in pages["explorer"]["page"]["others"]]
        if (model.choices, others) == (choices, names):
            return
        model.choices = [*choices]
        for name, props in pages.items():
            props["page"] = PAGES[name]()
        demo.config = demo.get_config_file()
