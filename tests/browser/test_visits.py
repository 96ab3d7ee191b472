"""The explorer over whole visits: models, other visitors, missing data, speed, screens."""

import hashlib
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from cifar import library, screenshot
from cifar.mistakes import SORTS, caption

pytestmark = pytest.mark.browser

PANELS = ("Matrix", "Map", "Slices", "Compare")


# Models


def total_of_matrix(explorer):
    """Mistakes, as the cells beside the diagonal add up to."""
    return explorer.page.locator("#explorer .cell:not(.right)").evaluate_all(
        "cells => cells.reduce((sum, cell) => sum + Number(cell.textContent.replace(',', '')), 0)"
    )


def test_the_header_switches_models_and_keeps_the_filters(visit, truth):
    explorer = visit("/?true=cat&sort=smallest+margin&id=61")
    page = explorer.page
    assert total_of_matrix(explorer) == len(truth.select())
    filters = {"true": ["cat"], "sort": "smallest margin"}
    for by, model, other in (("mouse", "basenet", "resnet"), ("keyboard", "resnet", "basenet")):
        if by == "mouse":
            page.locator("#model label").nth(1).click()
        else:
            page.locator("#model input").first.focus()
            page.keyboard.press("Space")
        wrong = truth.select(model)
        expect(page.locator("#explorer .total")).to_have_text(f"{len(wrong):,} mistakes in 10,000")
        assert explorer.selection == truth.select(model, **filters)
        assert total_of_matrix(explorer) == len(wrong)
        for option in explorer.menu("true class").locator("option").all_inner_texts():
            assert re.fullmatch(r"\w+ \([\d,]+\)", option)
        assert explorer.view["model"] == model and explorer.shown == 61
        row = truth.rows[model].loc[61]
        expect(page.locator("#explorer .facts")).to_contain_text(f"{row['confidence']:.0%} sure")
        heads = page.locator("#explorer .shares thead th")
        first, second = (library.title(library.load(name)) for name in (model, other))
        expect(heads.nth(0)).to_have_text(first.rpartition(" · ")[0])
        expect(heads.nth(1)).to_have_text(second.rpartition(" · ")[0])
        page.wait_for_function(
            f"location.search.includes('model=basenet') === {str(model == 'basenet').lower()}"
        )


def test_a_model_chosen_in_another_tab_is_shown_with_its_first_mistake(visit, truth):
    explorer = visit()
    page = explorer.page
    page.get_by_role("tab", name="Classify").click()
    page.locator("#model label").nth(1).click()
    wrong = truth.select("basenet")
    expect(page.locator("#explorer .total")).to_have_text(f"{len(wrong):,} mistakes in 10,000")
    page.get_by_role("tab", name="Mistakes").click()
    expect(page.locator("#explorer .picture")).to_be_visible()
    assert explorer.shown == wrong[0]


def test_a_link_opens_its_model_in_every_tab(visit, truth):
    explorer = visit("/?model=basenet")
    expect(explorer.page.locator("#model input:checked")).to_have_value("basenet")
    assert explorer.selection == truth.select("basenet")
    assert total_of_matrix(explorer) == len(truth.select("basenet"))
    explorer.page.get_by_role("tab", name="About").click()
    expect(explorer.page.locator("#card h1")).to_have_text("BaseNet on CIFAR-10")


def test_a_link_opens_its_tab_and_stays_what_it_is(visit, truth, url):
    explorer = visit()
    page = explorer.page
    page.goto(f"{url}/?model=basenet&true=cat")
    page.locator("#explorer .tile").first.wait_for()  # without a click on its tab
    assert explorer.view["model"] == "basenet"
    assert explorer.selection == truth.select("basenet", true=["cat"])
    page.wait_for_timeout(400)
    assert page.url.endswith("/?model=basenet&true=cat")


def test_the_header_wins_over_a_link_that_was_opened_before(visit, url):
    explorer = visit()
    page = explorer.page
    page.goto(f"{url}/?model=basenet")
    expect(page.locator("#model input:checked")).to_have_value("basenet")
    page.locator("#model label").nth(0).click()
    explorer.open_tab()
    assert explorer.view["model"] == "resnet"


def test_figures_have_an_address_for_each_content(visit):
    page = visit("/?model=basenet").page
    page.get_by_role("tab", name="Report").click()
    shown = page.locator("#report img, [role=tabpanel] .figure img")
    expect(shown).to_have_count(5)
    for address in shown.evaluate_all("all => all.map((one) => one.src)"):
        content = page.request.get(address).body()
        assert address.endswith(f"-{hashlib.sha256(content).hexdigest()[:16]}.png")


WISHES = """names => {
  for (const detail of names) dispatchEvent(new CustomEvent('lens:model', { detail }));
}"""


def test_the_last_of_two_wishes_for_a_model_is_granted(visit):
    explorer = visit()
    explorer.page.evaluate(WISHES, ["basenet", "resnet"])
    explorer.page.wait_for_timeout(1000)
    assert explorer.view["model"] == "resnet"


def test_a_model_that_does_not_come_can_be_left_again(visit):
    explorer = visit("/?true=cat", errors=True)
    page = explorer.page
    page.route("**/basenet-*.pack", lambda route: route.abort())
    page.reload()  # the other model of Compare was fetched already
    explorer.open_tab()
    before = explorer.selection
    page.locator("#model label").nth(1).click()
    note = page.locator("#explorer").get_by_role("alert")
    expect(note).to_be_visible()
    assert explorer.selection == before and explorer.view["model"] == "resnet"
    page.locator("#model label").nth(0).click()
    expect(note).to_be_hidden()
    page.locator("#model label").nth(1).click()
    expect(note).to_be_visible()
    page.unroute("**/basenet-*.pack")
    note.get_by_role("button", name="try again").click()
    expect(note).to_be_hidden()
    assert explorer.view["model"] == "basenet" and explorer.view["true"] == 3
    page.locator("#explorer .tile").first.click()


def test_two_tabs_of_a_browser_keep_each_others_tags(visit):
    explorer = visit()
    explorer.page.evaluate("localStorage.setItem('cifar-lens:tags', '{\"7\": [\"ambiguous\"]}')")
    explorer.button("interesting", exact=True).click()
    kept = explorer.page.evaluate("JSON.parse(localStorage.getItem('cifar-lens:tags'))")
    assert kept == {"7": ["ambiguous"], str(explorer.shown): ["interesting"]}


def test_visitors_do_not_see_each_other(visit, truth, tmp_path):
    one = visit()
    np.save(tmp_path / "mine.npy", library.predictions("basenet").logits)
    one.panel("Compare")
    one.page.get_by_text("Compare with anybody's predictions").click()
    one.page.get_by_label("predictions file").set_input_files(tmp_path / "mine.npy")
    expect(one.menu("the other model")).to_have_value("upload")
    one.menu("true class").select_option("3")
    one.button("interesting", exact=True).click()
    other = visit()
    assert other.selection == truth.select() and other.chips == []
    expect(other.button("interesting", exact=True)).to_have_attribute("aria-pressed", "false")
    other.panel("Compare")
    names = other.menu("the other model").locator("option").all_inner_texts()
    assert names == [library.title(library.load("basenet")), "a published model"]
    other.page.locator("#model label").nth(1).click()
    expect(other.page.locator("#explorer .total")).to_contain_text("mistakes in 10,000")
    assert one.selection == truth.select(true=["cat"]) and one.view["model"] == "resnet"


# A server that has neither the images nor the annotations, and cannot get them


@pytest.fixture(scope="module")
def bare(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bare")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HF_HOME", "CIFAR_CACHE_DIR", "CIFAR_EXTRAS_DIR", "XDG_CACHE_HOME"):
            patch.setenv(name, str(folder / name.lower()))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("https_proxy", "http://127.0.0.1:9")  # where nobody answers
        with screenshot.serving() as url:
            yield url


def test_it_works_before_images_and_annotations_are_there(bare, visit, truth):
    explorer = visit("/?verdict=own&agreement=all+agree", at=bare)
    page = explorer.page
    chosen = truth.select()
    assert explorer.selection == chosen and explorer.chips == []
    # Thumbnails are awaited, and the page says why; all else is there.
    note = page.locator("#explorer .gallery .note").first
    expect(note).to_contain_text("are not on this computer")
    expect(page.locator("#explorer .tile .pixels.pending")).to_have_count(60)
    text = page.locator("#explorer .tile").nth(2).locator(".caption").inner_text()
    assert text.replace("\n", "") == caption(chosen[2], truth.rows["resnet"].loc[chosen[2]])
    page.locator("#explorer .tile").nth(2).click()
    expect(page.locator("#explorer .detail h2")).to_have_text(f"test image #{chosen[2]}")
    expect(page.locator("#explorer .evidence:not(.changes) .status")).to_contain_text(
        "needs the test images"
    )
    n = len(truth.select(true=["cat"], predicted=["dog"]))
    explorer.button(f"cat predicted as dog: {n}", exact=True).click()
    assert explorer.selection == truth.select(true=["cat"], predicted=["dog"])
    # Tiles that are put away wait for nothing any more.
    assert n < 60
    expect(page.locator("#explorer .tile .pixels.pending")).to_have_count(n)
    explorer.menu("sort").select_option(label="test index")
    assert explorer.selection == truth.select(true=["cat"], predicted=["dog"], sort="test index")
    # What needs the annotations is not offered.
    for hidden in (".summary .chips", ".summary .stack", ".summary .agreed", ".meaning"):
        expect(page.locator(f"#explorer {hidden}")).to_be_hidden()
    expect(page.locator("#explorer .fields select")).to_have_count(3)
    sorts = explorer.menu("sort").locator("option").all_inner_texts()
    assert sorts == [name for name in SORTS if name != "people disagree most"]
    assert "people" not in page.locator("#explorer .detail").inner_text()
    expect(page.locator("#explorer .shares thead th")).to_have_count(2)
    explorer.panel("Slices")
    expect(page.locator("#explorer .groups tbody tr[data-key=class]")).to_have_count(10)
    expect(page.locator("#explorer .groups tbody tr[data-key=agreement]")).to_have_count(0)
    page.get_by_text("export", exact=True).click()
    _, content = explorer.download(explorer.button("CSV", exact=True))
    head, *lines = content.decode().splitlines()
    assert "votes" not in head and len(lines) == n
    # A model that cannot be fetched says so, and the one before it can be chosen again.
    explorer.panel("Compare")
    explorer.menu("the other model").select_option("published")
    expect(page.locator("#explorer .compare .problem").first).to_contain_text(
        "could not be fetched"
    )
    explorer.menu("the other model").select_option("basenet")
    explorer.quarter("fixed").click()
    assert explorer.selection == truth.select(
        true=["cat"], predicted=["dog"], sort="test index", among=truth.within("fixed")
    )


# Speed, by the page's own clock


# Changes a filter or a sort 48 times; gives how long each took until everything was laid out anew,
# and of that what the explorer measured itself.
CHANGES = """async () => {
  const choose = (label, value) => {
    const select = [...document.querySelectorAll('#explorer label')].find(
      (node) => node.firstChild.textContent === label).querySelector('select');
    select.value = value;
    select.dispatchEvent(new Event('change'));
  };
  performance.clearMeasures();
  const spent = [];
  for (let k = 0; k < 48; k++) {
    const start = performance.now();
    if (k % 4 === 0) choose('sort', String((k / 4) % 7));
    if (k % 4 === 1) choose('true class', String((k % 11) - 1));
    if (k % 4 === 2) choose('outcome', ['all', 'right', 'wrong'][k % 3]);
    if (k % 4 === 3) choose('seen as', String((k % 7) - 1));
    document.body.getBoundingClientRect();
    spent.push(performance.now() - start);
    await new Promise((done) => setTimeout(done, 20));
  }
  const own = performance.getEntriesByName('explorer:redraw');
  return [spent, own.map(({ duration }) => duration)];
}"""


@pytest.mark.timing
@pytest.mark.parametrize("panel", PANELS)
def test_filters_and_sorts_redraw_within_50_ms(desk, panel):
    desk.panel(panel)
    # The best of three: other work on the machine only ever adds, as does a pack that comes late.
    for _ in range(3):
        spent, own = (np.array(times) for times in desk.page.evaluate(CHANGES))
        print(f"{panel}: redraw {np.median(own):.1f} ms, with layout {np.median(spent):.1f} ms")
        if len(own) == 48 and np.median(spent) < 50:
            break
    assert len(spent) == len(own) == 48
    assert np.median(own) <= np.median(spent) < 50


# Opens the tab; gives how long that took until images could be picked.
OPENING = """async () => {
  const tab = [...document.querySelectorAll('[role=tab]')].find(
    ({ textContent }) => textContent.trim() === 'Mistakes');
  const ready = () => document.querySelector('#explorer .tile')?.offsetWidth
    && document.querySelector('.explorer').explorer.selection().length;
  const start = performance.now();
  tab.click();
  while (!ready()) await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""


@pytest.mark.timing
def test_the_tab_is_usable_within_1500_ms(visit):
    explorer = visit()
    opened, mounted = [], []
    for _ in range(3):  # the best of three, as above
        explorer.page.goto(explorer.url)
        explorer.problems.clear()  # leaving a page breaks off what it was waiting for
        explorer.page.get_by_role("tab", name="Mistakes").wait_for()
        opened.append(explorer.page.evaluate(OPENING))
        measure = "performance.getEntriesByName('explorer:mount')[0].duration"
        mounted.append(explorer.page.evaluate(measure))
    print(f"mount {min(mounted):.0f} ms, from the click on the tab {min(opened):.0f} ms")
    assert min(mounted) < 1500 and min(opened) < 1500


# Screens and eyes


def sticks_out(page):
    """How far anything reaches beyond the screen's or its card's right edge, in pixels."""
    return page.evaluate(
        """() => Math.max(document.documentElement.scrollWidth - innerWidth,
          ...[...document.querySelectorAll('#explorer :is(.left, .filters, .gallery, .detail)')]
            .map((card) => card.scrollWidth - card.clientWidth))"""
    )


@pytest.mark.parametrize("width", [390, 800, 1120, 1180, 1280, 1440])
def test_every_number_of_the_matrix_fits_its_cell(visit, width):
    page = visit(width=width, height=900).page
    cells = page.locator("#explorer .confusion :is(.cell, td.rate)").filter(visible=True)
    assert cells.count() >= 100
    crowded = cells.evaluate_all(
        """(cells) => cells.filter((cell) => {
          const text = document.createRange();
          text.selectNodeContents(cell);
          return text.getBoundingClientRect().width > cell.getBoundingClientRect().width;
        }).map((cell) => cell.textContent)"""
    )
    assert crowded == []


@pytest.mark.parametrize("width", [1440, 390])
def test_every_panel_fits_and_has_no_barrier_in_light_and_dark(visit, barriers, width):
    explorer = visit("/?true=cat&pred=ship&slice=class:3", width=width, height=940)
    page = explorer.page
    page.locator("#explorer .tile").nth(1).click()
    explorer.rest()
    explorer.button("interesting", exact=True).click()
    page.get_by_text("What do these mean?").click()
    for theme in ("light", "dark"):
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", theme == "dark")
        page.wait_for_timeout(300)  # colours change over a moment
        for panel in PANELS:
            explorer.panel(panel)
            page.mouse.move(0, 0)
            assert sticks_out(page) <= 0, (theme, panel)
            assert barriers(page) == [], (theme, panel)


def test_on_a_phone_the_image_comes_into_view_and_leads_back(visit, truth):
    explorer = visit(width=390, height=844)
    page = explorer.page
    expect(page.locator("#explorer .detail")).to_be_hidden()
    # Three images side by side.
    places = [page.locator("#explorer .tile").nth(k).bounding_box() for k in range(4)]
    assert len({place["y"] for place in places[:3]}) == 1 and places[3]["y"] > places[0]["y"]
    page.locator("#explorer .tile").nth(4).click()
    assert explorer.shown == truth.select()[4]
    detail = page.locator("#explorer .detail")
    expect(detail.locator("h2")).to_be_in_viewport()
    page.wait_for_function(
        "document.querySelector('#explorer .detail').getBoundingClientRect().top < 60"
    )
    explorer.button("next ›").click()  # noqa: RUF001
    assert explorer.shown == truth.select()[5]
    explorer.rest()
    expect(page.locator("#explorer .pair")).to_be_visible()
    explorer.button("back to the images").click()
    expect(page.locator("#explorer .tile").nth(5)).to_be_focused()
