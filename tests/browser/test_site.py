"""The site without a server: what Python finds, in the visitor's browser, and nothing beyond."""

import base64
import io
import os
import re
import threading
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from cifar import CLASSES
from cifar.data.downloads import FetchError
from cifar.data.pictures import Seen, network_view, open_image, see
from cifar.evaluation import ood
from cifar.evaluation.classifier import classify, classify_all
from cifar.evaluation.metrics import written
from cifar.explain.account import account, pooled_head
from cifar.explain.heat_maps import heat_maps
from cifar.explore import mistakes, store
from cifar.explore.stories import stories
from cifar.publish import onnxruntime_web
from cifar.publish.static_site import METHODS, build
from cifar.ui.evidence import notices
from tests.profiles import DISPLAY_P3
from tests.profiles import profile as color_profile
from tests.serving import photo

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE = 120_000  # ms: the networks take a while where other work goes on
MODELS = ("resnet", "basenet")


@pytest.fixture(scope="package")
def site(tmp_path_factory):
    """The folder above that of the site: it must work under any path."""
    try:
        onnxruntime_web.fetch()
    except FetchError as error:
        if "CI" in os.environ:  # where nothing is skipped
            raise
        pytest.skip(f"ONNX Runtime Web cannot be had: {error}")
    root = tmp_path_factory.mktemp("served")
    build(root / "lens")
    return root


class Server(SimpleHTTPRequestHandler):
    """One that can be as slow as a telephone."""

    slow = False

    def log_message(self, *args):
        pass

    def copyfile(self, source, outputfile):
        while part := source.read(20_000 if self.slow else -1):
            outputfile.write(part)
            if self.slow:
                time.sleep(0.2)


@pytest.fixture(scope="package")
def address(site):
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/lens/"
        server.shutdown()


@contextmanager
def visiting(browser, address, query, *, route=None, **options):
    options = {"viewport": {"width": 1440, "height": 940}} | options
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.problems, page.addresses = [], []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)
    context.on("request", lambda request: page.addresses.append(request.url))
    if route:
        context.route(*route)
    page.goto(address + query)
    try:
        yield page
    finally:
        context.close()


@pytest.fixture
def visit(browser, address):
    """A function that opens the site as a fresh visitor. What its pages log, or fetch from anywhere
    else, fails the test."""
    pages = []
    with ExitStack() as stack:

        def open_one(query="", *, errors=False, **options):
            page = stack.enter_context(visiting(browser, address, query, **options))
            if not errors:
                pages.append(page)
            return page

        yield open_one
    for page in pages:
        assert page.problems == []
        assert [
            url for url in page.addresses if not url.startswith((address, "data:", "blob:"))
        ] == []


@pytest.fixture(scope="package")
def desk(browser, address):
    """A page whose parts are called without being shown."""
    with visiting(browser, address, "#report") as page:
        page.evaluate(
            """async () => {
              const { src } = document.querySelector('script[type=module]');
              const at = (name) => new URL(name, src).href;
              const site = await (await fetch('page.json')).json();
              window.answers = (await import(at('site.js'))).createAnswers(site).ask;
              window.seen = await import(at('seen.js'));
            }"""
        )
        yield page
        assert page.problems == []


def tab(page, name):
    page.locator("#tabs").get_by_role("tab", name=name).click()


def view_of(page):
    return page.evaluate("({ ...document.querySelector('.explorer').explorer.view })")


def selection_of(page):
    return page.evaluate("document.querySelector('.explorer').explorer.selection()")


def at_rest(page):
    """Wait until the heat maps are drawn."""
    page.locator(".explorer .evidence[aria-busy=false]").wait_for()


def opened(page):
    page.locator(".explorer .tile").first.wait_for()
    return page


# Numbers


LOOK = """
async ([model, indices, method, classes]) => {
  const found = [];
  for (const index of indices) {
    const question = { model, image: { index }, method, layers: [], classes };
    found.push(await window.answers.look(question));
  }
  return found;
}
"""


def assert_same_maps(found, heats):
    for one, heat in zip(found["maps"], heats, strict=True):
        values = np.reshape(one["values"], (one["height"], one["width"]))
        assert np.abs(values - heat.values).max() <= 1e-3 * max(heat.peak, 1e-3)


@pytest.mark.parametrize("model", MODELS)
def test_answers_and_their_maps_are_those_of_python(desk, test_split, model):
    confidence = store.table(model)["confidence"].to_numpy()
    indices = [*range(25, 10_000, 250), int(confidence.argmin())]  # the last is in doubt
    found = desk.evaluate(LOOK, [model, indices, "gradcam", []])
    images = test_split.images[indices].permute(0, 2, 3, 1).contiguous().numpy()
    answers = classify_all(store.load(model), [Seen.image(image) for image in images])
    wanted = np.array([answer.probabilities for answer in answers])
    assert len(found) == 41
    np.testing.assert_allclose([one["probabilities"] for one in found], wanted, atol=1e-3)
    assert [one["predicted"] for one in found] == [answer.predicted for answer in answers]
    assert [one["label"] for one in found] == test_split.labels[indices].tolist()
    second = np.argsort(-wanted, axis=1, kind="stable")[:, 1]
    assert [one["runner_up"] for one in found] == second.tolist()
    ckpt = store.load(model)
    assert [one["notices"] for one in found] == [notices(ckpt, answer) for answer in answers]
    assert {one["kind"] for each in found for one in each["notices"]} == {"unlike", "unsure"}
    for one, image in zip(found[::5], images[::5], strict=True):
        targets = [part["target"] for part in one["maps"]]
        assert_same_maps(one, heat_maps(ckpt, image, targets, "gradcam", one["layers"]))


ACCOUNT = """
async ([model, index]) => {
  const { terms, cells, ...found } = await window.answers.account({ model, image: { index } });
  return { ...found, terms: Array.from(terms), cells: Array.from(cells) };
}
"""


@pytest.mark.parametrize("model", MODELS)
def test_accounts_are_those_of_python(desk, test_split, model):
    ckpt = store.load(model)
    found = desk.evaluate(ACCOUNT, [model, 61])
    image = test_split.images[61].permute(1, 2, 0).numpy()
    wanted = account(ckpt.model, pooled_head(ckpt.model), image)
    np.testing.assert_allclose(np.reshape(found["terms"], (-1, 10)), wanted.terms, atol=1e-3)
    assert found["temperature"] == ckpt.temperature and found["size"] == wanted.size
    # Of equally large cells, as where all are 0, either is right.
    unlike = np.flatnonzero(np.array(found["cells"]) != wanted.cells)
    assert np.abs(wanted.terms[unlike]).max(initial=0) < 1e-3


@pytest.mark.parametrize("method", ["layercam", "finercam"])
def test_heat_maps_are_those_of_python(desk, test_split, method):
    model = "basenet"
    ckpt = store.load(model)
    layer = ckpt.model.layers[-1]
    indices = [61, 3, 7099, 4000, 9999]
    for classes in ([], [3, 5], [8]):
        for index, found in zip(
            indices, desk.evaluate(LOOK, [model, indices, method, classes]), strict=True
        ):
            image = test_split.images[index].permute(1, 2, 0).numpy()
            targets = [one["target"] for one in found["maps"]]
            against = targets[::-1] if len(targets) == 2 else None
            if not classes:
                label, predicted = int(test_split.labels[index]), found["predicted"]
                beside = found["runner_up"] if predicted == label else label
                assert targets == [predicted, beside]
            assert (found["layers"], found["title"]) == ([layer.name], layer.title)
            heats = heat_maps(ckpt, image, targets, method, [layer.name], against=against)
            assert_same_maps(found, heats)


# Pictures


def sent(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def seen_in_page(page, content, fit, box=None):
    """What the network sees of a picture file, in the page."""
    found = page.evaluate(
        """async ([content, fit, box]) => {
          const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
          const picture = await window.seen.opened(new Blob([bytes]), 25e6);
          return Array.from(window.seen.networkView(picture, fit, box));
        }""",
        [base64.b64encode(content).decode(), fit, box],
    )
    return np.reshape(found, (32, 32, 3))


def photograph(width, height, seed=0):
    """Noise over a gradient: everything that scaling can get wrong."""
    random = np.random.default_rng(seed)
    ramp = np.linspace(0, 255, width)[None, :, None] * np.array([1, 0.5, 0.2])
    noise = random.normal(0, 60, (height, width, 3))
    return Image.fromarray(np.uint8(np.clip(ramp + noise, 0, 255)))


def shares(found, wanted):
    """The largest difference, and the share of values that are the same."""
    gap = np.abs(found.astype(int) - wanted.astype(int))
    return int(gap.max()), float((gap == 0).mean())


@pytest.mark.parametrize("fit", ["crop", "fit", "stretch"])
def test_a_picture_is_scaled_as_pillow_does(desk, fit):
    image = photograph(640, 480)
    largest, same = shares(seen_in_page(desk, sent(image), fit), network_view(image, fit))
    assert largest <= 1 and same > 0.999


def test_a_part_of_a_picture_is_scaled_as_pillow_does(desk):
    image = photograph(517, 289)
    box = [0.31, 0.12, 0.64, 0.45]
    largest, same = shares(
        seen_in_page(desk, sent(image), "crop", box), network_view(image, box=box)
    )
    assert largest <= 1 and same > 0.999


def test_transparent_places_are_white(desk, read):
    image = photograph(300, 200).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize((300, 200)))
    content = sent(image)
    wanted = network_view(read(content))
    assert np.abs(seen_in_page(desk, content, "crop") - wanted.astype(int)).max() <= 2


@pytest.fixture
def read(tmp_path):
    """A function that reads a picture's bytes as Python does."""

    def read_one(content):
        (tmp_path / "picture").write_bytes(content)
        return open_image(tmp_path / "picture")

    return read_one


def test_colours_are_as_the_profile_says_and_it_stands_upright(desk, read):
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    image = photograph(160, 120)
    plain = sent(image, exif=exif)
    coloured = sent(image, exif=exif, icc_profile=b"no profile")
    wanted = network_view(read(plain))
    for content in (plain, coloured):
        largest, _ = shares(seen_in_page(desk, content, "crop"), wanted)
        assert largest <= 1
    vivid = sent(image, icc_profile=color_profile(DISPLAY_P3))
    wanted = network_view(read(vivid))
    assert shares(wanted, network_view(image))[0] > 10
    assert shares(seen_in_page(desk, vivid, "crop"), wanted)[0] <= 3


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
def test_a_photograph_is_decoded_to_the_pixels_of_the_app(desk, read, kind, orientation):
    """In Chromium, whose decoder of JPEG is Pillow's."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    smooth = photograph(64, 48).resize((800, 600), Image.Resampling.BICUBIC)
    content = sent(smooth, kind, quality=90, exif=exif)
    for fit in ("crop", "fit"):
        wanted = network_view(read(content), fit)
        largest, same = shares(seen_in_page(desk, content, fit), wanted)
        assert largest <= 1 and same > 0.999


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"no picture", "not a picture"), (sent(Image.new("RGB", (5001, 5000))), "5001x5000 pixels")],
)
def test_what_cannot_be_seen_says_why(desk, content, words):
    with pytest.raises(Exception, match=words):
        seen_in_page(desk, content, "crop")


# The page


def test_from_the_matrix_to_an_image_with_its_evidence(visit):
    page = opened(visit())
    page.get_by_role("button", name="cat predicted as dog").click()
    rows = store.table("resnet")
    wanted = mistakes.select(rows, true="cat", predicted="dog").index.tolist()
    assert selection_of(page) == wanted
    page.locator(".explorer .tile").nth(2).click()
    at_rest(page)
    expect(page.locator(".detail h2")).to_contain_text(f"#{wanted[2]}")
    captions = page.locator(".detail .pair figcaption")
    expect(captions.nth(0)).to_contain_text("for dog, up to")
    expect(captions.nth(1)).to_contain_text("for cat")
    drawn = page.locator(".detail .pair canvas").first.evaluate(
        "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, 224, 224).data).size"
    )
    assert drawn > 50
    # What only Python can say is not offered.
    for name in ("check this map", "save evidence (.zip)"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    expect(page.get_by_text("What would change its mind")).to_have_count(0)
    recorded = store.predictions("resnet")
    titles = [f"training image {one}" for one in recorded.neighbours[wanted[2], :3]]
    near = page.locator(".detail .neighbours figure")
    assert near.evaluate_all("all => all.map(one => one.title)") == titles
    expect(near.locator(".pixels").first).to_have_css("background-image", re.compile("neighbors/"))
    methods = page.locator(".detail .method select option").all_inner_texts()
    assert len(methods) == len(METHODS)


def test_filters_and_the_other_panels(visit, annotations):
    page = opened(visit("?outcome=all"))
    rows = mistakes.table(
        store.predictions("resnet"), store.load("resnet").temperature, annotations
    )
    field = page.locator(".explorer label", has=page.get_by_text("true class", exact=True))
    menu = field.locator("select")
    menu.select_option(menu.locator("option", has_text="ship").get_attribute("value"))
    chosen = mistakes.select(rows, true="ship", wrong=None).index.tolist()
    assert selection_of(page) == chosen
    panels = page.locator(".explorer .tabs")
    panels.get_by_role("tab", name="Map").click()
    box = page.locator(".explorer .panel canvas").bounding_box()
    page.get_by_role("button", name="box", exact=True).click()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.9 * box["height"], steps=4)
    page.mouse.up()
    assert 0 < len(selection_of(page)) < len(chosen) and set(selection_of(page)) < set(chosen)
    panels.get_by_role("tab", name="Slices").click()
    expect(page.locator(".explorer .slices, .explorer .panel:visible")).not_to_have_count(0)
    panels.get_by_role("tab", name="Compare").click()
    expect(page.locator(".quarter.fixed b")).to_have_text(
        str(mistakes.compare(store.table("resnet"), store.table("basenet")).counts["fixed"])
    )
    expect(page.locator(".explorer .upload")).to_have_count(0)


def test_a_link_opens_the_view_that_it_was_made_of(visit, address):
    query = "?model=basenet&true=cat&pred=dog&id=5&sort=loss&panel=map"
    page = opened(visit(query, permissions=["clipboard-read", "clipboard-write"]))
    view = view_of(page)
    assert (view["model"], view["true"], view["predicted"]) == ("basenet", 3, 5)
    assert (view["id"], view["panel"]) == (5, "map")
    expect(page.locator("#model input:checked")).to_have_value("basenet")
    page.wait_for_function("query => location.search === query", arg=page.url.partition("lens/")[2])
    at_rest(page)
    page.locator(".detail").get_by_role("button", name="copy link").click()
    page.locator(".detail").get_by_role("button", name="copied").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(address + "?")
    again = opened(visit(link.removeprefix(address)))
    assert view_of(again) == view


def test_the_model_switch_serves_every_tab(visit, pixels_of):
    def opening(model):
        return pixels_of(stories(model)[0]["index"])

    page = opened(visit())
    page.locator("#model label", has_text="BaseNet").click()
    page.wait_for_function(
        "document.querySelector('.explorer').explorer.view.model === 'basenet'"
        " && location.search.includes('model=basenet')"
    )
    tab(page, "About")
    expect(page.get_by_role("heading", name="BaseNet on CIFAR-10")).to_be_visible()
    expect(page.get_by_role("heading", name="ResNet on CIFAR-10")).to_be_hidden()
    tab(page, "Report")
    expect(page.locator("#tab-report figure img:visible")).to_have_count(3)
    expect(page.locator("#tab-report img[src='figures/basenet-reliability.png']")).to_be_visible()
    tab(page, "Classify")
    page.locator(".classify .bars li").first.wait_for()
    said = classify(store.load("basenet"), Seen.image(opening("basenet")))
    expect(page.locator(".classify .headline")).to_contain_text(written(said.confidence, 1))
    page.locator("#model label", has_text="ResNet").click()
    said = classify(store.load("resnet"), Seen.image(opening("resnet")))
    expect(page.locator(".classify .headline")).to_contain_text(written(said.confidence, 1))
    assert page.url.endswith("/lens/#classify")
    page.reload()
    expect(page.locator(".classify .headline")).to_contain_text(written(said.confidence, 1))


def drop(page, content, name, target):
    page.evaluate(
        """([content, name, target]) => {
          const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([bytes], name));
          for (const type of ['dragover', 'drop'])
            document.querySelector(target).dispatchEvent(
              new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
        }""",
        [base64.b64encode(content).decode(), name, target],
    )


def classified(page, image, fit="crop", model="basenet", box=None):
    """Wait for Python's answer about a picture."""
    said = classify(store.load(model), see(image, fit, box))
    bars = page.locator(".classify .bars li")
    page.locator(".classify .answer:not(.old)").wait_for()
    for k, (name, probability) in enumerate(said.top(3)):
        expect(bars.nth(k)).to_contain_text(name)
        value = float(bars.nth(k).locator(".value").inner_text().strip("<>%"))
        assert abs(value - 100 * probability) <= 0.2


def test_a_dropped_photograph_is_classified_here(visit):
    page = visit("?model=basenet#classify")
    page.locator(".classify .bars li").first.wait_for()
    image = photograph(640, 400)
    drop(page, sent(image), "photo.png", ".classify .yours")
    expect(page.locator(".classify .truth")).to_be_hidden()
    classified(page, image)
    page.get_by_role("button", name="stretch").click()
    page.locator(".classify .answer.old").wait_for(state="detached")
    page.wait_for_timeout(500)
    classified(page, image, "stretch")
    page.get_by_role("button", name="centre crop").click()
    page.locator(".classify .box").press("+")  # as large as it gets: nothing changes
    page.locator(".classify .box").press("ArrowLeft")
    page.wait_for_timeout(1000)
    classified(page, image, box=[112 / 640, 0, 512 / 640, 1])
    expect(page.locator(".classify .pair canvas").first).to_be_visible()
    assert page.locator(".classify .mind").count() == 0
    expect(page.locator(".classify .privacy")).to_contain_text("stays in this browser")
    page.get_by_text("Test images most like it").click()
    expect(page.locator(".classify .like p").first).to_contain_text("the network gets")
    expect(page.locator(".classify .like .neighbours button")).to_have_count(8)
    # A file that misses its place does not take the page away.
    drop(page, sent(image), "photo.png", "header")
    drop(page, b"no picture", "notes.txt", ".classify .yours")
    expect(page.get_by_role("alert")).to_contain_text("not a picture")


def test_networks_are_fetched_when_they_are_needed(visit):
    page = opened(visit(viewport={"width": 390, "height": 844}))
    page.wait_for_timeout(500)

    def heavy():
        kinds = (".onnx", ".packed", ".min.js")
        return {url.rpartition("/")[2] for url in page.addresses if url.endswith(kinds)}

    page.locator("#model label", has_text="BaseNet").click()
    page.locator(".explorer .tile").first.click()
    at_rest(page)
    assert heavy() == set()  # its evidence is on record
    page.locator(".explorer .tile").nth(5).click()
    at_rest(page)
    assert sum(name.endswith(".onnx") for name in heavy()) == 1 and len(heavy()) == 3
    assert "basenet" in next(name for name in heavy() if name.endswith(".onnx"))
    expect(page.locator("#fetching")).to_be_hidden()


def test_what_is_being_fetched_is_said(visit, monkeypatch):
    page = visit("?model=basenet#classify")
    page.locator(".classify .bars li").first.wait_for()
    monkeypatch.setattr(Server, "slow", True)
    page.locator(".classify input[type=file]").first.set_input_files(photo("lion.jpg"))
    line = page.locator("#fetching")
    expect(line).to_contain_text("Fetching the network, once:")
    expect(line).to_contain_text("of 3.")  # MB, of the runtime and the network
    monkeypatch.setattr(Server, "slow", False)
    expect(line).to_be_hidden()
    expect(page.locator(".classify .headline")).not_to_contain_text("cat")


def test_the_pictures_that_the_page_opens_with_need_no_network(visit):
    page = opened(visit(route=("**/*.onnx", lambda route: route.abort()), errors=True))
    at_rest(page)
    expect(page.locator(".detail .evidence-maps")).to_be_visible()
    tab(page, "Classify")
    for example in page.locator(".classify .strip button").all():
        example.click()
        expect(page.locator(".classify .verdict")).not_to_have_class(re.compile("old"))
        expect(page.locator(".classify .status")).to_have_text(["", "", ""])


@pytest.mark.parametrize("lost", ["**/*.onnx", "**/worker.js"])
def test_a_network_that_cannot_be_fetched_says_so_and_can_be_tried_again(visit, lost):
    failing = [True]

    def route(one):
        one.abort() if failing[0] else one.continue_()

    page = opened(visit("?model=basenet&id=61", errors=True, route=(lost, route)))
    status = page.locator(".detail .status")
    expect(status).to_contain_text("could not be fetched")
    expect(page.locator("#fetching")).to_be_hidden()
    failing[0] = False
    status.get_by_role("button", name="try again").click()
    expect(page.locator(".detail .pair figcaption").first).to_contain_text("for ")
    expect(page.locator(".detail .evidence-maps")).to_be_visible()


def test_thumbnails_that_were_lost_are_asked_for_anew(visit):
    failing = [True]

    def route(one):
        one.abort() if failing[0] else one.continue_()

    page = visit(errors=True, route=("**/sheets/*.png", route))
    picture = page.locator(".gallery .tile .pixels").first
    expect(picture).to_have_css("background-image", "none")
    failing[0] = False
    page.locator(".gallery .tile").nth(1).click()
    expect(page.locator(".gallery .tile .pixels").first).to_have_css(
        "background-image", re.compile("sheets/")
    )


def test_a_page_whose_data_is_lost_says_so(visit):
    page = visit(errors=True, route=("**/page.json", lambda route: route.abort()))
    expect(page.locator(".explorer-root")).to_contain_text("could not be fetched")


def test_the_tabs_work_by_keyboard_and_by_address(visit):
    page = opened(visit())
    page.locator("#tabs").get_by_role("tab", name="Mistakes").focus()
    page.keyboard.press("End")
    expect(page.locator("#tab-about")).to_be_visible()
    assert page.url.endswith("#about")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#tab-report")).to_be_visible()
    page.evaluate("location.hash = '#about'")
    expect(page.locator("#tab-about")).to_be_visible()
    page.keyboard.press("Tab")
    page.evaluate("location.hash = '#nonsense'")
    expect(page.locator("#tab-mistakes")).to_be_visible()


def test_no_tab_has_a_barrier(visit, barriers):
    page = opened(visit("?model=basenet", color_scheme="dark"))
    at_rest(page)
    assert page.evaluate("document.documentElement.className") == "dark"
    for name, content in (
        ("Mistakes", ".explorer .tile"),
        ("Classify", ".classify .evidence[aria-busy=false]"),
        ("Report", "#tab-report [data-model]:not([hidden]) table"),
        ("About", "#tab-about h2"),
    ):
        tab(page, name)
        page.locator(content).first.wait_for()
        for theme in ("dark", "light"):
            page.evaluate("(name) => (document.documentElement.className = name)", theme)
            page.evaluate("document.getAnimations().forEach((one) => one.finish())")
            assert barriers(page) == [], (name, theme)


def test_no_tab_is_wider_than_the_screen(visit):
    page = opened(visit("?model=basenet"))
    for name in ("Mistakes", "Classify", "Report", "About"):
        tab(page, name)
        if name == "Classify":
            page.locator(".classify .pair canvas").first.wait_for()
        for width in (900, 390, 320):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)


def test_examples_and_answers_lead_to_mistakes_as_in_the_app(visit):
    page = visit("?model=basenet#classify")
    page.locator(".classify .bars li").first.wait_for()
    page.locator(".classify .strip button", has_text="label looks wrong").click()
    headline = page.locator(".classify .verdict:not(.old) .headline")
    expect(headline).to_contain_text("sure that this picture, labelled cat, is a frog.")
    page.get_by_role("button", name="Test images of class cat that it takes for frog").click()
    expect(page.locator(".explorer .tile").first).to_contain_text("cat, seen as frog")
    assert view_of(page)["model"] == "basenet"


def test_back_and_forward_lead_through_tabs_models_and_images(visit):
    page = opened(visit())
    page.locator(".explorer .tile").nth(2).click()
    page.wait_for_url("**/?id=*")
    picked = view_of(page)["id"]
    page.locator("#model label").nth(1).click()
    page.wait_for_url("**/?model=basenet&id=*")
    tab(page, "Report")
    page.wait_for_url("**#report")
    page.go_back()
    expect(page.locator("#tab-mistakes")).to_be_visible()
    page.go_back()
    expect(page.locator("#model input:checked")).to_have_value("resnet")
    page.wait_for_function("document.querySelector('.explorer').explorer.view.model === 'resnet'")
    page.go_back()
    page.wait_for_function("document.querySelector('.explorer').explorer.view.id === -1")
    for _ in range(3):
        page.go_forward()
    expect(page.locator("#tab-report")).to_be_visible()
    expect(page.locator("#model input:checked")).to_have_value("basenet")
    tab(page, "Mistakes")
    page.wait_for_function(
        "id => document.querySelector('.explorer').explorer.view.id === id", arg=picked
    )


def test_a_picture_unlike_cifar_is_said_to_be(visit, tmp_path):
    """As by the app."""
    for name, image in (("noise", Image.effect_noise((64, 64), 90)), ("bus", None)):
        path = tmp_path / f"{name}.png"
        if image:
            image.convert("RGB").save(path)
        else:
            path = photo("bus.png")
        ckpt = store.load("resnet")
        answer = classify(ckpt, see(open_image(path)))
        page = visit("#classify")
        page.locator(".classify .bars li").first.wait_for()
        page.locator(".classify input[type=file]").first.set_input_files(path)
        name = f" {CLASSES[answer.predicted]}."
        expect(page.locator(".classify .verdict:not(.old) .headline")).to_contain_text(name)
        unlike = page.locator(".classify .notices .unlike")
        expect(unlike).to_have_count(int(ood.is_ood(ckpt, answer)))
