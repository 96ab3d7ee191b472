"""Pictures from the internet, by their address.

A download looks up a host's name once, rejects addresses outside the public internet (loopback,
private, link-local, shared, reserved, multicast), connects to the address that it checked, repeats
this for each redirect, and stops at the size limit of pictures. (Gradio's own download has no size
limit, treats carriers' shared addresses as public, and asks Google for names that it cannot use.)
"""

import asyncio
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx

from cifar import LensError
from cifar.data.pictures import MAX_BYTES

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


def is_address(text: str) -> bool:
    """Return whether a text is an http or https address."""
    return text.lower().startswith(("http://", "https://"))


def fetch(address: str, path: Path) -> None:
    """Download a picture to a file. Raises LensError if that fails, or takes over SECONDS."""
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
