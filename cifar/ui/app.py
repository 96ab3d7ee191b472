"""The Gradio app: `build` lays out the page, one module per tab, and `serve` runs the server."""

import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from typing import Any

import gradio as gr
from gradio import http_server
from starlette.middleware import Middleware

from cifar import LensError
from cifar.data.pictures import prepare
from cifar.explore import store
from cifar.models import checkpoint
from cifar.models.facts import TITLES
from cifar.models.memory import return_freed_memory
from cifar.ui import about, classify, mistakes, network_thread, report, scripts
from cifar.ui.api import endpoints, mcp_tools
from cifar.ui.gpu import ZERO
from cifar.ui.new_networks import NewNetworks
from cifar.ui.security import temporary_files
from cifar.ui.security.request_filter import RequestFilter
from cifar.ui.theme import CSS, THEME

# Events of the page bypass the queue, so that waiting API calls do not delay visitors.
PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
# Tells the components in the page which model is selected.
ANNOUNCE_MODEL = "(name) => { dispatchEvent(new CustomEvent('lens:model', { detail: name })); }"
# The number of visitors whose state Gradio keeps: 70 kB each, which the app does not use.
VISITORS = 200
# The query keys of a link to a view of the explorer, except the model: those of view.js.
VIEW = {"true", "pred", "outcome", "verdict", "agreement", "confidence", "difficulty", "slice"}
VIEW |= {"compare", "where", "sort", "id", "panel"}
TABS = ("classify", "mistakes", "report", "about")


def build() -> gr.Blocks:
    """Lay out the whole page."""
    temporary_files.allow()  # first: components store the paths of their files
    if ZERO:
        network_thread.load()  # ZeroGPU needs networks and decorated functions before the server
    with gr.Blocks(
        title="CIFAR Lens",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(temporary_files.EVERY, temporary_files.KEEP),
    ) as demo:
        with gr.Row(equal_height=True, elem_id="header"):
            gr.HTML("<h1>CIFAR Lens</h1>", elem_id="brand")
            choices = store.choices()
            model = gr.Radio(
                choices,
                value=choices[0][1],
                label="Network",
                show_label=False,
                container=False,
                elem_id="model",
            )
            gr.HTML('<div class="language"></div>', elem_id="language")  # see frame.js
        # Setting the model from a link does not always fire the radio's change event.
        model_events: tuple[Callable, ...] = (
            demo.load(model_of_address, None, model, **PRIVATE).then,
            model.change,
        )
        for event in model_events:
            event(None, model, None, js=ANNOUNCE_MODEL, **PRIVATE)
        with gr.Tabs(elem_id="parts") as tabs:
            for label, build_tab in (
                ("Classify", classify.build),
                ("Mistakes", mistakes.build),
                ("Report", partial(report.build, model, model_events)),
                ("About", partial(about.build, model, model_events)),
            ):
                with gr.Tab(label, id=label.lower(), elem_id=f"tab-{label.lower()}"):
                    build_tab()
        demo.load(tab_of_address, None, tabs, **PRIVATE)
        endpoints.build()
    return demo


def model_of_address(request: gr.Request) -> str:
    """Return the model that the page's address names, or else the most accurate one."""
    selected = request.query_params.get("model")
    names = [name for _, name in store.choices()]
    return selected if selected in names else names[0]


def tab_of_address(request: gr.Request) -> dict:
    """Select the tab that the page's address names; a view of the explorer names that."""
    named = request.query_params.get("tab")
    if named in TABS:
        return gr.update(selected=named)
    return gr.update(selected="mistakes") if VIEW & set(request.query_params) else gr.skip()


def serve(demo: gr.Blocks, *, mcp: bool = False) -> None:
    """Serve the page until the process is stopped.

    mcp: offer the API to MCP clients too. Raises LensError if the port is taken or a package is
    missing.
    """
    shown = [name for _, name in store.choices()]
    if missing := [name for name in TITLES if name not in shown]:
        print(
            f"app.py: There is no checkpoint {' and no '.join(missing)} in {checkpoint.ROOT}: the "
            f"page has {', '.join(shown)} alone.",
            file=sys.stderr,
        )
    with suppress(KeyboardInterrupt):  # also SIGTERM, see `launch`
        launch(demo, mcp=mcp, **wanted_address())


def wanted_address() -> dict[str, Any]:
    """Return Gradio's `server_name` and `server_port` (None if any will do), by the environment.

    Raises LensError if the port is taken, and for an invalid port, GRADIO_SERVER_NAME or
    GRADIO_ROOT_PATH. Gradio would try the next ports, but clients expect the one that was set.
    """
    root_path = os.environ.get("GRADIO_ROOT_PATH") or ""
    if root_path and not root_path.startswith(("/", "http://", "https://")):
        raise LensError(
            f"GRADIO_ROOT_PATH is {root_path!a}: set it to the path of the app on its site, as "
            "/lens, or to its whole address, as https://example.org/lens."
        )
    port = os.environ.get("GRADIO_SERVER_PORT") or ""
    if port and not (port.isascii() and port.isdecimal() and 1 <= int(port[:6]) <= 65_535):
        raise LensError(f"GRADIO_SERVER_PORT is {port!a}: set it to a number from 1 to 65535.")
    host = os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1"
    name = host.removeprefix("[").removesuffix("]")  # an IPv6 address as in a URL
    try:
        family, *_, address = socket.getaddrinfo(name, port or 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise LensError(
                f"Port {port} of {host} cannot be used ({error.strerror}): stop what "
                "uses it, or name another in GRADIO_SERVER_PORT; without that, the first free one "
                "from 7860 on is taken."
            ) from error
        raise LensError(
            f"GRADIO_SERVER_NAME is {host!a}, which is no address of this computer: set it to "
            "0.0.0.0 for all networks, or leave it out for this computer alone."
        ) from error
    if family == socket.AF_INET6:
        # Gradio looks for a free port by this name, in a way that fails for IPv6.
        http_server.LOCALHOST_NAME = "127.0.0.1"
        host = f"[{address[0]}]"
    return {"server_name": host, "server_port": int(port) if port else None}


def launch(demo: gr.Blocks, *, mcp: bool = False, **options: Any) -> None:
    """Start the server, load the networks once it listens, and serve until the process stops.

    options: for Gradio's `launch`. Raises LensError if MCP's package is missing.
    """
    if mcp and find_spec("mcp") is None:
        raise LensError('MCP clients need one more package: pip install "gradio[mcp]".')
    if find_spec("mcp") is not None:
        mcp_tools.install()
    prepare()
    return_freed_memory()
    temporary_files.sweep_forever()
    if threading.current_thread() is threading.main_thread():
        # Spaces and systemd stop servers with SIGTERM: clean up as after Ctrl+C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Public API calls always go through the queue.
    demo.queue(default_concurrency_limit=4, max_size=64, api_open=False).launch(
        theme=THEME,
        css=CSS,
        max_file_size="20mb",
        run_history=False,
        footer_links=["api", "gradio"],
        state_session_capacity=VISITORS,
        app_kwargs={
            "middleware": [
                Middleware(RequestFilter, demo=demo),
                Middleware(NewNetworks, demo=demo),
            ],
            "routes": [scripts.route()],
        },
        mcp_server=mcp or None,  # None: Gradio's own GRADIO_MCP_SERVER decides
        quiet=True,
        prevent_thread_lock=True,
        **options,
    )
    print(f"CIFAR Lens: {demo.share_url or demo.local_url}", flush=True)
    loading = network_thread.start()
    try:
        demo.block_thread()
    finally:
        loading.join(timeout=60)
