import re
import subprocess
import sys

import pytest

from cifar import LensError
from cifar.explore import store
from cifar.models.model_card import percent
from cifar.ui import about, report
from cifar.ui.app import launch


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


def test_mcp_clients_without_their_package_are_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(LensError, match="pip install"):
        launch(None, mcp=True)


def test_the_best_model_comes_first_under_its_size_and_accuracy():
    names = [name for _, name in store.choices()]
    assert names == ["resnet", "basenet"]
    ckpt = store.load("resnet")
    accuracy = ckpt.metrics["test"]["accuracy"]["value"]
    assert store.title(ckpt) == f"ResNet 5.3M · {accuracy:.1%}"


@pytest.mark.parametrize("name", ["resnet", "basenet"])
def test_the_report_shows_what_was_measured(name):
    text = report.numbers(name)
    assert percent(store.load(name).metrics["test"]["accuracy"]) in text
    assert "n = 10,000" in text


def test_the_card_is_shown_without_its_metadata():
    text = about.card("basenet").lstrip()
    assert text.startswith("# BaseNet") and not re.search(r"^license:", text, re.M)
