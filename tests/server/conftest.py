"""One app.py on loopback for all tests of this folder, with its log and whom it connects to."""

import json
import os
import re
import secrets
import select
import socket
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from cifar.checkpoint import ROOT as CHECKPOINTS
from cifar.screenshot import APP, serving

# Runs app.py as itself, but notes its process, its log and every address that it looks for.
SCRIPT = """
import os, pathlib, runpy, sys
here = pathlib.Path(__file__).parent
(here / "pid").write_text(str(os.getpid()))
log = os.open(here / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.dup2(log, 1), os.dup2(log, 2)
connections = open(here / "connections", "a", buffering=1)

def note(event, args):
    if event == "socket.connect":
        print(args[1], file=connections)
    elif event == "socket.getaddrinfo":
        print(args[:2], file=connections)

sys.addaudithook(note)
sys.path.insert(0, {root!r})
sys.argv = [{app!r}]
{before}
runpy.run_path({app!r}, run_name="__main__")
"""


@dataclass
class Server:
    url: str
    folder: Path  # of its script, log, connections and pid; what it makes is in `made`
    http: httpx.Client  # one for all requests: each reads certificates when it is made

    @property
    def address(self):
        parts = urlsplit(self.url)
        return parts.hostname, parts.port

    @property
    def log(self):
        return (self.folder / "log").read_text()

    @property
    def connections(self):
        return (self.folder / "connections").read_text().splitlines()

    @property
    def home(self):
        (found,) = (self.folder / "made").glob("cifar-lens-server-*")
        return found

    @property
    def pid(self):
        return int((self.folder / "pid").read_text())

    @property
    def memory(self):
        """Bytes that the process holds."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return 1024 * int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def config(self):
        return self.http.get(f"{self.url}/config").raise_for_status().json()

    def component(self, elem_id):
        """The number of a component."""
        return next(
            one["id"] for one in self.config()["components"]
            if one["props"].get("elem_id") == elem_id
        )  # fmt: skip

    def raw(self, sent, patience=20):
        """What comes back for bytes as they are; no library tidies them up."""
        with socket.create_connection(self.address, timeout=patience) as connection:
            connection.sendall(sent)
            return rest(connection)

    def get(self, target, *headers):
        """What comes back for a path as it is."""
        target = target if isinstance(target, bytes) else target.encode()
        head = [b"GET " + target + b" HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close"]
        return self.raw(b"\r\n".join([*head, *headers, b"", b""]))

    def flood(self, head, chunk, most=64 * 2**20):
        """Sends chunks without end until there is an answer: (bytes sent, the answer)."""
        sent = 0
        with socket.create_connection(self.address, timeout=20) as connection:
            connection.sendall(head)
            with suppress(ConnectionError):
                while sent < most and not select.select([connection], [], [], 0)[0]:
                    connection.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                    sent += len(chunk)
            with suppress(ConnectionError):
                return sent, connection.recv(65536)
            return sent, b""

    def upload(self, name="a.png", content=b"content"):
        """Where the server put a file."""
        answer = self.http.post(f"{self.url}/gradio_api/upload", files={"files": (name, content)})
        return answer.raise_for_status().json()[0]


def rest(connection):
    found = b""
    with suppress(ConnectionError):
        while part := connection.recv(65536):
            found += part
    return found


def status_of(answer):
    return int(answer.split(b" ", 2)[1])


def body_of(answer):
    return answer.partition(b"\r\n\r\n")[2]


@contextmanager
def _start(folder, before=""):
    (folder / "made").mkdir()
    script = folder / "serve.py"
    script.write_text(SCRIPT.format(root=str(APP.parent), app=str(APP), before=before))
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:  # for the server, not for this process
            patch.setenv("GRADIO_TEMP_DIR", str(folder / "made"))
            url = stack.enter_context(serving(script))
        yield Server(url, folder, stack.enter_context(httpx.Client(timeout=120)))


@pytest.fixture(scope="session")
def start_server():
    """A context manager: a server whose script is in a folder, after some lines of Python."""
    return _start


@pytest.fixture(scope="package")
def secret():
    """Bytes that lie in files where no visitor may look, and the paths of those files."""
    content = f"secret {secrets.token_hex(16)}".encode()
    places = [APP.parent, Path.home(), CHECKPOINTS.parent, Path("/tmp")]
    name = f".hostile-{secrets.token_hex(4)}.txt"
    with ExitStack() as stack:
        paths = {place / name for place in places if os.access(place, os.W_OK)}
        for path in paths:
            path.write_bytes(content)
            stack.callback(path.unlink)
        yield content, sorted(paths)


@pytest.fixture(scope="package")
def server(test_split, annotations, tmp_path_factory):  # whose caches the app then finds
    with _start(tmp_path_factory.mktemp("server")) as found:
        deadline = time.monotonic() + 60
        ask = asking(found, found.http, "classify")
        while not ask("images_ready", {})["ready"]:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield found


@pytest.fixture
def quiet(server):
    """Whatever the test does, nothing of the server's code shows in its log."""
    before = len(server.log)
    yield
    assert "Traceback" not in server.log[before:]


@pytest.fixture(scope="package")
def client(server):
    return server.http


def asking(server, client, elem_id):
    """A function that asks a component's functions as the page does: the answer, or its text where
    it is not JSON."""
    number = server.component(elem_id)

    def ask(name, question, **body):
        body = {
            "data": question, "component_id": number, "fn_name": name, "session_hash": "test"
        } | body  # fmt: skip
        answer = client.post(
            f"{server.url}/gradio_api/component_server",
            content=json.dumps(body),
            headers={"Content-Type": "application/json"},
        )
        with suppress(ValueError):
            return answer.json()
        return answer.text

    return ask


@pytest.fixture(scope="package")
def ask(server, client):
    return asking(server, client, "classify")


@pytest.fixture(scope="package")
def explore(server, client):
    return asking(server, client, "explorer")
