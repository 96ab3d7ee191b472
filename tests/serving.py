"""One running app.py for all tests that ask a server: without a network, caches or a dataset."""

import json
import select
import socket
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from cifar.report.screenshot import APP, serving

# Runs app.py as itself, but notes its process, its log and every host that it looks for, and
# refuses all but this computer. While the file `hold` is there, checks of a map and drawn overlays
# wait, each after a line in `entered`.
SCRIPT = """
import os, pathlib, runpy, sys, time
here = pathlib.Path(__file__).parent
os.environ.update({environment})
(here / "pid").write_text(str(os.getpid()))
log = os.open(here / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.dup2(log, 1), os.dup2(log, 2)
connections = open(here / "connections", "a", buffering=1)
entered = open(here / "entered", "a", buffering=1)

def refuse(event, args):
    if event not in ("socket.connect", "socket.getaddrinfo"):
        return
    host = args[1][0] if event == "socket.connect" else args[0]
    host = host.decode() if isinstance(host, bytes) else host
    print(host, file=connections)
    if host not in ("127.0.0.1", "localhost", None):
        raise ConnectionRefusedError(f"nothing may be asked, and so not {{host}}")

def held(function, place):
    def call(*given, **options):
        print(int(given[place].sum()), file=entered)
        while (here / "hold").exists():
            time.sleep(0.02)
        return function(*given, **options)
    return call

sys.addaudithook(refuse)
sys.path.insert(0, {root!r})
from cifar.ui import evidence
from cifar.ui.api import pictures
from cifar.ui.security import request_filter, temporary_files
request_filter.STALLED, temporary_files.EVERY = 3600, 1
evidence.faithfulness = held(evidence.faithfulness, 1)
pictures.overlay = held(pictures.overlay, 0)
sys.argv = [{app!r}, "--mcp"]
runpy.run_path({app!r}, run_name="__main__")
"""
# Photographs that come with the gradio package.
PHOTOS = Path(str(files("gradio") / "media_assets" / "images"))


def photo(name):
    """The path of a photograph: bus.png, cheetah.jpg, lion.jpg or tower.jpg."""
    return PHOTOS / name


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
    def hosts(self):
        """Every other host that it looked for or tried to connect to."""
        return set(self.connections) - {"127.0.0.1", "localhost", "None"}

    @property
    def home(self):
        (found,) = (self.folder / "made").glob("cifar-lens-server-*")
        return found

    @property
    def pid(self):
        return int((self.folder / "pid").read_text())

    @contextmanager
    def holding(self):
        """Let checks of maps and overlays wait; yields a function that lists which came so far."""
        hold, before = self.folder / "hold", len(self.entered)
        hold.touch()
        try:
            yield lambda: self.entered[before:]
        finally:
            hold.unlink(missing_ok=True)

    @property
    def entered(self):
        """The sums of the pixels of the images whose maps were checked or drawn."""
        return [int(line) for line in (self.folder / "entered").read_text().split()]

    def config(self):
        return self.http.get(f"{self.url}/config").raise_for_status().json()

    def component(self, elem_id):
        """The number of a component."""
        return next(
            one["id"] for one in self.config()["components"]
            if one["props"].get("elem_id") == elem_id
        )  # fmt: skip

    def raw(self, sent, patience=20):
        """Send bytes as they are, which no library tidies up, and return the answer."""
        with socket.create_connection(self.address, timeout=patience) as connection:
            connection.sendall(sent)
            return rest(connection)

    def get(self, target, *headers):
        """Ask for a path as it is, and return the answer."""
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

    def ask_and_leave(self, elem_id, name, question):
        """Ask a component's function, and close the connection before it answers."""
        body = {"data": question, "component_id": self.component(elem_id), "fn_name": name}
        content = json.dumps(body | {"session_hash": "gone"}).encode()
        lines = ["POST /gradio_api/component_server HTTP/1.1", "Host: 127.0.0.1"]
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}", "", ""]
        with socket.create_connection(self.address, timeout=20) as connection:
            connection.sendall("\r\n".join(lines).encode() + content)

    def upload(self, name="a.png", content=b"content"):
        """Upload a file, and return its path on the server."""
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
def start(folder, app=APP):
    """A Server whose script, log and files are in a folder, and whose caches are empty.

    app: an app.py, whose own folder it imports from.
    """
    (folder / "made").mkdir()
    script = folder / "serve.py"
    empty = ("HOME", "HF_HOME", "XDG_CACHE_HOME", "CIFAR_CACHE_DIR")
    environment = {name: str(folder / name.lower()) for name in empty} | {
        "GRADIO_TEMP_DIR": str(folder / "made"),
        "http_proxy": "http://127.0.0.1:9",  # where nobody answers
        "https_proxy": "http://127.0.0.1:9",
        "no_proxy": "127.0.0.1,localhost",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    script.write_text(SCRIPT.format(root=str(app.parent), app=str(app), environment=environment))
    with serving(script) as url, httpx.Client(timeout=120) as http:
        yield Server(url, folder, http)


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


def wait_for(condition, seconds=60):
    """Wait until a condition holds; a test that waits in vain fails."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.02)
