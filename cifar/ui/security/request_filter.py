"""What a request must be before Gradio sees it: of use to this app, small enough, and not stalled.

Gradio reads a body whole before it looks at it, whatever its size, and serves routes that this app
has no use for, some of which fetch or write. What is refused is told so in one plain sentence.
"""

import asyncio
import json
import logging
import re
import shutil
import traceback
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
from gradio_client.utils import is_file_obj_with_meta, is_http_url_like, traverse
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cifar import LensError
from cifar.data.pictures import MAX_BYTES
from cifar.ui.security.temporary_files import server_folder
from cifar.ui.validation import uploaded

LARGE = MAX_BYTES + 2**20  # bytes of a request that brings a file
SMALL = 2**20  # of any other; the longest question of the page has 4 kB
FILES = 10  # in one upload: each takes one of the process's few file handles
STALLED = 30  # seconds for which nothing may come of a body that is not whole
SPARE = 2**28  # bytes that the disk must have left for an upload
LONGEST_NAME = 100  # characters of what a browser calls its session
# Of Gradio's routes, those that this app never uses: they fetch any address, write files, print
# what they are given, or belong to features that are off.
UNUSED = re.compile(
    r"/gradio_api/(proxy=|file[=/]\s*https?:|process_recording|(undo-)?vibe-|run-history|runs"
    r"|stream/|custom_component/|dev/|profiling/|deep_link)|/monitoring(/|$)",
    re.IGNORECASE,
)
EVENT = re.compile(r"/gradio_api/(?:(?:run|api|call/v2|call)/([^/]+)|queue/join)/?$")
CALL = re.compile(EVENT.pattern + r"|/gradio_api/component_server/?$")
UPLOAD = re.compile(r"/gradio_api/upload/?$")
TOOLS = re.compile(r"/gradio_api/mcp(/|$)")  # whose clients send pictures as text
LOCAL = {"localhost", "127.0.0.1", "0.0.0.0", "::1"}

log = logging.getLogger(__name__)


class Refused(Exception):
    """A request that is not answered: the HTTP status, and a sentence that says why."""

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class Gate:
    """ASGI middleware in front of the routes of a Gradio app. demo: the Blocks that it serves."""

    def __init__(self, app: ASGIApp, demo: gr.Blocks):
        self.app, self.demo = app, demo

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = Answer(send)
        body = None
        try:
            headers = Headers(scope=scope)
            check_use(scope["path"])
            check_origin(headers)
            body = answer.to = Body(receive, headers, scope["path"], self.demo.mcp_server)
            if CALL.search(scope["path"]) and scope["method"] == "POST":
                await check_call(self.demo, scope["path"], body)
            await self.app(scope, body.receive, answer.send)
            if body.refused:  # Gradio took it for a broken body, and its answer was held back
                raise body.refused
        except Refused as refused:
            await answer.refuse(scope, receive, refused)
        except Exception as error:
            if body is not None and body.refused:
                await answer.refuse(scope, receive, body.refused)
            elif body is not None and body.gone:
                return  # there is nobody to be answered
            elif answer.begun:
                raise
            else:
                # What our own functions raise is logged where they are called: this is a request
                # that Gradio did not expect, and one line says where.
                place = traceback.extract_tb(error.__traceback__)[-1]
                log.warning(
                    "%s %a was not understood: %s at %s:%s",
                    scope["method"],
                    scope["path"][:200],
                    type(error).__name__,
                    place.filename,
                    place.lineno,
                )
                await answer.refuse(
                    scope, receive, Refused(400, "The server does not understand this request.")
                )


class Answer:
    """What is sent back. What Gradio says of a body that was broken off is held back."""

    def __init__(self, send: Send):
        self._send, self.begun = send, False
        self.to: Body | None = None

    async def send(self, message: Message) -> None:
        if not self.begun and self.to and self.to.refused:
            return
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            # A browser must not take a text that somebody sent for a script or a page.
            headers["X-Content-Type-Options"] = "nosniff"
            if self.to and not self.to.whole:
                headers["Connection"] = "close"  # the rest of it is not waited for
        await self._send(message)

    async def refuse(self, scope: Scope, receive: Receive, refused: Refused) -> None:
        if not self.begun:
            self.to = None
            response = PlainTextResponse(refused.sentence, refused.status, {"Connection": "close"})
            await response(scope, receive, self.send)


class Body:
    """The body of a request as it comes: counted, timed, and broken off where it is too much.

    mcp: whether MCP clients are answered.
    """

    def __init__(self, receive: Receive, headers: Headers, path: str, mcp: bool):
        self._receive = receive
        self._kept: list[Message] = []
        self.refused: Refused | None = None
        self.gone = False
        self._size = self._files = 0
        self._tail = b""
        upload = UPLOAD.search(path) is not None
        tools = mcp and TOOLS.search(path)
        self._limit = LARGE if upload else 2 * LARGE if tools else SMALL
        self._boundary = boundary(headers.get("content-type", "")) if upload else b""
        length = headers.get("content-length", "0")
        self.whole = length == "0" and "transfer-encoding" not in headers
        if length.isdecimal() and int(length[:20]) > self._limit:
            raise self._too_large()
        if upload and shutil.disk_usage(server_folder().uploads).free < SPARE:
            raise Refused(507, "The server has no room for pictures just now: try again later.")

    async def receive(self) -> Message:
        if self._kept:
            return self._kept.pop(0)
        if self.refused:
            raise self.refused
        if self.whole:
            return await self._receive()  # waits until the client goes
        try:
            message = await asyncio.wait_for(self._receive(), STALLED)
            self._count(message)
        except asyncio.TimeoutError:
            self.refused = Refused(408, "The rest of this request did not come: send it again.")
            raise self.refused from None
        except Refused as refused:
            self.refused = refused
            raise
        return message

    async def read(self) -> bytes:
        """The whole body; `receive` gives it once more."""
        messages, more = [], True
        while more:
            messages.append(await self.receive())
            more = messages[-1].get("more_body", False)
        self._kept = messages
        return b"".join(message.get("body", b"") for message in messages)

    def _count(self, message: Message) -> None:
        if message["type"] == "http.disconnect":
            self.gone = self.whole = True
            return
        self.whole = not message.get("more_body", False)
        chunk = message.get("body", b"")
        self._size += len(chunk)
        if self._size > self._limit:
            raise self._too_large()
        if self._boundary:
            seen = self._tail + chunk
            self._files += seen.count(self._boundary)
            # What may be the beginning of the next one; never a whole one, which would count twice.
            self._tail = seen[-len(self._boundary) + 1 :]
            if self._files > FILES + 1:  # one more ends the body
                raise Refused(413, f"Send at most {FILES} files at a time.")

    def _too_large(self) -> Refused:
        if self._limit == LARGE:
            size = f"{MAX_BYTES // 2**20} MB"
            return Refused(413, f"The file is larger than {size}: send a smaller picture.")
        return Refused(413, "This request is too large: the app never sends so much.")


def check_use(path: str) -> None:
    """Raises Refused for a route of Gradio's that this app does not use."""
    if UNUSED.search(path):
        raise Refused(404, "This app does not have that.")


def check_origin(headers: Headers) -> None:
    """Raises Refused where a page of somebody else's asks a server on the visitor's own computer.

    Gradio answers such a page, but in a way that its browser keeps from it; what it asked for is
    done all the same.
    """
    origin = headers.get("origin")
    if origin is None or _host(f"//{headers.get('host', '')}") not in LOCAL:
        return
    if _host(origin) not in LOCAL:
        raise Refused(403, "Only this app's own page may ask a server on this computer.")


def _host(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def boundary(content_type: str) -> bytes:
    """What stands before every part of a multipart body; empty where there are none."""
    found = re.search(r'boundary="?([^";]+)', content_type, re.IGNORECASE)
    return b"--" + found[1].encode("latin-1") if found else b""


async def check_call(demo: gr.Blocks, path: str, body: Body) -> None:
    """Raises Refused for a call that Gradio would fail at with a traceback in the log."""
    raw = await body.read()
    if body.gone:
        return
    try:
        call = json.loads(raw)
    except (ValueError, RecursionError):
        call = None
    if not isinstance(call, dict):
        raise Refused(400, "The question is not a JSON object.")
    session = call.get("session_hash")
    if session is not None and (not isinstance(session, str) or len(session) > LONGEST_NAME):
        raise Refused(400, "This session has no proper name: reload the page.")
    event = EVENT.search(path)
    if event is None:
        check_function(demo, call)
        return
    try:
        traverse(call, check_file, is_file_obj_with_meta)
    except RecursionError:
        raise Refused(400, "The question is nested too deep.") from None
    if "/call/v2/" not in path:
        check_inputs(demo, event[1], call)


def check_file(file: dict[str, Any]) -> dict[str, Any]:
    """Raises Refused for what claims to be an upload and is none; returns it as it came."""
    path = file["path"]
    if not is_http_url_like(path):
        try:
            uploaded(path)
        except LensError as error:
            raise Refused(400, str(error)) from None
    return file


def check_function(demo: gr.Blocks, call: dict[str, Any]) -> None:
    """Raises Refused unless a component has the function that is called."""
    number, name = call.get("component_id"), call.get("fn_name")
    block = demo.blocks.get(number) if type(number) is int else None
    if name not in [function.__name__ for function in getattr(block, "server_fns", [])]:
        raise Refused(404, "There is no such function: reload the page.")


def check_inputs(demo: gr.Blocks, name: str | None, call: dict[str, Any]) -> None:
    """Raises Refused unless an event is known and gets as much as it takes.

    name: of the route, which decides only where the call gives no number.
    """
    number, data = call.get("fn_index"), call.get("data")
    if number is None:
        found = next((fn for fn in demo.fns.values() if name and fn.api_name == name), None)
    else:
        found = demo.fns.get(number) if type(number) is int else None
    if found is None:
        raise Refused(404, "There is no such call.")
    if not isinstance(data, list) or len(data) != len(found.inputs):
        raise Refused(400, f"This call takes {len(found.inputs)} values in `data`.")
    for block, value in zip(found.inputs, data, strict=True):
        if isinstance(block, gr.Radio) and value not in [None, *(v for _, v in block.choices)]:
            raise Refused(400, "There is no such model: reload the page.")
