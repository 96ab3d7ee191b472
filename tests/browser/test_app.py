"""The app as a visitor meets it: served by app.py, in a real Chromium."""

import pytest
from PIL import Image
from playwright.sync_api import expect

from cifar.data.pictures import Seen
from cifar.evaluation.classifier import classify
from cifar.evaluation.metrics import written
from cifar.explore import store
from cifar.explore.stories import stories
from cifar.report import screenshot

pytestmark = pytest.mark.browser


def test_the_model_switch_serves_every_tab(page, pixels_of):
    page.locator("#model label").nth(1).click()
    page.get_by_role("tab", name="About").click()
    page.get_by_role("button", name="Model card").click()
    expect(page.locator("#card h1")).to_have_text("BaseNet on CIFAR-10")
    page.get_by_role("tab", name="Report").click()
    accuracy = store.load("basenet").metrics["test"]["accuracy"]["value"]
    expect(page.locator("#report")).to_contain_text(f"{accuracy:.2%}")
    page.get_by_role("tab", name="Classify").click()
    opening = Seen.image(pixels_of(stories("basenet")[0]["index"]))
    said = classify(store.load("basenet"), opening)
    expect(page.locator("#classify .headline")).to_contain_text(written(said.confidence, 1))


TABS = (
    ("Classify", "#classify .pair canvas"),
    ("Mistakes", "#explorer .tile"),
    ("Report", "#report table"),
    ("About", "#about h2"),
)


def test_every_tab_fits_has_no_barrier_and_needs_no_other_host(page, barriers, server):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    for width, dark in ((390, False), (390, True), (1440, True), (1440, False)):
        page.set_viewport_size({"width": width, "height": 844})
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
        for tab, content in TABS:
            page.get_by_role("tab", name=tab).click()
            page.locator(content).first.wait_for(timeout=60_000)
            page.evaluate("document.getAnimations().forEach((one) => one.finish())")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
            if width == 1440 and tab != "Mistakes":  # which test_visits tries with every panel
                assert barriers(page) == [], (tab, dark)
        fold = page.get_by_role("button", name="Model card")
        if not page.locator("#card td").first.is_visible():
            fold.click()
        page.locator("#card td").first.wait_for()
        assert page.evaluate(BROKEN_WORDS) == [], width  # of the About tab's tables
    assert [url for url in asked if not url.startswith((server.url, "data:", "blob:"))] == []
    assert server.hosts == set()


BROKEN_WORDS = """() => {
  const broken = [];
  for (const cell of document.querySelectorAll('#card :is(th, td)')) {
    const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let text = walk.nextNode(); text; text = walk.nextNode()) {
      for (const word of text.data.matchAll(/[\\w.]+/g)) {
        const range = document.createRange();
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        if (range.getClientRects().length !== 1) broken.push(word[0]);
      }
    }
  }
  return broken;
}"""


def test_the_screenshot_of_readme_can_be_taken(browser, url, tmp_path):
    path = tmp_path / "screenshot.png"
    screenshot.take(browser, url, path)
    with Image.open(path) as image:
        assert image.size == (1440, 940)
        assert len(image.convert("RGB").getcolors(2**24)) > 5_000
