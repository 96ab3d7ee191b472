"""The app below a path of somebody's site: behind a proxy that takes the path away."""

import http.client
import json
import os
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from cifar.data.pictures import network_view, open_image
from cifar.evaluation.classifier import classify
from cifar.explore import store
from cifar.report import screenshot

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PREFIX = "/lens"


@contextmanager
def proxy(app):
    """The address of an app below PREFIX, and the paths beside it that were asked for."""
    strays = []

    class Handler(BaseHTTPRequestHandler):
        def _pass(self):
            if self.path == "/favicon.ico":  # which browsers ask of every site
                self.send_response(204)
                self.end_headers()
                return
            if not self.path.startswith(f"{PREFIX}/"):
                strays.append(self.path)
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            server = http.client.HTTPConnection(urlsplit(app).netloc, timeout=300)
            try:
                path = self.path.removeprefix(PREFIX)
                server.request(self.command, path, body, dict(self.headers))
                answer = server.getresponse()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                        self.send_header(name, value)
                self.end_headers()
                while part := answer.read1(65536):  # events, as they come
                    self.wfile.write(part)
            except ConnectionError:  # a visitor who left
                pass
            finally:
                server.close()

        do_GET = do_HEAD = do_POST = _pass

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{PREFIX}/", strays
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def below():
    """Address and strays of `proxy`, before an app that was told of the path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "GRADIO_ROOT_PATH", PREFIX)
        with screenshot.serving() as app, proxy(app) as found:
            yield found


@pytest.fixture
def photo(tmp_path):
    x, y = np.meshgrid(np.arange(64), np.arange(48))
    path = tmp_path / "photo.png"
    Image.fromarray(np.stack([4 * x, 5 * y, x + y], axis=-1).astype(np.uint8)).save(path)
    return path


@pytest.fixture
def said(photo):
    """The best model's answer on the photo."""
    return classify(store.load("resnet"), network_view(open_image(photo)))


def test_the_page_works(visit, below, photo, said):
    url, strays = below
    explorer = visit(at=url)
    page = explorer.page
    assert len(explorer.selection) > 0  # a pack
    page.locator("#explorer .tile").first.click()  # of a sheet
    explorer.rest()
    sheets = page.evaluate(
        "performance.getEntriesByType('resource').map(one => one.name).filter("
        "name => name.includes('/sheet'))"
    )
    assert sheets and all(name.startswith(url) for name in sheets)

    page.get_by_role("tab", name="Classify").click()
    page.locator("#classify input[type=file]").first.set_input_files(photo)
    expect(page.locator("#classify .name")).to_contain_text(f"{said.confidence:.1%}")

    page.get_by_role("tab", name="Report").click()
    picture = page.locator(f"img[src^='{url}gradio_api/file=']:visible").first
    picture.wait_for()
    assert picture.evaluate("async image => (await image.decode(), image.naturalWidth)") > 0
    assert strays == []


def test_programs_are_answered(below, photo, said):
    url, strays = below
    with httpx.Client(base_url=f"{url}gradio_api", timeout=120) as client:
        files = {"files": (photo.name, photo.read_bytes())}
        (path,) = client.post("/upload", files=files).raise_for_status().json()
        asked = client.post("/call/v2/classify", json={"image": {"path": path}, "top_k": 1})
        event = asked.raise_for_status().json()["event_id"]
        told = client.get(f"/call/classify/{event}").raise_for_status().text
    (found,) = json.loads(told.strip().split("\n")[-1].removeprefix("data: "))
    assert found["confidence"] == pytest.approx(said.confidence, abs=1e-5)
    assert strays == []
