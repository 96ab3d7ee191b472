"""The app as a visitor meets it: served by app.py, in a real Chromium."""

import pytest
from PIL import Image
from playwright.sync_api import expect

from cifar import screenshot
from cifar.classifier import classify
from cifar.images import network_view
from cifar.ui import library
from cifar.ui.classify import photos

pytestmark = pytest.mark.browser


def test_an_upload_is_classified(page, tmp_path):
    picture = photos()["cheetah"]
    path = tmp_path / "cheetah.png"
    Image.fromarray(picture).save(path)
    said = classify(library.load("resnet"), network_view(Image.fromarray(picture)))
    best, probability = said.top(1)[0]
    page.locator("#upload button[aria-label='Remove Image']").click()
    expect(page.locator("#view")).to_contain_text("Drop a picture")
    page.locator("#upload input[type=file]").set_input_files(path)
    expect(page.locator("#view .name .said")).to_have_text(best)
    bars = page.locator("#probabilities .value")
    expect(bars).to_have_count(5)
    expect(bars.first).to_have_text(f"{100 * probability:.1f}%")
    expect(page.locator("#heat img.over")).to_have_count(1)


def test_controls_of_the_heat_map_act(page):
    page.locator("#target input").click()
    page.get_by_role("option", name="truck").click()
    expect(page.locator("#heat figcaption")).to_contain_text("for truck")
    page.locator("#layer input").click()
    page.get_by_role("option", name="stage 3, 4x4 map").click()
    expect(page.locator("#heat .ends")).to_contain_text("stage 3, 4x4 map")
    page.locator("#strength input[type=range]").fill("0")
    expect(page.locator("#heat img.over")).to_have_css("opacity", "0")
    page.locator("#strength input[type=range]").fill("100")
    expect(page.locator("#heat img.over")).to_have_css("opacity", "1")
    page.locator("#top-k input[type=range]").fill("10")
    expect(page.locator("#probabilities .value")).to_have_count(10)


def test_an_example_is_classified(page):
    page.locator("#examples button").nth(8).click()
    expect(page.locator("#examples button").nth(8)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#view .name")).to_contain_text("ship")


def test_the_model_switch_serves_every_tab(page):
    page.locator("#model label").nth(1).click()
    page.get_by_role("tab", name="About").click()
    expect(page.locator("#card h1")).to_have_text("BaseNet on CIFAR-10")
    page.get_by_role("tab", name="Report").click()
    accuracy = library.load("basenet").metrics["test"]["accuracy"]["value"]
    expect(page.locator("#report")).to_contain_text(f"{accuracy:.2%}")
    page.get_by_role("tab", name="Classify").click()
    expect(page.locator("#layer input")).to_have_value("stage 3, 8x8 map")
    expect(page.locator("#heat .ends")).to_contain_text("stage 3, 8x8 map")


@pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1440, True)])
def test_no_tab_is_wider_than_the_screen(browser, url, width, dark):
    context = browser.new_context(viewport={"width": width, "height": 844})
    page = context.new_page()
    page.goto(url + ("?__theme=dark" if dark else ""))
    page.locator("#view .name").wait_for(timeout=60_000)
    for tab, content in (
        ("Classify", "#heat .heat"),
        ("Mistakes", "#explorer .tile"),
        ("Report", "#report table"),
        ("About", "#card h1"),
    ):
        page.get_by_role("tab", name=tab).click()
        page.locator(content).first.wait_for(timeout=60_000)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_tab_has_a_barrier(page, barriers, theme):
    page.evaluate("dark => document.body.classList.toggle('dark', dark)", theme == "dark")
    for tab, content in (
        ("Classify", "#heat .heat"),
        ("Report", "#report table"),
        ("About", "#card h1"),
    ):
        page.get_by_role("tab", name=tab).click()
        page.locator(content).first.wait_for(timeout=60_000)
        page.wait_for_timeout(300)  # colours change over a moment
        assert barriers(page) == [], tab


def test_a_file_that_is_no_picture_gets_one_sentence(page, tmp_path):
    path = tmp_path / "notes.png"
    path.write_text("not a picture")
    page.locator("#upload button[aria-label='Remove Image']").click()
    page.locator("#upload input[type=file]").set_input_files(path)
    expect(page.locator("#view")).to_contain_text("not a picture that can be read")


def test_the_screenshot_of_readme_can_be_taken(browser, url, tmp_path):
    path = tmp_path / "screenshot.png"
    screenshot.take(browser, url, path)
    with Image.open(path) as image:
        assert image.size == (1440, 940)
        assert len(image.convert("RGB").getcolors(2**24)) > 5_000
