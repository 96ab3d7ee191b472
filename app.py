"""The web app: `python app.py` serves it on http://127.0.0.1:7860; a Space runs this file too."""

import argparse
import os
import socket
import sys

from cifar import LensError
from cifar.explore import store
from cifar.models import checkpoint
from cifar.ui.app import build, launch


def say_what_is_missing() -> None:
    """A line on stderr where a model that belongs to the project has no checkpoint."""
    found = checkpoint.available()
    missing = [name for name in store.NAMES if name not in found]
    if missing:
        print(
            f"app.py: There is no checkpoint {' and no '.join(missing)} in {checkpoint.ROOT}: the "
            f"page has {', '.join(found)} alone.",
            file=sys.stderr,
        )


def wanted_port() -> int | None:
    """GRADIO_SERVER_PORT, which Gradio takes for the first of many to try: whoever names a port
    has told others of it. Raises LensError if it cannot be had; None if nobody named one."""
    port = os.environ.get("GRADIO_SERVER_PORT")
    if not port:
        return None
    host = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            raise LensError(
                f"Port {port} of {host} cannot be had ({error.strerror}): stop what uses it, or "
                "name another in GRADIO_SERVER_PORT; without that, the first free one from 7860 on "
                "is taken."
            ) from error
    return int(port)


try:
    demo = build()
except LensError as error:
    sys.exit(f"app.py: {error}")

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="Serve the app on http://127.0.0.1:7860, or the next free port.",
        epilog="GRADIO_SERVER_NAME, GRADIO_SERVER_PORT and GRADIO_ROOT_PATH in the environment "
        "change the address.",
    )
    parser.add_argument(
        "--mcp",
        action="store_true",
        help='answer MCP clients too, at /gradio_api/mcp/ (needs pip install "gradio[mcp]")',
    )
    mcp = parser.parse_args().mcp
    say_what_is_missing()
    try:
        launch(demo, mcp=mcp, server_port=wanted_port())
    except LensError as error:
        sys.exit(f"app.py: {error}")
