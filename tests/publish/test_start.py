"""A Space, deployed and downloaded again, starts from its files alone and answers.

The Hub is the one of tests/hub, the environment a new one with what requirements.txt names, made
once for all of this file: that takes minutes and PyPI.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from gradio_client import Client, handle_file
from huggingface_hub import constants
from PIL import Image

from cifar import library
from cifar.annotations import extras_dir
from cifar.bench.start import EMPTY
from cifar.classifier import classify
from cifar.explain import faithfulness, heat_maps
from cifar.images import network_view, open_image
from cifar.page import pixels_of
from cifar.publish.needed import ROOT
from cifar.publish.space import ZEROGPU, build
from tests.hub.server import WRITE, serving

pytestmark = pytest.mark.slow

PATIENCE = 600  # seconds, on a machine that does other work too
FIRST_PAGE = 1.5  # times what an empty page takes, of the processor's time
DOWNLOAD = """
import sys
from huggingface_hub import snapshot_download
snapshot_download("me/lens", repo_type="space", local_dir=sys.argv[1])
"""


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".cache" not in path.parts
    }


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """What arrived on the Hub, and the folder into which it was downloaded from there."""
    root = tmp_path_factory.mktemp("published")
    with serving() as hub:
        env = os.environ | {
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(root / "hf"),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_TOKEN": WRITE,
        }
        for command in (["-m", "cifar", "deploy", "me/lens"], ["-c", DOWNLOAD, root / "space"]):
            subprocess.run([sys.executable, *command], cwd=ROOT, env=env, check=True)
        return hub.space("me/lens").files, root / "space"


@pytest.fixture(scope="module")
def folder(published):
    return published[1]


@pytest.fixture(scope="module")
def python(folder, tmp_path_factory):
    """The interpreter of a new environment with the Space's requirements; gone at the end."""
    root = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", root / "venv"], check=True)
    found = root / "venv" / "bin" / "python"
    install = [found, "-m", "pip", "install", "-q", "-r", folder / "requirements.txt"]
    subprocess.run(install, check=True)
    yield found
    shutil.rmtree(root)  # some five gigabytes


class Started(NamedTuple):
    """An app that gave its first page, after so many seconds of the processor's time."""

    url: str
    seconds: float

    def get(self, path):
        with urllib.request.urlopen(f"{self.url}/{path}", timeout=PATIENCE) as answer:
            return answer.read()

    @property
    def explorer(self):
        """The component with the explorer, as the page is told of it."""
        parts = json.loads(self.get("config"))["components"]
        return next(part for part in parts if part["props"].get("elem_id") == "explorer")

    def ask(self, function, question, **headers):
        """The answer of one of the server functions of the page."""
        body = {
            "data": question,
            "component_id": self.explorer["id"],
            "fn_name": function,
            "session_hash": "visitor",
        }
        request = urllib.request.Request(
            f"{self.url}/gradio_api/component_server/",
            data=json.dumps(body).encode(),
            headers={"content-type": "application/json"} | headers,
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def classify(self, path):
        return Client(self.url, verbose=False).predict(handle_file(path), api_name="/classify")

    def status_of_images(self):
        """What the page is told of the test images once that is settled."""
        for _ in range(4 * PATIENCE):
            answer = self.ask("images_ready", {})
            if answer["ready"] or "being fetched" not in answer["message"]:
                return answer
            time.sleep(0.25)
        return answer


@contextmanager
def starting(python, folder, home, **env):
    """Run the app of a folder as a Space does, in an environment without anything else."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    usual = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GRADIO_SERVER_PORT": str(port),
        "HF_HUB_OFFLINE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    log, url = home / "log", f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [python, "app.py"], cwd=folder, env=usual | env, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
        yield Started(url, processor_seconds(process.pid))
        assert process.poll() is None
        assert "Traceback" not in log.read_text()
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def processor_seconds(pid):
    """Of a process and its threads. What else the machine does must not decide a test."""
    with open(f"/proc/{pid}/stat") as stream:
        fields = stream.read().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    x, y = np.meshgrid(np.arange(64), np.arange(48))
    Image.fromarray(np.stack([4 * x, 5 * y, x + y], axis=-1).astype(np.uint8)).save(path)
    return path


def expect(answer, photo):
    """Whether an answer is the one that the best network gives here."""
    wanted = classify(library.load("resnet"), network_view(open_image(photo)))
    assert answer["model"] == "resnet"
    assert [one["class"] for one in answer["probabilities"]] == [name for name, _ in wanted.top(3)]
    for one, (_, probability) in zip(answer["probabilities"], wanted.top(3), strict=True):
        assert one["probability"] == pytest.approx(probability, abs=1e-4)


def test_what_is_downloaded_is_what_was_deployed(published, tmp_path):
    files, folder = published
    found = content(folder)
    assert found.pop(".gitattributes") and found == files
    command = [sys.executable, "-m", "cifar", "deploy", "me/lens", "--dry-run", "--out"]
    subprocess.run([*command, tmp_path / "dry"], cwd=ROOT, check=True)
    dry = content(tmp_path / "dry")
    # Its address is that of the real Hub.
    assert dry.pop("README.md") != found.pop("README.md") and dry == found


def test_it_starts_and_answers_from_its_files_alone(
    python, folder, photo, test_split, annotations, tmp_path
):
    before = content(folder)
    env = {"HF_HOME": constants.HF_HOME, "CIFAR_EXTRAS_DIR": str(extras_dir())}
    with starting(python, folder, tmp_path, **env) as app:
        expect(app.classify(photo), photo)
        assert app.status_of_images() == {"ready": True, "message": ""}
        sheet = app.ask("asset", {"kind": "sheet", "name": 0})["file"]
        files = app.explorer["props"]["props"]["page"]["files"]
        assert app.get(files + sheet).startswith(b"\x89PNG")
    assert content(folder) == before


def test_it_answers_where_nothing_can_be_fetched(python, folder, photo, tmp_path):
    env = {"HF_HOME": str(tmp_path / "hf"), "CIFAR_EXTRAS_DIR": str(tmp_path / "extras")}
    script = tmp_path / "empty" / "app.py"
    script.parent.mkdir()
    script.write_text(EMPTY)
    with starting(python, script.parent, tmp_path, **env) as empty:
        pass
    with starting(python, folder, tmp_path, **env) as app:
        # With no images to decode at the same time.
        assert app.seconds < FIRST_PAGE * empty.seconds
        expect(app.classify(photo), photo)
        answer = app.status_of_images()
        assert not answer["ready"] and "HF_HUB_OFFLINE" in answer["message"]
        assert app.ask("asset", {"kind": "sheet", "name": 0}) == {"error": answer["message"]}
        assert "file" in app.ask("asset", {"kind": "pack", "name": "resnet"})


@pytest.fixture(scope="module")
def spaces(tmp_path_factory):
    """A folder with the `spaces` package, which nothing but ZeroGPU needs."""
    folder = tmp_path_factory.mktemp("spaces")
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder]
    subprocess.run([*install, "spaces>=0.51,<1"], check=True)
    return folder


@pytest.fixture
def devices():
    """What ZeroGPU's own service was asked, and its address; it says that no time is left."""
    asked = []

    class Service(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(urlsplit(self.path))
            busy = asked[-1].path == "/schedule"
            body = json.dumps({"left": 3, "wait": "PT600S"} if busy else {}).encode()
            self.send_response(429 if busy else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield asked, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def on_zerogpu(address, spaces, home):
    return {
        "SPACES_ZERO_GPU": "true",
        "SPACES_ZERO_DEVICE_API_URL": address,
        "ZEROGPU_OFFLOAD_DIR": str(home / "tensors"),
        "PYTHONPATH": str(spaces),
    }


def test_on_zerogpu_it_asks_for_a_gpu_and_does_without(python, spaces, devices, photo, tmp_path):
    """With ZeroGPU's own client; the GPU, which is not here, and its service are not real."""
    asked, address = devices
    folder, home = tmp_path / "space", tmp_path / "home"
    for path in (folder, home):
        path.mkdir()
    build(folder, "me/lens", ZEROGPU)
    env = {"HF_HOME": str(home / "hf")} | on_zerogpu(address, spaces, home)
    with starting(python, folder, home, **env) as app:
        assert [one.path for one in asked] == ["/startup-report"]
        expect(app.classify(photo), photo)
        assert len(asked) == 1
        view = network_view(open_image(photo))
        question = {"model": "basenet", "image": {"pixels": pixels_of(view)}, "target": 3}
        found = app.ask("trust", question, **{"x-ip-token": "a.eyJ1c2VyIjoiIn0.c"})
    (request,) = asked[1:]
    assert request.path == "/schedule"
    query = parse_qs(request.query)
    assert query["durationSeconds"] == ["15"] and query["token"] == ["a.eyJ1c2VyIjoiIn0.c"]
    assert "Computed without a GPU: 'You have exceeded" in (home / "log").read_text()
    ckpt = library.load("basenet")
    wanted = faithfulness(ckpt, view, heat_maps(ckpt, view, [3])[0])
    assert found["sentence"] == wanted.sentence
    assert found["deletion"] == pytest.approx(wanted.deletion.tolist(), abs=1e-4)


EMULATED = """
import json
import numpy as np
import spaces  # which from here on plays CUDA, and minds on which device each tensor is
from cifar import library
from cifar.explain import METHODS, faithfulness, heat_maps
from cifar.ui import evidence, gpu

image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
pair = gpu.ON_GPU["basenet"], library.load("basenet")
assert [next(ckpt.model.parameters()).device.type for ckpt in pair] == ["cuda", "cpu"]
heat = heat_maps(pair[1], image, [3])[0]
work = {method: lambda ckpt, method=method: heat_maps(ckpt, image, [3, 5], method)[0].values
        for method, found in METHODS.items() if found.slow}
work["trust"] = lambda ckpt: faithfulness(ckpt, image, heat).deletion
work["probes"] = lambda ckpt: evidence._probed(ckpt, image)["probes"][0]["probabilities"]
print(json.dumps({name: float(np.abs(np.subtract(*map(find, pair))).max())
                  for name, find in work.items()}))
"""


def test_what_goes_to_a_gpu_keeps_to_its_device(spaces, tmp_path):
    env = on_zerogpu("http://127.0.0.1:1", f"{spaces}{os.pathsep}{ROOT}", tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", EMULATED], env=os.environ | env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.keys() == {"ablationcam", "scorecam", "occlusion", "trust", "probes"}
    assert max(found.values()) < 1e-4
