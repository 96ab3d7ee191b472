"""Reverse proxies in front of a server, as Apache, nginx and Codespaces are."""

import asyncio
import re
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

# A name that is not this computer's own: tests let Chromium look it up as 127.0.0.1.
HOST = "lens.example"


@dataclass
class Proxy:
    """prefix: the path of the app on the site, which is removed. rewrites_host: whether the server
    is told its own name, as by Apache and nginx unless they are told otherwise. forwards: whether
    it is told the visitor's in X-Forwarded-Host and -Proto. tls: an SSLContext for https."""

    app: str
    prefix: str = ""
    rewrites_host: bool = True
    forwards: bool = True
    tls: ssl.SSLContext | None = None
    host: str = HOST
    strays: list[str] = field(default_factory=list)  # paths beside the prefix that were asked for
    port: int = 0
    tasks: set[asyncio.Task] = field(default_factory=set)  # the event loop forgets its own

    @property
    def scheme(self):
        return "https" if self.tls else "http"

    @property
    def url(self):
        return f"{self.scheme}://{self.host}:{self.port}{self.prefix}/"

    def _forwarded(self, head):
        """The head of a request as it goes on to the server, or None, and the path asked for."""
        line, *lines = head.decode("latin-1").rstrip().split("\r\n")
        method, path, version = line.split(" ")
        if not path.startswith(f"{self.prefix}/"):
            return None, path
        (visited,) = (one[6:] for one in lines if one.lower().startswith("host: "))
        lines = [one for one in lines if not re.match("connection:", one, re.IGNORECASE)]
        if self.rewrites_host:
            own = f"Host: {urlsplit(self.app).netloc}"
            lines = [own if one.lower().startswith("host: ") else one for one in lines]
        if self.forwards:
            lines += [f"X-Forwarded-Host: {visited}", f"X-Forwarded-Proto: {self.scheme}"]
        first = f"{method} {path.removeprefix(self.prefix)} {version}"
        return "\r\n".join([first, *lines, "Connection: close", "", ""]).encode("latin-1"), path

    async def serve(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        try:
            await self._answer(reader, writer)
        finally:
            writer.close()

    async def _answer(self, reader, writer):
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            forwarded, path = self._forwarded(await reader.readuntil(b"\r\n\r\n"))
            if path == "/favicon.ico":  # which browsers ask of every site
                writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            elif forwarded is None:
                self.strays.append(path)
                writer.write(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n")
            else:
                address = urlsplit(self.app)
                answers, asks = await asyncio.open_connection(address.hostname, address.port)
                asks.write(forwarded)
                asking = asyncio.create_task(_copy(reader, asks))
                try:
                    await _copy(answers, writer)
                finally:
                    asking.cancel()
                    asks.close()


async def _copy(reader, writer):
    with suppress(ConnectionError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()


@contextmanager
def proxy(app, **options):
    """A running Proxy before the server at an address."""
    found, ready, ends = Proxy(app, **options), threading.Event(), []

    async def run():
        server = await asyncio.start_server(found.serve, "127.0.0.1", 0, ssl=found.tls)
        found.port = server.sockets[0].getsockname()[1]
        end, loop = asyncio.Event(), asyncio.get_running_loop()
        ends.append(lambda: loop.call_soon_threadsafe(end.set))
        ready.set()
        await end.wait()
        server.close()
        for task in found.tasks:  # answers that a visitor did not wait for
            task.cancel()
        await asyncio.gather(*found.tasks, return_exceptions=True)

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    ready.wait(30)
    try:
        yield found
    finally:
        ends[0]()
        thread.join(30)
