"""The app as a visitor meets it: served by app.py, in a real Chromium."""

import pytest
from PIL import Image
from playwright.sync_api import expect

from cifar import library, screenshot
from cifar.classifier import classify

pytestmark = pytest.mark.browser


def test_the_model_switch_serves_every_tab(page, pixels_of):
    page.locator("#model label").nth(1).click()
    page.get_by_role("tab", name="About").click()
    expect(page.locator("#card h1")).to_have_text("BaseNet on CIFAR-10")
    page.get_by_role("tab", name="Report").click()
    accuracy = library.load("basenet").metrics["test"]["accuracy"]["value"]
    expect(page.locator("#report")).to_contain_text(f"{accuracy:.2%}")
    page.get_by_role("tab", name="Classify").click()
    said = classify(library.load("basenet"), pixels_of(0))  # the example that the page opens on
    expect(page.locator("#classify .name")).to_contain_text(f"{said.confidence:.1%}")


def test_two_tabs_say_what_becomes_of_pictures(page):
    said = ("about two hours", "can be read by whoever knows", "do not send private")
    for tab in ("Classify", "About"):
        page.get_by_role("tab", name=tab).click()
        for words in said:
            expect(page.locator(f"#tab-{tab.lower()}")).to_contain_text(words)


@pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1440, True)])
def test_no_tab_is_wider_than_the_screen(browser, url, width, dark):
    context = browser.new_context(viewport={"width": width, "height": 844})
    page = context.new_page()
    page.goto(url + ("?__theme=dark" if dark else ""))
    page.locator("#classify .bars li").first.wait_for(timeout=60_000)
    for tab, content in (
        ("Classify", "#classify .pair canvas"),
        ("Mistakes", "#explorer .tile"),
        ("Report", "#report table"),
        ("About", "#card h1"),
    ):
        page.get_by_role("tab", name=tab).click()
        page.locator(content).first.wait_for(timeout=60_000)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
    context.close()


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


@pytest.mark.parametrize("width", [390, 1440])
def test_tables_of_the_model_card_break_no_number(page, width):
    page.set_viewport_size({"width": width, "height": 844})
    page.get_by_role("tab", name="About").click()
    page.locator("#card td").first.wait_for(timeout=60_000)
    assert page.locator("#card td").count() > 100
    assert page.evaluate(BROKEN_WORDS) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_tab_has_a_barrier(page, barriers, theme):
    page.evaluate("dark => document.body.classList.toggle('dark', dark)", theme == "dark")
    for tab, content in (
        ("Classify", "#classify .pair canvas"),
        ("Report", "#report table"),
        ("About", "#card h1"),
    ):
        page.get_by_role("tab", name=tab).click()
        page.locator(content).first.wait_for(timeout=60_000)
        page.wait_for_timeout(300)  # colours change over a moment
        assert barriers(page) == [], tab


def test_the_screenshot_of_readme_can_be_taken(browser, url, tmp_path):
    path = tmp_path / "screenshot.png"
    screenshot.take(browser, url, path)
    with Image.open(path) as image:
        assert image.size == (1440, 940)
        assert len(image.convert("RGB").getcolors(2**24)) > 5_000
