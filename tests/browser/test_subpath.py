"""The app behind a reverse proxy of somebody's site, also below a path there."""

import json
import os
import ssl

import httpx
import numpy as np
import pytest
import trustme
from PIL import Image
from playwright.sync_api import expect

from cifar.data.pictures import open_image, see
from cifar.evaluation.classifier import classify
from cifar.evaluation.metrics import written
from cifar.explore import store
from cifar.report import screenshot
from tests.proxy import HOST, proxy

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PREFIX = "/lens"


@pytest.fixture(scope="module")
def tls():
    """The certificate of a site, as the proxy uses it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(HOST).configure_cert(context)
    return context


# Kinds of proxies, by what the app is told of its address in GRADIO_ROOT_PATH.
SITES = {
    "Host rewritten": (None, {}),
    "https outside": (None, {"tls": True}),
    "below a path, Host kept": (PREFIX, {"rewrites_host": False, "forwards": False}),
    "full address, nothing forwarded": ("{url}", {"forwards": False}),
}


@pytest.fixture(scope="module", params=SITES)
def site(request, url, tls):
    """A proxy in front of an app."""
    root_path, options = SITES[request.param]
    options = options | {"prefix": PREFIX if root_path else ""}
    if "tls" in options:
        options["tls"] = tls
    with proxy(url, **options) as found, pytest.MonkeyPatch.context() as patch:
        if root_path is None:
            yield found
            return
        patch.setitem(os.environ, "GRADIO_ROOT_PATH", root_path.format(url=found.url.rstrip("/")))
        with screenshot.serving() as found.app:
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
    return classify(store.load("resnet"), see(open_image(photo)))


def test_the_page_works(visit, site, photo, said):
    explorer = visit(at=site.url, ignore_https_errors=True)
    page = explorer.page
    assert len(explorer.selection) > 0  # a pack
    page.locator("#explorer .tile").first.click()  # of a sheet
    explorer.rest()
    sheets = page.evaluate(
        "performance.getEntriesByType('resource').map(one => one.name).filter("
        "name => name.includes('/sheet'))"
    )
    assert sheets and all(name.startswith(site.url) for name in sheets)

    page.get_by_role("tab", name="Classify").click()
    page.locator("#classify input[type=file]").first.set_input_files(photo)
    expect(page.locator("#classify .headline")).to_contain_text(written(said.confidence, 1))

    page.get_by_role("tab", name="Report").click()
    picture = page.locator("#report figure img:visible").first
    picture.wait_for()
    assert picture.evaluate("image => image.src").startswith(f"{site.url}gradio_api/file=")
    assert picture.evaluate("async image => (await image.decode(), image.naturalWidth)") > 0
    assert site.strays == []


def test_programs_are_answered(site, photo, said):
    url = site.url.replace(HOST, "127.0.0.1")
    with httpx.Client(base_url=f"{url}gradio_api", timeout=120, verify=False) as client:
        files = {"files": (photo.name, photo.read_bytes())}
        (path,) = client.post("/upload", files=files).raise_for_status().json()
        asked = client.post("/call/v2/classify", json={"image": {"path": path}, "top_k": 1})
        event = asked.raise_for_status().json()["event_id"]
        told = client.get(f"/call/classify/{event}").raise_for_status().text
    (found,) = json.loads(told.strip().split("\n")[-1].removeprefix("data: "))
    assert found["confidence"] == pytest.approx(said.confidence, abs=1e-5)
    assert site.strays == []
