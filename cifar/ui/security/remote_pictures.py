"""A picture as programs send it: an upload, or an address from which it is fetched.

gr.Image would open any format itself; here nothing but `data.pictures` opens what came. Fetching
looks up a host's name once, refuses whatever is not on the public internet (loopback, private,
link-local, shared, reserved, multicast), connects to the very address that it checked, begins anew
for each redirect, and stops at the size that a picture may have. (Gradio's own does all but the
last, takes carriers' shared addresses for public, and asks Google for names that it cannot use.)
"""

import asyncio
import ipaddress
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

import httpx
from gradio.components.api_component import Api
from gradio.data_classes import FileData
from gradio_client import handle_file
from gradio_client.utils import is_http_url_like

from cifar import LensError
from cifar.data.pictures import MAX_BYTES
from cifar.ui.validation import uploaded

# Where a Gradio server gives out what was uploaded to it.
UPLOADS = "/gradio_api/file="
SECONDS = 20  # that fetching a picture may take
REDIRECTS = 5  # that are followed
# On a Space of Hugging Face, whose own hosts have private addresses.
TRUSTED = ("hf.co", "huggingface.co")
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # behind these may be any IPv4 address
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

    # Gradio would fetch an address before the reason of a failure could be told. (Methods of this
    # one component, because for each subclass Gradio writes a stub beside the module.)
    vars(found).update(
        async_move_resource_to_block_cache=as_it_is,
        example_payload=lambda: handle_file(EXAMPLE),
    )
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
    path = Path(folder) / "picture"
    try:
        asyncio.run(asyncio.wait_for(download(address, path), SECONDS))
    except (
        httpx.HTTPError,
        httpx.InvalidURL,
        OSError,
        ValueError,
        asyncio.TimeoutError,
    ) as error:
        raise LensError(
            "The picture could not be fetched: give its public http or https address, or upload it."
        ) from error
    return path


async def download(address: str, path: Path) -> None:
    """Write what is under a public http or https address to a file.

    Raises httpx.HTTPError, httpx.InvalidURL, OSError or ValueError where it cannot be had, and
    LensError where it is larger than a picture may be.
    """
    url = httpx.URL(address)
    for _ in range(REDIRECTS + 1):
        # A proxy would look up names itself, and no compressed answer grows on the way here.
        async with httpx.AsyncClient(trust_env=False, timeout=SECONDS) as client:
            request = client.build_request(
                "GET",
                url.copy_with(host=await public_address(url)),
                headers={"Host": url.netloc.decode("ascii"), "Accept-Encoding": "identity"},
                extensions={"sni_hostname": url.host},
            )
            response = await client.send(request, stream=True)
            try:
                if response.has_redirect_location:
                    url = url.join(response.headers["Location"])
                    continue
                await _write(response.raise_for_status(), path)
            finally:
                await response.aclose()
        return
    raise ValueError(f"{address} redirects more than {REDIRECTS} times")


async def _write(response: httpx.Response, path: Path) -> None:
    size = 0
    with path.open("wb") as stream:
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > MAX_BYTES:
                raise LensError(
                    f"The picture is larger than {MAX_BYTES // 2**20} MB: send a smaller one."
                )
            stream.write(chunk)


async def public_address(url: httpx.URL) -> str:
    """The address of a URL's host on the public internet. Raises ValueError if it has none there,
    or the URL is neither http nor https; OSError if nobody knows the host."""
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{url} is no http or https address")
    if any(url.host == host or url.host.endswith(f".{host}") for host in TRUSTED):
        return url.host
    loop = asyncio.get_running_loop()
    for *_, found in await loop.getaddrinfo(url.host, None, type=socket.SOCK_STREAM):
        if is_public(str(found[0])):
            return str(found[0])
    raise ValueError(f"{url.host} is not on the public internet")


def is_public(address: str) -> bool:
    """Whether an IP address is one that anybody may reach."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    if inner is not None:
        return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and ip not in NAT64
