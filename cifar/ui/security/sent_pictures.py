"""Pictures that API clients send: as an upload, or as an address to download.

gr.Image would open any format itself; here only `data.pictures` opens files, and only
`data.remote_pictures` downloads.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from gradio.components.api_component import Api
from gradio.data_classes import FileData
from gradio_client import handle_file

from cifar import LensError
from cifar.data import remote_pictures
from cifar.ui.validation import uploaded

# The route on which a Gradio server serves uploaded files.
UPLOADS = "/gradio_api/file="
EXAMPLE = "https://raw.githubusercontent.com/gradio-app/gradio/main/test/test_files/cheetah1.jpg"


def picture_input(description: str) -> Api:
    """Return an input that passes on {"path": of an upload} or {"url": http or https} unchanged.

    Gradio's `meta` is optional; clients of Gradio and MCP send it.
    """
    component = Api(None, FileData.model_json_schema() | {"description": description}, "image")

    async def keep_location(location: str) -> str:
        if not remote_pictures.is_address(location):
            component.temp_files.add(location)  # so that it is deleted when it is old
        return location

    # Gradio would download the picture itself, and hide the reason of a failure. (Set on the
    # instance, because Gradio writes a stub beside the module of each subclass.)
    vars(component).update(
        async_move_resource_to_block_cache=keep_location,
        example_payload=lambda: handle_file(EXAMPLE),
    )
    return component


@contextmanager
def picture_file(picture: object) -> Iterator[Path]:
    """Provide the file of a picture from `picture_input`; a download is deleted afterwards.

    Raises LensError if there is no picture.
    """
    picture = picture if isinstance(picture, dict) else {}
    location = picture.get("path") or picture.get("url")
    if not isinstance(location, str):
        raise LensError(
            'There is no picture: give {"path": of an uploaded file} or {"url": its address}.'
        )
    if not remote_pictures.is_address(location):
        yield uploaded(location)
    elif upload := _own_upload(location):
        yield upload
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "picture"
            remote_pictures.fetch(location, path)
            yield path


def _own_upload(address: str) -> Path | None:
    """Return the uploaded file of an address of this server, or None for another address.

    MCP clients send such addresses for uploads; they may be private, which a download rejects.
    """
    _, uploads, path = address.partition(UPLOADS)
    try:
        return uploaded(unquote(path)) if uploads else None
    except LensError:  # an upload to another server
        return None
