"""Which addresses of pictures are fetched, and how much of them."""

import asyncio
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from cifar import LensError
from cifar.data import remote_pictures
from cifar.data.pictures import MAX_BYTES
from cifar.ui.security.sent_pictures import picture_file


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "100.127.255.255", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
        "192.0.2.1", "198.18.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:100.64.0.1", "64:ff9b::7f00:1",
        "2002:7f00:1::", "2001:db8::1", "fec0::1", "64:ff9b:1::a00:1", "::127.0.0.1", "::10.0.0.1",
        "64:ff9b::a9fe:a9fe", "2001::1", "2001:2::1", "2001:10::1", "3fff::1", "5f00::1", "100::1",
        "192.0.0.10", "198.51.100.1", "203.0.113.1", "::ffff:0:127.0.0.1", "4000::1",
    ],
)  # fmt: skip
def test_what_is_not_on_the_public_internet_is_not_fetched(address):
    assert not remote_pictures.is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "100.128.0.1",
        "2606:4700::1",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
        "2a00::1",
        "2002:101:101::",
    ],
)
def test_what_is_public_is(address):
    assert remote_pictures.is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/a", "file:///etc/passwd", "http://", "http:///a", "http://127.1/a",
        "http://0x7f000001/a", "http://2130706433/a", "http://[::1]/a", "http://localhost/a",
        "http://evil-hf.co.localhost/a", "http://user@127.0.0.1/a",
    ],
)  # fmt: skip
def test_other_ways_to_write_them_are_no_way_in(url):
    with pytest.raises((ValueError, OSError)):
        asyncio.run(remote_pictures.public_address(httpx.URL(url)))


def test_a_name_that_takes_long_to_look_up_holds_no_call(monkeypatch):
    """The system's look-up cannot be broken off: it ends when this test lets it."""
    go, ended = threading.Event(), threading.Event()

    def look_up(*_, **__):
        go.wait(60)
        ended.set()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(remote_pictures, "SECONDS", 0.05)
    try:
        with (
            pytest.raises(LensError, match="could not be fetched"),
            picture_file({"url": "http://slow.test/a.png"}),
        ):
            pass
        assert not ended.is_set()
    finally:
        go.set()


@pytest.fixture
def site(monkeypatch):
    """The address of a server that passes for a public one, and the hosts it was asked as."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["Host"]))
            if self.path.startswith("/to/"):
                self.send_response(302)
                self.send_header("Location", self.path.removeprefix("/to/") or "/to/")
                self.end_headers()
                return
            self.send_response(404 if self.path == "/none" else 200)
            self.end_headers()
            sent = 3 if self.path == "/small" else MAX_BYTES + 2**20
            try:
                for _ in range(0, sent, 2**16):
                    self.wfile.write(bytes(min(sent, 2**16)))
            except ConnectionError:
                asked.append("broken off")

        def log_message(self, *_):
            pass

    real = remote_pictures.is_public
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_port
        monkeypatch.setattr(socket, "getaddrinfo", _names(socket.getaddrinfo))
        monkeypatch.setattr(remote_pictures, "is_public", lambda ip: ip == "127.0.0.1" or real(ip))
        yield f"http://pictures.test:{port}", asked
        server.shutdown()


def _names(real):
    def look_up(host, *args, **options):
        return real("127.0.0.1" if host == "pictures.test" else host, *args, **options)

    return look_up


def test_a_picture_is_fetched_through_redirects(site, tmp_path):
    url, asked = site
    asyncio.run(remote_pictures.download(f"{url}/to//small", tmp_path / "a"))
    assert (tmp_path / "a").read_bytes() == bytes(3)
    assert {host for _, host in asked} == {url.removeprefix("http://")}


def test_a_picture_without_end_is_broken_off(site, tmp_path):
    url, _ = site
    with (
        pytest.raises(LensError, match="larger than 20 MB"),
        picture_file({"url": f"{url}/large"}),
    ):
        pass


@pytest.mark.parametrize(
    "path", ["/none", "/to/", "/to/http://10.0.0.1/a", "/to/file:///etc/passwd", "/to/http://[::1]"]
)
def test_what_leads_elsewhere_is_one_sentence(site, path):
    url, _ = site
    with (
        pytest.raises(LensError, match=r"^The picture could not be fetched: .*\.$"),
        picture_file({"url": url + path}),
    ):
        pass
