import re
import socket
import subprocess
import sys

import pytest
from gradio import http_server

from cifar import LensError
from cifar.explore import store
from cifar.models.model_card import percent
from cifar.ui import about, report
from cifar.ui.app import launch, wanted_address
from cifar.ui.security.temporary_files import server_folder


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


def test_the_best_model_comes_first_under_its_accuracy():
    names = [name for _, name in store.choices()]
    assert names == ["resnet", "basenet"]
    ckpt = store.load("resnet")
    accuracy = ckpt.metrics["test"]["accuracy"]["value"]
    assert store.title(ckpt) == f"ResNet {accuracy:.1%}"


@pytest.mark.parametrize("name", ["resnet", "basenet"])
def test_the_report_shows_what_was_measured(name):
    text = report.report(name)
    assert percent(store.load(name).metrics["test"]["accuracy"]) in text
    assert "n = 10,000" in text


def test_the_card_is_shown_without_its_metadata():
    text = about.card("basenet").lstrip()
    assert text.startswith("# BaseNet") and not re.search(r"^license:", text, re.M)


# The environment


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("GRADIO_SERVER_PORT", port)
            for port in ("abc", "99999", "0", "-1", "80 80", "8e3", "\u0663", "7860.0", "9" * 500)
        ),
        *(
            ("GRADIO_SERVER_NAME", host)
            for host in ("192.0.2.1", "no such host", "[", "a" * 300, "\u2603", "http://localhost")
        ),
        *(("GRADIO_ROOT_PATH", path) for path in ("lens", "ftp://example.org", "../lens")),
    ],
)
def test_an_address_that_cannot_be_is_one_sentence(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(LensError, match=rf"^{name} is .*: set it to .*\.$"):
        wanted_address()


@pytest.mark.parametrize("host", ["", "127.0.0.1", "localhost", "0.0.0.0", "[::1]", "::1", "[::]"])
def test_an_address_of_this_computer_will_do(monkeypatch, host):
    monkeypatch.setenv("GRADIO_SERVER_NAME", host)
    monkeypatch.setattr(http_server, "LOCALHOST_NAME", http_server.LOCALHOST_NAME)
    for path in ("", "/lens", "https://example.org/lens"):
        monkeypatch.setenv("GRADIO_ROOT_PATH", path)
        assert wanted_address()["server_port"] is None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("GRADIO_SERVER_PORT", str(port))
    named = wanted_address()
    assert named["server_port"] == port
    assert named["server_name"] == ("[::1]" if host == "::1" else host or "127.0.0.1")


def test_a_name_that_means_an_ipv6_address_becomes_that_address(monkeypatch):
    look_up = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest, **more: look_up("::1", *rest, **more)
    )
    monkeypatch.setattr(http_server, "LOCALHOST_NAME", http_server.LOCALHOST_NAME)
    monkeypatch.setenv("GRADIO_SERVER_NAME", "localhost")
    assert wanted_address()["server_name"] == "[::1]"


def test_a_port_that_is_taken_is_one_sentence(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("GRADIO_SERVER_PORT", str(taken.getsockname()[1]))
        with pytest.raises(LensError, match=r"^Port \d+ of 127\.0\.0\.1 cannot be used \(Address"):
            wanted_address()


@pytest.mark.parametrize("place", ["missing", "file"])
def test_a_temporary_folder_that_cannot_be_is_one_sentence(monkeypatch, tmp_path, place):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / place))
    with pytest.raises(LensError, match=r"^GRADIO_TEMP_DIR is '.*: name a folder"):
        server_folder.__wrapped__()
