import re
import subprocess
import sys

import pytest

from cifar import data, library
from cifar.card import percent
from cifar.screenshot import APP
from cifar.ui import about, report

ROOT = APP.parent


def test_importing_the_app_opens_no_connection_and_starts_no_thread():
    code = (
        "import socket, threading\n"
        "opened, real = [], socket.socket.connect\n"
        "def connect(self, address):\n"
        "    opened.append(address)\n"
        "    return real(self, address)\n"
        "socket.socket.connect = connect\n"
        "before = threading.active_count()\n"
        "import app\n"
        "assert opened == [], opened\n"
        "assert threading.active_count() == before, threading.enumerate()\n"
        "assert app.demo.title == 'CIFAR Lens'\n"
        # Every other event belongs to the page, and does not wait behind calls of programs.
        "calls = ['classify', 'explain', 'list_mistakes', 'get_mistake', 'compare']\n"
        "public = [fn for fn in app.demo.fns.values() if fn.api_visibility != 'private']\n"
        "assert [fn.api_name for fn in public] == calls, public\n"
        "queued = [fn.name for fn in app.demo.fns.values() if fn.fn and fn.queue]\n"
        "assert queued == [], queued\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout


def test_mcp_clients_without_their_package_are_one_sentence():
    code = (
        "import runpy, sys\n"
        "sys.modules['mcp'] = None\n"
        "sys.argv = ['app.py', '--mcp']\n"
        "runpy.run_path('app.py', run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    sentence = 'app.py: MCP clients need one more package: pip install "gradio[mcp]".\n'
    assert (done.returncode, done.stderr) == (1, sentence)


def test_app_py_says_what_it_takes():
    command = [sys.executable, "app.py", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--mcp" in done.stdout and "GRADIO_SERVER_PORT" in done.stdout


def test_the_best_model_comes_first():
    names = [name for _, name in library.choices()]
    assert names == ["resnet", "basenet"]


def test_a_title_says_size_and_accuracy():
    ckpt = library.load("resnet")
    accuracy = ckpt.metrics["test"]["accuracy"]["value"]
    assert library.title(ckpt) == f"ResNet 5.3M · {accuracy:.1%}"


@pytest.mark.parametrize("name", ["resnet", "basenet"])
def test_the_report_shows_what_was_measured(name):
    text = report.numbers(name)
    assert percent(library.load(name).metrics["test"]["accuracy"]) in text
    assert "official: true" in text and "n = 10,000" in text


def test_every_figure_of_the_report_exists():
    for name in ("resnet", "basenet"):
        for kind in ("confusion_matrix", "reliability", "misclassified"):
            assert report.figure(name, kind), f"{name} has no {kind}: python -m cifar figures"


def test_the_card_is_shown_without_its_metadata():
    text = about.card("basenet").lstrip()
    assert text.startswith("# BaseNet") and not re.search(r"^license:", text, re.M)


def test_a_fetch_that_fails_says_what_to_do(monkeypatch):
    def fail(split):
        raise data.DataError("connect to the internet")

    monkeypatch.setattr(data, "load", fail)
    images = library.Background(library._test_images, "being fetched", "failed")
    images.start()
    assert not images.wait(5) and images.get() is None
    assert images.status == "connect to the internet"


def test_a_fetch_that_failed_is_tried_again(monkeypatch):
    images = library.Background(library._test_images, "being fetched", "failed")
    with monkeypatch.context() as patch:
        patch.setattr(data, "load", lambda split: (_ for _ in ()).throw(data.DataError("no")))
        images.start()
        assert not images.wait(5)
    images.start()
    assert images.wait(30) and images.status == ""
