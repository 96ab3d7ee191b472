"""Reject requests that the app has no use for, that are too large, or that stall.

Gradio reads a request body whole before it looks at it, whatever its size, and serves routes that
this app has no use for, some of which fetch or write. A rejected request is answered with one plain
sentence.
"""

import asyncio
import logging
import re
import shutil
import time
import traceback
from urllib.parse import urlsplit

import gradio as gr
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cifar.data.pictures import MAX_BYTES
from cifar.ui.security.temporary_files import server_folder

LARGE = MAX_BYTES + 2**20  # bytes of a request with a file
SMALL = 2**20  # bytes of any other; the longest question of the page has 4 kB
FILES = 10  # files in one upload: each takes one of the process's few file handles
STALLED = 30  # seconds without any part of a body that is not complete
WHOLE = 600  # seconds for a whole body: 20 MB at 0.3 Mbit/s
SPARE = 2**28  # bytes that must be free on the disk for an upload
# Routes of Gradio that this app never uses: they fetch any address, write files, print their input,
# or belong to features that are off.
UNUSED = re.compile(
    r"/gradio_api/(proxy=|file[=/]\s*https?:|process_recording|(undo-)?vibe-|run-history|runs"
    r"|stream/|custom_component/|dev/|profiling/|deep_link)|/monitoring(/|$)",
    re.IGNORECASE,
)
UPLOAD = re.compile(r"/gradio_api/upload/?$")
TOOLS = re.compile(r"/gradio_api/mcp(/|$)")  # MCP clients send pictures as text
LOCAL = {"localhost", "127.0.0.1", "0.0.0.0", "::1"}

log = logging.getLogger(__name__)


class Rejected(Exception):
    """A request that is not answered: the HTTP status, and a sentence with the reason.

    hint: what the log says too, for the owner of the server.
    """

    def __init__(self, status: int, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.hint = status, sentence, hint


class RequestFilter:
    """ASGI middleware in front of the routes of a Gradio app. demo: the Blocks that it serves."""

    def __init__(self, app: ASGIApp, demo: gr.Blocks) -> None:
        self.app, self.demo = app, demo

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on to the app, or reject it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        response, body = Response(send), None
        asked = f"{scope['method']} {scope['path'][:200]!a}"
        try:
            headers = Headers(scope=scope)
            check_use(scope["path"])
            check_origin(headers, self.demo.root_path or "")
            body = response.body = Body(receive, headers, scope["path"], self.demo.mcp_server)
            await self.app(scope, body.receive, response.send)
            if body.rejected:  # Gradio took it for a broken body, and its answer was held back
                raise body.rejected
        except Rejected as rejected:
            log.warning("%s was refused: %s%s", asked, rejected, rejected.hint)
            await response.reject(scope, receive, rejected)
        except Exception as error:
            if body is not None and body.rejected:
                await response.reject(scope, receive, body.rejected)
            elif response.begun:
                raise
            elif body is None or not body.client_left:
                # Our own functions log their errors. This is a request that Gradio did not expect,
                # and one line says where it failed.
                place = traceback.extract_tb(error.__traceback__)[-1]
                log.warning(
                    "%s was not understood: %s at %s:%s",
                    asked,
                    type(error).__name__,
                    place.filename,
                    place.lineno,
                )
                sentence = "The server does not understand this request."
                await response.reject(scope, receive, Rejected(400, sentence))


class Response:
    """The response to a request whose body may be rejected while Gradio reads it.

    States: open -> begun, at the first message of Gradio; or open -> rejected, when the body is
    rejected: then Gradio's messages are dropped and `reject` sends the sentence. A response that
    has begun can no longer be rejected.
    """

    def __init__(self, send: Send) -> None:
        self._send, self.begun = send, False
        self.body: Body | None = None

    async def send(self, message: Message) -> None:
        """Send a message of Gradio, unless the body was rejected."""
        if not self.begun and self.body and self.body.rejected:
            return
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            # A browser must not take an uploaded text for a script or a page.
            headers["X-Content-Type-Options"] = "nosniff"
            if self.body and not self.body.complete:
                headers["Connection"] = "close"  # the rest of the body is not read
        await self._send(message)

    async def reject(self, scope: Scope, receive: Receive, rejected: Rejected) -> None:
        """Answer with the sentence, if nothing was sent yet."""
        if not self.begun:
            self.body = None
            response = PlainTextResponse(
                rejected.sentence, rejected.status, {"Connection": "close"}
            )
            await response(scope, receive, self.send)


class Body:
    """The body of a request as it arrives: its bytes and files are counted, its pauses limited.

    mcp: whether MCP clients are answered. Raises Rejected if its declared size is too large, or an
    upload finds the disk full; so does `receive` for everything that is found later.
    """

    def __init__(self, receive: Receive, headers: Headers, path: str, mcp: bool) -> None:
        self._receive = receive
        self.rejected: Rejected | None = None
        self.client_left = False
        self._size = self._files = 0
        self._deadline = time.monotonic() + WHOLE
        self._tail = b""
        upload = UPLOAD.search(path) is not None
        tools = mcp and TOOLS.search(path)
        self._limit = LARGE if upload else 2 * LARGE if tools else SMALL
        self._boundary = boundary(headers.get("content-type", "")) if upload else b""
        length = headers.get("content-length", "0")
        self.complete = length == "0" and "transfer-encoding" not in headers
        if length.isdecimal() and int(length[:20]) > self._limit:
            raise self._too_large()
        if upload and shutil.disk_usage(server_folder().uploads).free < SPARE:
            raise Rejected(507, "The server has no room for pictures just now: try again later.")

    async def receive(self) -> Message:
        """Return the next message of the body. Raises Rejected."""
        if self.rejected:
            raise self.rejected
        if self.complete:
            return await self._receive()  # waits until the client leaves
        try:
            seconds = min(STALLED, self._deadline - time.monotonic())
            message = await asyncio.wait_for(self._receive(), seconds)
            self._count(message)
        except TimeoutError:
            self.rejected = Rejected(408, "The rest of this request did not come: send it again.")
            raise self.rejected from None
        except Rejected as rejected:
            self.rejected = rejected
            raise
        return message

    def _count(self, message: Message) -> None:
        if message["type"] == "http.disconnect":
            self.client_left = self.complete = True
            return
        self.complete = not message.get("more_body", False)
        chunk = message.get("body", b"")
        self._size += len(chunk)
        if self._size > self._limit:
            raise self._too_large()
        if self._boundary:
            unseen = self._tail + chunk
            self._files += unseen.count(self._boundary)
            # A part of the next boundary may be at the end; a whole one would count twice.
            self._tail = unseen[-len(self._boundary) + 1 :]
            if self._files > FILES + 1:  # one more boundary ends the body
                raise Rejected(413, f"Send at most {FILES} files at a time.")

    def _too_large(self) -> Rejected:
        if self._limit == LARGE:
            size = f"{MAX_BYTES // 2**20} MB"
            return Rejected(413, f"The file is larger than {size}: send a smaller picture.")
        return Rejected(413, "This request is too large: the app never sends so much.")


def check_use(path: str) -> None:
    """Raise Rejected for a route of Gradio that this app does not use."""
    if UNUSED.search(path):
        raise Rejected(404, "This app does not have that.")


def check_origin(headers: Headers, root_path: str) -> None:
    """Raise Rejected if another site's page asks a server on the visitor's own computer.

    root_path: the path or the full address of the app behind a reverse proxy, or empty.

    Gradio answers such a page in a way that its browser hides from it, but still does what was
    asked. A reverse proxy may put a local name into Host: then the name that the visitor used is
    in X-Forwarded-Host or `root_path`, or Sec-Fetch-Site tells that the page is of the same origin.
    Pages cannot forge these headers: a browser writes the second itself, and asks before it sends
    the first; that question is rejected.
    """
    origin = headers.get("origin")
    if origin is None or _host(f"//{headers.get('host', '')}") not in LOCAL:
        return
    visited = headers.get("x-forwarded-host", "").partition(",")[0].strip()
    own_page = _host(origin) in {*LOCAL, _host(f"//{visited}"), _host(root_path)} - {None}
    if not own_page and headers.get("sec-fetch-site") != "same-origin":
        raise Rejected(
            403,
            "Only this app's own page may ask a server on this computer.",
            f" The page is of {origin[:200]!a}: if that is your reverse proxy, let it send "
            "X-Forwarded-Host.",
        )


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def boundary(content_type: str) -> bytes:
    """Return the bytes before every part of a multipart body; empty for any other."""
    found = re.search(r'boundary="?([^";]+)', content_type, re.IGNORECASE)
    return b"--" + found[1].encode("latin-1") if found else b""
