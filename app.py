"""The web app: `python app.py` serves it on http://127.0.0.1:7860; a Space runs this file too."""

import argparse
import sys

from cifar import LensError
from cifar.ui.app import build, serve

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
        help='also serve MCP clients, at /gradio_api/mcp/ (needs pip install "gradio[mcp]")',
    )
    try:
        serve(demo, mcp=parser.parse_args().mcp)
    except LensError as error:
        sys.exit(f"app.py: {error}")
