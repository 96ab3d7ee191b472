"""A picture as programs send it: an upload, or an address from which it is fetched.

gr.Image would open any format itself; here nothing but `cifar.images` opens what came. Gradio does
the fetching: `safehttpx` looks up the host's name once, refuses every address that is not public
(loopback, private, link-local, reserved), connects to the very address that it checked, and begins
anew for each redirect.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from gradio.components.api_component import Api
from gradio.data_classes import FileData
from gradio.processing_utils import async_ssrf_protected_download
from gradio_client import handle_file
from gradio_client.utils import is_http_url_like

from cifar import LensError
from cifar.ui.questions import uploaded

# Where a Gradio server gives out what was uploaded to it.
UPLOADS = "/gradio_api/file="
SECONDS = 20  # that fetching a picture may take
EXAMPLE = "https://raw.githubusercontent.com/gradio-app/gradio/main/test/test_files/cheetah1.jpg"


def picture_input(description: str) -> Api:
    """An input that hands on {"path": of an upload} or {"url": http or https} as it came.

    Clients may leave Gradio's `meta` out; those of Gradio itself, and MCP's, send it.
    """
    found = Api(None, FileData.model_json_schema() | {"description": description}, "image")

    async def as_it_is(place: str) -> str:
        if not is_http_url_like(place):
            found.temp_files.add(place)  # so that it is deleted when it is old
        return place

    # Gradio would fetch an address before anybody could say why it cannot be had. (A subclass would
    # be cleaner, but for each one Gradio writes a stub beside the module.)
    found.async_move_resource_to_block_cache = as_it_is
    found.example_payload = lambda: handle_file(EXAMPLE)
    return found


@contextmanager
def picture_file(given: object) -> Iterator[Path]:
    """The file of a picture, as `picture_input` hands it on; what was fetched goes afterwards.

    Raises LensError where there is none.
    """
    given = given if isinstance(given, dict) else {}
    place = given.get("path") or given.get("url")
    if not isinstance(place, str):
        raise LensError(
            'There is no picture: give {"path": of an uploaded file} or {"url": its address}.'
        )
    if not is_http_url_like(place):
        yield uploaded(place)
    elif own := _uploaded_here(place):
        yield own
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield _fetched(place, folder)


def _uploaded_here(address: str) -> Path | None:
    """The file behind an address of this server's, which MCP clients give for their uploads; it may
    well be one that nobody else can reach."""
    _, uploads, path = address.partition(UPLOADS)
    try:
        return uploaded(unquote(path)) if uploads else None
    except LensError:  # another server's
        return None


def _fetched(address: str, folder: str) -> Path:
    try:
        download = asyncio.wait_for(async_ssrf_protected_download(address, folder), SECONDS)
        return Path(asyncio.run(download))
    except Exception as error:  # Gradio has no kinds of error for this
        raise LensError(
            "The picture could not be fetched: give its public http or https address, or upload it."
        ) from error
