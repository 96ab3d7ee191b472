"""The app as a visitor meets it: served by app.py, in a real Chromium."""

import base64
import io
import os

import numpy as np
import pytest
from PIL import Image

from cifar import screenshot
from cifar.classifier import classify
from cifar.images import network_view
from cifar.ui import library
from cifar.ui.classify import photos

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def url(test_split):  # whose cache the app then finds
    with screenshot.serving() as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    try:
        screenshot.find_chromium()
    except screenshot.ScreenshotError as error:
        if "CHROMIUM" in os.environ:  # as .ci/run sets it: there, nothing is skipped
            raise
        pytest.skip(str(error))
    with screenshot.chromium() as chromium:
        yield chromium


@pytest.fixture
def page(browser, url):
    """A fresh visitor; any error that the page logs fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 940})
    page = context.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.goto(url)
    page.locator("#view .name").wait_for(timeout=60_000)
    yield page
    context.close()
    assert problems == []


def expect(locator):
    from playwright.sync_api import expect as playwright_expect

    return playwright_expect(locator)


def test_an_upload_is_classified(page, tmp_path):
    picture = photos()["cheetah"]
    path = tmp_path / "cheetah.png"
    Image.fromarray(picture).save(path)
    said = classify(library.load("resnet"), network_view(Image.fromarray(picture)))
    best, probability = said.top(1)[0]
    page.locator("#upload button[aria-label='Remove Image']").click()
    expect(page.locator("#view")).to_contain_text("Drop a picture", timeout=30_000)
    page.locator("#upload input[type=file]").set_input_files(path)
    expect(page.locator("#view .name .said")).to_have_text(best, timeout=30_000)
    bars = page.locator("#probabilities .value")
    expect(bars).to_have_count(5)
    expect(bars.first).to_have_text(f"{100 * probability:.1f}%")
    expect(page.locator("#heat img.over")).to_have_count(1)


def test_controls_of_the_heat_map_act(page):
    page.locator("#target input").click()
    page.get_by_role("option", name="truck").click()
    expect(page.locator("#heat figcaption")).to_contain_text("for truck", timeout=30_000)
    page.locator("#layer input").click()
    page.get_by_role("option", name="stage 3, 4x4 map").click()
    expect(page.locator("#heat .ends")).to_contain_text("stage 3, 4x4 map", timeout=30_000)
    page.locator("#strength input[type=range]").fill("0")
    expect(page.locator("#heat img.over")).to_have_css("opacity", "0")
    page.locator("#strength input[type=range]").fill("100")
    expect(page.locator("#heat img.over")).to_have_css("opacity", "1")
    page.locator("#top-k input[type=range]").fill("10")
    expect(page.locator("#probabilities .value")).to_have_count(10, timeout=30_000)


def test_an_example_is_classified(page):
    page.locator("#examples button").nth(8).click()
    expect(page.locator("#examples button").nth(8)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#view .name")).to_contain_text("ship", timeout=30_000)


def test_a_mistake_is_opened_by_mouse_and_by_keyboard(page):
    page.get_by_role("tab", name="Mistakes").click()
    tiles = page.locator("#mistakes button")
    expect(tiles).to_have_count(60, timeout=60_000)
    tiles.nth(2).click()
    index = tiles.nth(2).get_attribute("data-key")
    expect(page.locator("#detail")).to_contain_text(f"#{index}", timeout=30_000)
    expect(page.locator("#detail .heat")).to_have_count(2)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    following = tiles.nth(3).get_attribute("data-key")
    expect(page.locator("#detail")).to_contain_text(f"#{following}", timeout=30_000)
    page.locator("#previous").click()
    expect(page.locator("#detail")).to_contain_text(f"#{index}", timeout=30_000)


def test_a_filter_changes_the_gallery_and_forgets_the_selection(page):
    page.get_by_role("tab", name="Mistakes").click()
    page.locator("#mistakes button").nth(2).click(timeout=60_000)
    page.locator("#true input").click()
    page.get_by_role("option", name="cat").click()
    expect(page.locator("#mistakes button").first).to_contain_text(" cat, seen as", timeout=30_000)
    expect(page.locator("#mistakes button[aria-pressed=true]")).to_have_count(0)
    expect(page.locator("#detail")).to_contain_text("Pick an image")


def test_the_model_switch_serves_every_tab(page):
    page.locator("#model label").nth(1).click()
    page.get_by_role("tab", name="About").click()
    expect(page.locator("#card h1")).to_have_text("BaseNet on CIFAR-10", timeout=30_000)
    page.get_by_role("tab", name="Report").click()
    accuracy = library.load("basenet").metrics["test"]["accuracy"]["value"]
    expect(page.locator("#report")).to_contain_text(f"{accuracy:.2%}")
    page.get_by_role("tab", name="Classify").click()
    expect(page.locator("#layer input")).to_have_value("stage 3, 8x8 map")
    expect(page.locator("#heat .ends")).to_contain_text("stage 3, 8x8 map", timeout=30_000)


@pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1440, True)])
def test_no_tab_is_wider_than_the_screen(browser, url, width, dark):
    context = browser.new_context(viewport={"width": width, "height": 844})
    page = context.new_page()
    page.goto(url + ("?__theme=dark" if dark else ""))
    page.locator("#view .name").wait_for(timeout=60_000)
    for tab, content in (
        ("Classify", "#heat .heat"),
        ("Mistakes", "#mistakes button"),
        ("Report", "#report table"),
        ("About", "#card h1"),
    ):
        page.get_by_role("tab", name=tab).click()
        page.locator(content).first.wait_for(timeout=60_000)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
    context.close()


def test_pixels_reach_the_page_unchanged(page, test_split):
    page.get_by_role("tab", name="Mistakes").click()
    tile = page.locator("#mistakes button").first
    tile.wait_for(timeout=60_000)
    encoded = tile.locator("img").get_attribute("src").removeprefix("data:image/png;base64,")
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
        pixels = np.asarray(image)
    index = int(tile.get_attribute("data-key"))
    assert np.array_equal(pixels, test_split.images[index].permute(1, 2, 0).numpy())


def test_a_file_that_is_no_picture_gets_one_sentence(page, tmp_path):
    path = tmp_path / "notes.png"
    path.write_text("not a picture")
    page.locator("#upload button[aria-label='Remove Image']").click()
    page.locator("#upload input[type=file]").set_input_files(path)
    expect(page.locator("#view")).to_contain_text("not a picture that can be read", timeout=30_000)


def test_the_screenshot_of_readme_can_be_taken(browser, url, tmp_path):
    path = tmp_path / "screenshot.png"
    screenshot.take(browser, url, path)
    with Image.open(path) as image:
        assert image.size == (1440, 940)
        assert len(image.convert("RGB").getcolors(2**24)) > 5_000
