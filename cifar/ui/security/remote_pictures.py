"""Pictures that API clients send: as an upload, or as an address to download.

gr.Image would open any format itself; here only `data.pictures` opens files. A download looks up a
host's name once, rejects addresses outside the public internet (loopback, private, link-local,
shared, reserved, multicast), connects to the address that it checked, repeats this for each
redirect, and stops at the size limit of pictures. (Gradio's own download has no size limit, treats
carriers' shared addresses as public, and asks Google for names that it cannot use.)
"""

import asyncio
import ipaddress
import socket
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
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

# The route on which a Gradio server serves uploaded files.
UPLOADS = "/gradio_api/file="
SECONDS = 20  # timeout of a download
REDIRECTS = 5  # the maximum number
# On a Hugging Face Space, these hosts have private addresses.
TRUSTED = ("hf.co", "huggingface.co")
# IPv6 addresses that hosts on the internet have, without blocks that never are or mean another.
# Source: https://www.iana.org/assignments/iana-ipv6-special-registry
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
SPECIAL = [ipaddress.ip_network(block) for block in ("2001::/23", "2001:db8::/32", "3fff::/20")]
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # maps to any IPv4 address, also private ones
# Python 3.11 counts most of this block as public.
IETF = ipaddress.ip_network("192.0.0.0/24")
# Threads of their own: a system's look-up of a name cannot be broken off, and must not hold a call
# that gave up. If all hang, further downloads time out.
LOOK_UPS = ThreadPoolExecutor(8, "look-up")
EXAMPLE = "https://raw.githubusercontent.com/gradio-app/gradio/main/test/test_files/cheetah1.jpg"


def picture_input(description: str) -> Api:
    """Return an input that passes on {"path": of an upload} or {"url": http or https} unchanged.

    Gradio's `meta` is optional; clients of Gradio and MCP send it.
    """
    component = Api(None, FileData.model_json_schema() | {"description": description}, "image")

    async def keep_location(location: str) -> str:
        if not is_http_url_like(location):
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
    if not is_http_url_like(location):
        yield uploaded(location)
    elif upload := _own_upload(location):
        yield upload
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield _fetch(location, folder)


def _own_upload(address: str) -> Path | None:
    """Return the uploaded file of an address of this server, or None for another address.

    MCP clients send such addresses for uploads; they may be private, which a download rejects.
    """
    _, uploads, path = address.partition(UPLOADS)
    try:
        return uploaded(unquote(path)) if uploads else None
    except LensError:  # an upload to another server
        return None


def _fetch(address: str, folder: str) -> Path:
    path = Path(folder) / "picture"
    try:
        asyncio.run(asyncio.wait_for(download(address, path), SECONDS))
    except (
        httpx.HTTPError,
        httpx.InvalidURL,
        OSError,
        ValueError,
        TimeoutError,
    ) as error:
        raise LensError(
            "The picture could not be fetched: give its public http or https address, or upload it."
        ) from error
    return path


async def download(address: str, path: Path) -> None:
    """Download a public http or https address to a file.

    Raises httpx.HTTPError, httpx.InvalidURL, OSError or ValueError if that fails, and LensError if
    the file is larger than MAX_BYTES.
    """
    url = httpx.URL(address)
    for _ in range(REDIRECTS + 1):
        # No proxy, which would look up names itself; no compression, against zip bombs.
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
    """Return the public IP address of a URL's host; the host itself if it is in TRUSTED.

    Raises ValueError if the host has no public address or the URL is neither http nor https, and
    OSError if the host is unknown.
    """
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{url} is no http or https address")
    if any(url.host == host or url.host.endswith(f".{host}") for host in TRUSTED):
        return url.host
    look_up = partial(socket.getaddrinfo, url.host, None, type=socket.SOCK_STREAM)
    for *_, found in await asyncio.get_running_loop().run_in_executor(LOOK_UPS, look_up):
        if is_public(str(found[0])):
            return str(found[0])
    raise ValueError(f"{url.host} is not on the public internet")


def is_public(address: str) -> bool:
    """Return whether an IP address is that of one host on the public internet.

    An IPv6 address that stands for an IPv4 one (mapped, 6to4, NAT64) is as public as that.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not ip.is_multicast and ip not in IETF
    inner = ip.ipv4_mapped or ip.sixtofour
    if ip in NAT64:
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if inner is not None:
        return is_public(str(inner))
    return ip in GLOBAL_UNICAST and not any(ip in block for block in SPECIAL)
