"""When what visitors sent goes, whatever becomes of the server that got it."""

import os
import socket
import time
from contextlib import suppress

import pytest

from cifar.ui.security import temporary_files
from tests.serving import wait_for
from tests.ui.server.test_attacks import head


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Empty folders in the place of those of this process."""
    home = tmp_path / f"{temporary_files.PREFIX}own"
    home.mkdir()
    folder = temporary_files.ServerFolder(home)
    monkeypatch.setattr(temporary_files, "server_folder", lambda: folder)
    return home


def aged(path, seconds, size=1):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - seconds,) * 2)
    return path


def test_what_is_old_goes_and_what_is_not_stays(folders):
    old = aged(folders / "uploads" / "a" / "old.png", temporary_files.KEEP + 60)
    broken_off = aged(folders / "uploads" / "tmpabc", temporary_files.KEEP + 60)
    pack = aged(folders / "made" / "upload-1.pack", temporary_files.KEEP + 60)
    stay = [
        aged(folders / "uploads" / "b" / "young.png", temporary_files.KEEP - 60),
        aged(folders / "made" / "resnet-1.pack", temporary_files.KEEP + 60),
    ]
    temporary_files.sweep(time.time())
    assert not any(path.exists() for path in (old, broken_off, pack))
    assert all(path.exists() for path in stay)
    temporary_files.sweep(time.time() + 2 * temporary_files.KEEP)
    assert not old.parent.exists() and stay[1].exists()


def test_the_oldest_go_first_where_room_is_short(folders, monkeypatch):
    monkeypatch.setattr(temporary_files, "MAX_UPLOAD_BYTES", 100)
    files = [aged(folders / "uploads" / f"{k}.png", 10 * k, size=40) for k in range(4)]
    temporary_files.sweep(time.time())
    assert [path.exists() for path in files] == [True, True, False, False]


def test_folders_of_killed_servers_go_and_those_of_others_stay(folders):
    killed, running = (
        aged(folders.parent / f"{temporary_files.PREFIX}{name}" / "uploads.png", 0).parent
        for name in ("killed", "running")
    )
    os.utime(killed, (time.time() - temporary_files.KEEP - 60,) * 2)
    foreign = aged(folders.parent / "gradio" / "a.png", 2 * temporary_files.KEEP)
    temporary_files.sweep(time.time())
    assert not killed.exists() and running.exists() and foreign.exists()


def test_a_running_server_removes_files_on_its_schedule(server, ask):
    long_ago, partial = (time.time() - 2 * temporary_files.KEEP,) * 2, server.home / "uploads"
    left = server.home.parent / f"{temporary_files.PREFIX}killed"
    aged(left / "a.png", 0)
    os.utime(left, long_ago)
    path = server.upload("mine.png", b"mine")
    address = f"{server.url}/gradio_api/file={path}"
    assert server.http.get(address).content == b"mine"
    kind = "Content-Type: multipart/form-data; boundary=b"
    begin = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nxx'
    with socket.create_connection(server.address) as connection:
        connection.sendall(head("/gradio_api/upload", kind, "Content-Length: 5000") + begin)
        wait_for(lambda: list(partial.glob("tmp*")))  # and it goes, in the middle of its file
    os.utime(path, long_ago)

    def gone():
        for broken_off in partial.glob("tmp*"):  # what was still on its way is written meanwhile
            with suppress(FileNotFoundError):
                os.utime(broken_off, long_ago)
        return not (left.exists() or list(partial.glob("tmp*")) or os.path.exists(path))

    wait_for(gone)
    assert server.http.get(address).status_code == 403
    assert "probabilities" in ask("look", {"model": "basenet", "image": {"index": 3}})
