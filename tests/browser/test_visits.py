"""The explorer over whole visits: models, other visitors, missing data, screens."""

import hashlib
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from cifar.evaluation.metrics import written
from cifar.explore import store

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
            page.locator("#model input").nth(1).focus()
            page.keyboard.press("ArrowUp")
            expect(page.locator("#model input").first).to_be_focused()
        wrong = truth.select(model)
        expect(page.locator("#explorer .total")).to_have_text(f"{len(wrong):,} mistakes in 10,000")
        assert explorer.selection == truth.select(model, **filters)
        assert total_of_matrix(explorer) == len(wrong)
        for option in explorer.menu("true class").locator("option").all_inner_texts():
            assert re.fullmatch(r"\w+ \([\d,]+\)", option)
        assert explorer.view["model"] == model and explorer.shown == 61
        row = truth.rows[model].loc[61]
        expect(page.locator("#explorer .facts")).to_contain_text(
            f"{written(row['confidence'])} sure"
        )
        heads = page.locator("#explorer .shares thead th")
        for k, name in enumerate((model, other)):
            expect(heads.nth(k)).to_have_text(store.short_title(store.load(name)))
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
    explorer.page.get_by_role("button", name="Model card").click()
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
    shown = page.locator("#report figure img")
    expect(shown).to_have_count(2 * 3)  # for each theme
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
    page.route("**/published-*.pack", lambda route: route.abort())
    page.reload()  # the other model of Compare was fetched already
    explorer.open_tab()
    before = explorer.selection
    page.locator("#model label").nth(1).click()
    note = page.locator("#explorer").get_by_role("alert")
    expect(note).to_be_visible()
    assert explorer.selection == before and explorer.view["model"] == "resnet"
    page.locator("#model label").nth(0).click()
    expect(note).to_be_hidden()
    explorer.panel("Compare")
    explorer.menu("the other model").select_option("published")
    expect(page.locator("#explorer .compare .problem").first).not_to_be_empty()
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
    np.save(tmp_path / "mine.npy", store.predictions("basenet").logits)
    one.panel("Compare")
    one.page.get_by_text("Compare with anybody's predictions").click()
    one.page.get_by_label("predictions file").set_input_files(tmp_path / "mine.npy")
    expect(one.menu("the other model")).to_have_value(re.compile("^upload-"))
    one.menu("true class").select_option("3")
    one.button("interesting", exact=True).click()
    other = visit()
    assert other.selection == truth.select() and other.chips == []
    expect(other.button("interesting", exact=True)).to_have_attribute("aria-pressed", "false")
    other.panel("Compare")
    names = other.menu("the other model").locator("option").all_inner_texts()
    assert names[:2] == [store.title(store.load("basenet")), "a published model"]
    assert len(names) == 32
    other.page.locator("#model label").nth(1).click()
    expect(other.page.locator("#explorer .total")).to_contain_text("mistakes in 10,000")
    assert one.selection == truth.select(true=["cat"]) and one.view["model"] == "resnet"


# Screens and eyes


def sticks_out(page):
    """How far anything reaches beyond the screen's or its card's right edge, in pixels."""
    return page.evaluate(
        """() => Math.max(document.documentElement.scrollWidth - innerWidth,
          ...[...document.querySelectorAll('#explorer :is(.left, .filters, .gallery, .detail)')]
            .map((card) => card.scrollWidth - card.clientWidth))"""
    )


CROWDED = """(cells) => cells.filter((cell) => {
  const text = document.createRange();
  text.selectNodeContents(cell);
  return text.getBoundingClientRect().width > cell.getBoundingClientRect().width;
}).map((cell) => cell.textContent)"""


def test_every_number_of_the_matrix_fits_its_cell(visit):
    page = visit().page
    cells = page.locator("#explorer .confusion :is(.cell, td.rate)").filter(visible=True)
    for width in (390, 800, 1120, 1180, 1280, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert cells.count() >= 100
        assert cells.evaluate_all(CROWDED) == [], width


def test_every_panel_fits_and_has_no_barrier_in_light_and_dark(visit, barriers):
    explorer = visit("/?true=cat&pred=ship&slice=class:3")
    page = explorer.page
    page.locator("#explorer .tile").nth(1).click()
    explorer.rest()
    explorer.button("interesting", exact=True).click()
    page.get_by_text("What do these mean?").click()
    for width, dark in ((1440, False), (390, True)):
        page.set_viewport_size({"width": width, "height": 940})
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
        page.evaluate("document.getAnimations().forEach((one) => one.finish())")
        for panel in PANELS:
            explorer.panel(panel)
            page.mouse.move(0, 0)
            assert sticks_out(page) <= 0, (width, dark, panel)
            assert barriers(page) == [], (width, dark, panel)


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
