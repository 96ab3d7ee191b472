"""The app in places where something is missing, taken or forbidden: real processes, real ports."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np
import pytest
from PIL import Image

from cifar import library
from cifar.checkpoint import ROOT as CHECKPOINTS
from cifar.classifier import classify
from cifar.images import network_view, open_image
from cifar.screenshot import APP

pytestmark = pytest.mark.slow

PATIENCE = 180  # seconds
NOWHERE = "/dev/null/home"  # where not even root can make a folder


class Started(NamedTuple):
    url: str
    port: int
    folder: Path
    log: Path  # all that it printed


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(folder, **env):
    """`python app.py` in a folder, for one that does not start."""
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=folder,
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def copy(folder, *checkpoints):
    """The project in a folder, with these checkpoints alone."""
    shutil.copy(APP, folder)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(APP.parent / "cifar", folder / "cifar", ignore=ignored)
    (folder / "checkpoints").mkdir()
    for name in checkpoints:
        (folder / "checkpoints" / name).symlink_to(CHECKPOINTS / name)
    return folder


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """An app with one checkpoint, no network, and neither a home nor a cache to write to."""
    project = copy(tmp_path_factory.mktemp("project"), "basenet")
    port, log = free_port(), tmp_path_factory.mktemp("log") / "log"
    env = {
        "GRADIO_SERVER_PORT": str(port),
        "HF_ENDPOINT": "http://127.0.0.1:1",
        "HF_HUB_OFFLINE": "0",
        **dict.fromkeys(("HOME", "XDG_CACHE_HOME", "HF_HOME", "CIFAR_EXTRAS_DIR"), NOWHERE),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=project,
            env=os.environ | env,
            stdout=output,
            stderr=output,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                httpx.get(url, timeout=5)
                break
            except httpx.TransportError:
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
        yield Started(url, port, project, log)
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(60)


def test_without_any_checkpoint_one_sentence_says_so(tmp_path):
    project = copy(tmp_path)
    done = run(project)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"app.py: There is no checkpoint in {project / 'checkpoints'}: put one there (python -m "
        "cifar train).\n"
    )


def test_one_checkpoint_is_shown_and_the_other_is_missed_on_stderr(started):
    parts = httpx.get(f"{started.url}/config").json()["components"]
    (radio,) = [part["props"] for part in parts if part["props"].get("elem_id") == "model"]
    assert [name for _, name in radio["choices"]] == ["basenet"]
    line = (
        f"app.py: There is no checkpoint resnet in {started.folder / 'checkpoints'}: the page has "
        "basenet alone."
    )
    assert started.log.read_text().splitlines().count(line) == 1


def test_without_home_cache_and_network_it_answers(started, tmp_path):
    path = tmp_path / "noise.png"
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    with httpx.Client(base_url=f"{started.url}/gradio_api", timeout=PATIENCE) as client:
        files = {"files": (path.name, path.read_bytes())}
        (sent,) = client.post("/upload", files=files).raise_for_status().json()
        asked = client.post("/call/v2/classify", json={"image": {"path": sent}})
        event = asked.raise_for_status().json()["event_id"]
        told = client.get(f"/call/classify/{event}").raise_for_status().text
    said = classify(library.load("basenet"), network_view(open_image(path)))
    (found,) = json.loads(told.strip().split("\n")[-1].removeprefix("data: "))
    assert found["model"] == "basenet"
    assert found["confidence"] == pytest.approx(said.confidence, abs=1e-5)
    assert "Traceback" not in started.log.read_text()


def test_a_port_that_is_named_and_taken_is_not_replaced(started):
    done = run(APP.parent, GRADIO_SERVER_PORT=str(started.port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"app.py: Port {started.port} of 127.0.0.1 cannot be had (Address already in use): stop "
        "what uses it, or name another in GRADIO_SERVER_PORT; without that, the first free one "
        "from 7860 on is taken.\n"
    )
