"""When what visitors sent goes, whatever becomes of the server that got it."""

import os
import signal
import socket
import time

import pytest

from cifar.ui import folder, served
from tests.server.conftest import asking
from tests.server.test_attacks import head

SHORT = """
from cifar.ui import served
served.KEEP, served.EVERY = 2, 1
"""


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Empty folders in the place of those of this process."""
    home = tmp_path / f"{folder.PREFIX}own"
    monkeypatch.setattr(served, "HOME", home)
    monkeypatch.setattr(served, "UPLOADS", home / "uploads")
    monkeypatch.setattr(served, "SERVED", served.Served(_made(home / "made")))
    (home / "uploads").mkdir()
    return home


def _made(path):
    path.mkdir(parents=True)
    return path


def aged(path, seconds, size=1):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - seconds,) * 2)
    return path


def test_what_is_old_goes_and_what_is_not_stays(folders):
    old = aged(folders / "uploads" / "a" / "old.png", served.KEEP + 60)
    broken_off = aged(folders / "uploads" / "tmpabc", served.KEEP + 60)
    pack = aged(folders / "made" / "upload-1.pack", served.KEEP + 60)
    stay = [
        aged(folders / "uploads" / "b" / "young.png", served.KEEP - 60),
        aged(folders / "made" / "resnet-1.pack", served.KEEP + 60),
    ]
    served.sweep(time.time())
    assert not any(path.exists() for path in (old, broken_off, pack))
    assert all(path.exists() for path in stay)
    served.sweep(time.time() + 2 * served.KEEP)
    assert not old.parent.exists() and stay[1].exists()


def test_the_oldest_go_first_where_room_is_short(folders, monkeypatch):
    monkeypatch.setattr(served, "ROOM", 100)
    files = [aged(folders / "uploads" / f"{k}.png", 10 * k, size=40) for k in range(4)]
    served.sweep(time.time())
    assert [path.exists() for path in files] == [True, True, False, False]


def test_folders_of_killed_servers_go_and_those_of_others_stay(folders):
    killed, running = (
        aged(folders.parent / f"{folder.PREFIX}{name}" / "uploads.png", 0).parent
        for name in ("killed", "running")
    )
    os.utime(killed, (time.time() - served.KEEP - 60,) * 2)
    foreign = aged(folders.parent / "gradio" / "a.png", 2 * served.KEEP)
    served.sweep(time.time())
    assert not killed.exists() and running.exists() and foreign.exists()


@pytest.mark.slow
def test_a_running_server_removes_files_on_its_schedule(tmp_path, start_server):
    left = tmp_path / "made" / f"{folder.PREFIX}killed"
    with start_server(tmp_path, SHORT) as server:
        aged(left / "a.png", 0)
        os.utime(left, (time.time() - 60,) * 2)
        path = server.upload("mine.png", b"mine")
        kind = "Content-Type: multipart/form-data; boundary=b"
        begin = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nxx'
        with socket.create_connection(server.address) as connection:
            connection.sendall(head("/gradio_api/upload", kind, "Content-Length: 5000") + begin)
            time.sleep(0.5)  # and it goes, in the middle of its file
        home = server.folder / "made" / path.split("/made/")[1].split("/")[0]
        address = f"{server.url}/gradio_api/file={path}"
        assert server.http.get(address).content == b"mine"
        deadline = time.monotonic() + 30
        while left.exists() or list((home / "uploads").glob("tmp*")) or os.path.exists(path):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert server.http.get(address).status_code == 403
        # The page still answers.
        ask = asking(server, server.http, "classify")
        assert "pixels" in ask("see", {"example": "lion", "fit": "crop"})
        assert "Traceback" not in server.log
        os.kill(server.pid, signal.SIGTERM)
        while home.exists():
            assert time.monotonic() < deadline + 30
            time.sleep(0.2)
