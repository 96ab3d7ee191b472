"""One server and one Chromium for all browser tests, and visitors whose pages must log no error."""

import os
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest

from cifar.evaluation.metrics import written
from cifar.explore import mistakes, store
from cifar.explore.mistakes import CELLS
from cifar.explore.slices import slices
from cifar.report import screenshot
from tests.proxy import HOST
from tests.selection import select

PATIENCE = 60_000  # ms: a machine that does other work too is slow


@pytest.fixture(scope="package")
def browser():
    try:
        screenshot.find_chromium()
    except screenshot.ScreenshotError as error:
        if "CHROMIUM" in os.environ:  # as .ci/run sets it: there, nothing is skipped
            raise
        pytest.skip(str(error))
    with screenshot.chromium(f"--host-resolver-rules=MAP {HOST} 127.0.0.1") as chromium:
        from playwright.sync_api import expect

        expect.set_options(timeout=PATIENCE)
        yield chromium


@contextmanager
def _visitor(browser, *, width=1440, height=940, **options):
    """The page of a fresh visitor, and the list of errors that it logs."""
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    page = context.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    try:
        yield page, problems
    finally:
        context.close()


@pytest.fixture
def page(browser, url):
    """A fresh visitor of the app; any error that the page logs fails the test."""
    with _visitor(browser) as (page, problems):
        page.goto(url)
        page.locator("#classify .bars li").first.wait_for(timeout=PATIENCE)
        yield page
        assert problems == []


class Classify:
    """The Classify tab in a page, and what it asks the server."""

    def __init__(self, page):
        self.page, self.root = page, page.locator("#classify")
        self.asked = []
        page.on("request", self._note)

    def _note(self, request):
        if request.url.rstrip("/").endswith("/component_server"):
            body = request.post_data_json
            self.asked.append((body["fn_name"], body["data"]))

    def questions(self, name):
        """What the page has asked one of the server's functions."""
        return [question for function, question in self.asked if function == name]

    def choose(self, path):
        self.root.locator("input[type=file]").first.set_input_files(path)

    def example(self, caption):
        return self.root.locator(".strip").get_by_role("button", name=caption)

    def button(self, name):
        return self.root.get_by_role("button", name=name, exact=True)

    @property
    def headline(self):
        """Find the sentence of what the network says."""
        return self.root.locator(".verdict:not(.old) .headline")

    @property
    def box(self):
        return self.root.locator(".box")

    @property
    def problem(self):
        return self.root.get_by_role("alert")

    @property
    def seen(self):
        """What is shown as what the network sees: uint8 (32, 32, 3)."""
        values = self.root.locator(".view canvas").evaluate(
            "canvas => Array.from(canvas.getContext('2d').getImageData(0, 0, 32, 32).data)"
        )
        return np.array(values, np.uint8).reshape(32, 32, 4)[..., :3]

    def expect(self, view, answer=None):
        """Wait until this is what the network sees, and its answer there.

        view: uint8 (32, 32, 3). answer: of `classify`.
        """
        self.page.wait_for_function(
            """wanted => {
              const canvas = document.querySelector('#classify .view canvas');
              const { data } = canvas.getContext('2d').getImageData(0, 0, 32, 32);
              return wanted.every((value, k) => data[4 * Math.floor(k / 3) + k % 3] === value);
            }""",
            arg=view.ravel().tolist(),
        )
        self.root.locator(".answer:not(.old)").wait_for()
        if answer is not None:
            bars = self.root.locator(".bars li")
            for k, (name, probability) in enumerate(answer.top(3)):
                assert bars.nth(k).inner_text().split()[:2] == [name, written(probability, 1)]
            assert f" {answer.top(1)[0][0]}" in self.headline.inner_text()


def expect_opening(tab):
    """Wait for the answer to the example that the page opens on."""
    tab.root.locator(".headline", has_text="that this cat is a dog.").wait_for()
    tab.root.locator(".answer:not(.old)").wait_for()


class Explorer:
    """The explorer in a page, and what it says of itself."""

    def __init__(self, page, problems, url):
        self.page, self.problems, self.url = page, problems, url

    def visit(self, query=""):
        """Load the page under an address and open the tab."""
        self.page.goto(self.url + query)
        self.open_tab()

    def open_tab(self):
        self.page.get_by_role("tab", name="Mistakes").click()
        self.page.locator("#explorer .tile").first.wait_for(timeout=PATIENCE)

    def show(self, **wanted):
        """Show the view that a link with these parameters would, without loading the page anew."""
        self.page.evaluate(
            "query => document.querySelector('.explorer').explorer.show(query)",
            self.query(**wanted),
        )

    @property
    def selection(self):
        """The test indices that pass all filters, in order."""
        return self.page.evaluate("document.querySelector('.explorer').explorer.selection()")

    @property
    def view(self):
        return self.page.evaluate("({ ...document.querySelector('.explorer').explorer.view })")

    @property
    def shown(self):
        """The test index of the image in the detail."""
        return self.page.evaluate("document.querySelector('.explorer').explorer.shown")

    @property
    def chips(self):
        """The filters that are on, in words."""
        return [
            text.removesuffix("✕").strip()
            for text in self.page.locator("#explorer .chips.active .chip").all_inner_texts()
        ]

    def button(self, name, **options):
        return self.page.locator("#explorer").get_by_role("button", name=name, **options)

    def menu(self, label):
        """The select under a label, whose text in full has those of all choices."""
        field = self.page.locator("#explorer label", has=self.page.get_by_text(label, exact=True))
        return field.locator("select")

    def quarter(self, cell):
        """A button of the comparison's 2x2."""
        return self.page.locator(f"#explorer .quarter.{cell.replace(' ', '-')}")

    def download(self, button):
        """Name and content of the file that a button gives."""
        with self.page.expect_download() as waiting:
            button.click()
        return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()

    def rest(self):
        """Wait until the maps of the shown image are drawn, or their failure is said."""
        self.page.locator("#explorer .evidence[aria-busy=false]").wait_for(timeout=PATIENCE)

    def panel(self, name):
        self.page.locator("#explorer").get_by_role("tab", name=name).click()

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    @staticmethod
    def query(**wanted):
        """Parameters of a link as a query string."""
        return "?" + urlencode(wanted)


@pytest.fixture(scope="package")
def pixels_of(test_split):
    """A function that gives a test image: uint8 (32, 32, 3)."""
    return lambda index: test_split.images[index].permute(1, 2, 0).numpy()


@pytest.fixture(scope="package")
def barriers():
    """A function that lists what axe finds on a page as it is now."""
    package = Path(find_spec("axe_playwright_python").origin)
    script = package.with_name("axe.min.js").read_text(encoding="utf-8")

    def find(page):
        if not page.evaluate("'axe' in window"):
            page.evaluate(script)
        found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
        return [
            (one["id"], node["target"], node["failureSummary"])
            for one in found
            for node in one["nodes"]
        ]

    return find


@pytest.fixture
def visit(browser, url):
    """A function that opens the explorer as a fresh visitor, under a query and context options."""
    explorers = []
    with ExitStack() as stack:

        def open_one(wanted="", at=url, *, errors=False, **options):
            page, problems = stack.enter_context(_visitor(browser, **options))
            explorer = Explorer(page, problems, at)
            if not errors:
                explorers.append(explorer)
            explorer.visit(wanted)
            return explorer

        yield open_one
    for explorer in explorers:
        assert explorer.problems == []


@pytest.fixture
def classify_tab(browser, url):
    """A function that opens the Classify tab as a fresh visitor with these context options."""
    with ExitStack() as stack:
        logs = []

        def open_one(*, script="", route=None, at="", errors=False, **options):
            page, problems = stack.enter_context(_visitor(browser, **options))
            if not errors:
                logs.append(problems)
            if script:
                page.add_init_script(script)
            if route:
                page.route("**/component_server**", route)
            tab = Classify(page)
            page.goto(url + at)
            tab.root.locator(".bars li").first.wait_for(timeout=PATIENCE)
            return tab

        yield open_one
        assert logs == [[]] * len(logs)


@pytest.fixture(scope="package")
def _desk_tab(browser, url):
    with _visitor(browser) as (page, problems):
        tab = Classify(page)
        page.goto(url)
        tab.root.locator(".bars li").first.wait_for(timeout=PATIENCE)
        yield tab, problems


@pytest.fixture
def tab(_desk_tab):
    """The Classify tab on a desktop's screen, on the example that it opens on.

    One page serves all tests that use it: loading the app takes longer than most of them.
    """
    tab, problems = _desk_tab
    tab.example("sure and wrong").click()
    expect_opening(tab)
    tab.asked.clear()
    yield tab
    seen, problems[:] = list(problems), []
    assert seen == []


@pytest.fixture(scope="package")
def _desk(browser, url, annotations):
    with _visitor(browser, permissions=["clipboard-read", "clipboard-write"]) as (page, problems):
        explorer = Explorer(page, problems, url)
        explorer.visit()
        yield explorer


@pytest.fixture
def desk(_desk):
    """The explorer on a desktop's screen, in the view that everybody starts with.

    One page serves all tests that use it: loading the app takes longer than most of them.
    """
    _desk.show()
    _desk.page.mouse.move(0, 0)
    _desk.page.evaluate("document.activeElement.blur()")
    yield _desk
    seen, _desk.problems[:] = list(_desk.problems), []
    assert seen == []


class Truth:
    """What Python says of every image: what the page must show."""

    def __init__(self, annotations):
        self.annotations = annotations
        self.rows = {name: store.table(name) for name in ("resnet", "basenet")}
        self.rows["published"] = store.answers_table("published")
        qualities = store.predictions("resnet").qualities
        self.dimensions = slices(self.rows["resnet"], qualities)

    def compare(self, other, model="resnet"):
        return mistakes.compare(self.rows[model], self.rows[other])

    def select(self, model="resnet", **filters):
        """Test indices in order."""
        found = select(self.rows[model], dimensions=self.dimensions, **filters)
        return found.index.tolist()

    def within(self, cell, other="basenet", model="resnet"):
        """Test indices of a cell of the comparison."""
        return np.flatnonzero(self.compare(other, model).cells == list(CELLS).index(cell)).tolist()


@pytest.fixture(scope="package")
def truth(annotations):
    return Truth(annotations)
