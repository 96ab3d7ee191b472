"""The explorer, as a visitor with a mouse or a keyboard meets it, against `mistakes.py`."""

import io
import random
import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import expect

from cifar import CLASSES
from cifar.explore import store
from cifar.explore.mistakes import CELLS, caption, confidence_steps
from cifar.explore.verdicts import AGREEMENT, VERDICTS
from tests.selection import OUTCOMES, random_views

pytestmark = pytest.mark.browser

MODELS = ("resnet", "basenet")
TITLES = {key: title for key, (title, _) in VERDICTS.items()}


def number(text):
    """The first whole number of a text: 1,271 of '1,271 mistakes'."""
    return int(re.search(r"\d[\d,]*", text)[0].replace(",", ""))


# What is selected


def wishes(truth, count, seed):
    """Random views: parameters of a link, the model, and filters of `mistakes.select`."""
    pick = random.Random(seed)

    views = {
        model: random_views(
            pick,
            truth.dimensions,
            ["published", *(name for name in MODELS if name != model)],
            partial(within, truth, model),
        )
        for model in MODELS
    }
    for _ in range(count):
        model = pick.choice(MODELS)
        link, filters = next(views[model])
        yield {"model": model, **link}, model, filters


def within(truth, model, cell, other):
    return truth.within(cell, other, model)


def test_the_page_selects_the_same_images_in_the_same_order_as_python(desk, truth):
    asked = list(wishes(truth, 200, seed=4))
    found = desk.page.evaluate(
        """async (queries) => {
          const { explorer } = document.querySelector('.explorer');
          const found = [];
          for (const query of queries) {
            await explorer.show(query);
            found.push(explorer.selection());
          }
          return found;
        }""",
        [desk.query(**link) for link, _, _ in asked],
    )
    for (link, model, filters), indices in zip(asked, found, strict=True):
        assert indices == truth.select(model, **filters), link
    # Otherwise all of this would say little.
    assert sum(len(indices) > 0 for indices in found) > 100
    assert sum(len(indices) > 50 for indices in found) > 50


@pytest.mark.parametrize("model", MODELS)
def test_all_totals_agree(desk, truth, model):
    rows = truth.rows[model]
    wrong = int(rows["wrong"].sum())
    desk.show(model=model)
    page = desk.page

    names = page.locator("#explorer .cell").evaluate_all(
        "cells => cells.map(cell => cell.getAttribute('aria-label'))"
    )
    counts = np.reshape([number(name) for name in names], (10, 10))
    expected = pd.crosstab(rows["true"], rows["predicted"]).loc[list(CLASSES), list(CLASSES)]
    assert np.array_equal(counts, expected)
    assert counts.sum() == 10_000 and counts.sum() - counts.trace() == wrong
    for where, share in (
        (".confusion tbody .rate", counts.diagonal() / counts.sum(1)),
        (".confusion tfoot td.rate", counts.diagonal() / counts.sum(0)),
    ):
        shown = page.locator(f"#explorer {where}").all_inner_texts()
        assert shown == [f"{100 * value:.1f}" for value in share]

    assert number(page.locator("#explorer .total").inner_text()) == wrong
    chips = page.locator("#explorer .summary .chip b").all_inner_texts()
    assert [number(chip) for chip in chips] == [
        int((rows["verdict"] == key).sum()) for key in TITLES
    ]
    assert sum(map(number, chips)) == wrong
    assert page.locator("#explorer .count").inner_text() == f"{wrong:,} of {wrong:,} mistakes"
    for label in ("true class", "seen as", "why it is wrong", "people agree"):
        first, *others = desk.menu(label).locator("option").all_inner_texts()
        sums = [number(text.rpartition("(")[2]) for text in (first, *others)]
        assert sums[0] == sum(sums[1:]) == wrong, label

    desk.panel("Slices")
    groups = page.locator("#explorer .groups tr[data-key]").evaluate_all(
        """rows => rows.map(row => [
          row.dataset.key, ...row.title.match(/([\\d,]+) of ([\\d,]+) wrong/).slice(1)])"""
    )
    table = pd.DataFrame(groups, columns=["key", "wrong", "n"])
    sums = table.assign(wrong=table.wrong.map(number), n=table.n.map(number)).groupby("key").sum()
    assert set(sums.index) == set(truth.dimensions) - {"hard"}  # a table of its own
    assert (sums["n"] == 10_000).all() and (sums["wrong"] == wrong).all()

    desk.panel("Compare")
    quarters = [
        number(page.locator(f"#explorer .quarter.{cell.replace(' ', '-')} b").inner_text())
        for cell in CELLS
    ]
    assert sum(quarters) == 10_000
    assert quarters[list(CELLS).index("fixed")] + quarters[list(CELLS).index("both wrong")] == wrong


def test_menus_count_what_each_choice_would_leave(desk, truth):
    filters = {"true": ["cat"], "agreement": "50% to under 90%", "confidence": (30, 95)}
    desk.show(true="cat", agreement="50% to under 90%", confidence="30-95")

    def counted(label):
        texts = desk.menu(label).locator("option").all_inner_texts()
        return [number(text.rpartition("(")[2]) for text in texts]

    def left(**changed):
        return len(truth.select(**{**filters, **changed}))

    assert counted("true class") == [left(true=names) for names in ([], *([c] for c in CLASSES))]
    assert counted("seen as") == [left(predicted=names) for names in ([], *([c] for c in CLASSES))]
    assert counted("outcome") == [left(wrong=wrong) for wrong in OUTCOMES.values()]
    assert counted("why it is wrong") == [left(verdict=key) for key in (None, *VERDICTS)]
    assert counted("people agree") == [left(agreement=band) for band in (None, *AGREEMENT)]


# The matrix


def test_the_matrix_filters_by_mouse(desk, truth):
    dogs = truth.select(true=["cat"], predicted=["dog"])
    cats = truth.select(true=["dog"], predicted=["cat"])
    all_cats = truth.select(true=["cat"], wrong=None)
    cell = desk.button(f"cat predicted as dog: {len(dogs)}", exact=True)
    cell.click()
    assert desk.selection == dogs and desk.chips == ["cat seen as dog"]
    expect(cell).to_have_attribute("aria-pressed", "true")
    wrong = len(truth.select())
    expect(desk.page.locator("#explorer .count")).to_have_text(f"{len(dogs)} of {wrong} mistakes")

    mirrored = desk.button(f"dog seen as cat ({len(cats)})", exact=True)
    mirrored.focus()
    desk.press("Enter", "Enter")
    expect(mirrored).to_be_focused()  # what it names comes and goes; the focus stays
    assert desk.selection == dogs
    mirrored.click()
    assert desk.selection == cats
    expect(cell).to_have_attribute("aria-pressed", "false")
    desk.button(f"dog predicted as cat: {len(cats)}", exact=True).click()
    assert desk.selection == truth.select() and desk.chips == []

    right = truth.select(true=["cat"], predicted=["cat"], wrong=False)
    desk.button(f"cat recognised: {len(right)}", exact=True).click()
    assert desk.selection == right and desk.chips == ["cat, recognised"]

    missed = truth.select(true=["cat"])
    desk.button(
        f"cat, row: {len(missed)} of {len(all_cats):,} missed, "
        f"recall {100 * len(right) / len(all_cats):.1f}%",
        exact=True,
    ).click()
    assert desk.selection == missed and desk.chips == ["labelled cat"]

    desk.button(re.compile("^seen as frog, column")).click()
    assert desk.selection == truth.select(predicted=["frog"]) and desk.chips == ["seen as frog"]


def test_the_matrix_filters_by_keyboard(desk, truth):
    buttons = desk.page.locator("#explorer .confusion button")
    desk.page.locator("#explorer .confusion [tabindex='0']").focus()

    def focused():
        return desk.page.evaluate("document.activeElement.getAttribute('aria-label')")

    desk.press("Control+Home")
    assert focused().startswith("airplane, row")
    desk.press("ArrowDown", "ArrowDown", "ArrowDown", *["ArrowRight"] * 6)
    dogs = truth.select(true=["cat"], predicted=["dog"])
    assert focused() == f"cat predicted as dog: {len(dogs)}"
    desk.press("Enter")
    assert desk.selection == dogs and focused().startswith("cat predicted as dog")
    desk.press("Home", "Space")
    assert focused().startswith("cat, row") and desk.selection == truth.select(true=["cat"])
    desk.press("End", *["ArrowUp"] * 20)
    assert focused().startswith("seen as truck, column")
    desk.press("ArrowLeft", "Enter")
    assert desk.selection == truth.select(predicted=["ship"])
    desk.press("Control+End")
    assert focused().startswith("truck recognised")
    desk.press("ArrowRight", "ArrowDown")  # there is nothing further
    assert focused().startswith("truck recognised")
    assert sum(tab == 0 for tab in buttons.evaluate_all("all => all.map(one => one.tabIndex)")) == 1


def test_the_matrix_shows_counts_or_shares(desk, truth):
    rows = truth.rows["resnet"]
    counts = pd.crosstab(rows["true"], rows["predicted"]).loc[list(CLASSES), list(CLASSES)]
    counts = counts.to_numpy()
    cells = desk.page.locator("#explorer .cell")

    def shown():
        texts = cells.all_inner_texts()
        return np.reshape([float(text.replace(",", "") or 0) for text in texts], (10, 10))

    assert np.array_equal(shown(), counts)
    desk.button("row %", exact=True).click()
    np.testing.assert_allclose(shown(), 100 * counts / counts.sum(1, keepdims=True), atol=0.5001)
    desk.button("column %", exact=True).focus()
    desk.press("Enter")
    np.testing.assert_allclose(shown(), 100 * counts / counts.sum(0), atol=0.5001)
    expect(desk.button("column %", exact=True)).to_have_attribute("aria-pressed", "true")
    desk.button("count", exact=True).focus()
    desk.press("Space")
    assert np.array_equal(shown(), counts)


# Filters


EVERY_FILTER = {
    "true": "cat",
    "outcome": "all",
    "verdict": "ambiguous",
    "agreement": "50% to under 90%",
    "confidence": "20-99",
    "difficulty": "2-30",
    "slice": "class:3",
    "compare": "basenet:both wrong",
}
EVERY_CHIP = [
    "labelled cat",
    "right and wrong",
    "Ambiguous to people",
    "people: 50% to under 90%",
    "confidence 20 to 99%",
    "missed by 2 to 30 networks",
    "True class: cat",
    "both wrong with BaseNet 49k",
]


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_every_filter_shows_as_a_chip_that_takes_it_off(desk, truth, by):
    desk.show(**EVERY_FILTER)
    chips = desk.page.locator("#explorer .chips.active .chip")
    assert desk.chips == EVERY_CHIP
    both = truth.within("both wrong")
    filters = {
        "agreement": "50% to under 90%",
        "confidence": (20, 99),
        "difficulty": (2, 30),
        "group": ("class", 3),
        "among": both,
    }
    if by == "keyboard":
        chips.first.focus()
    for gone, chip in enumerate(EVERY_CHIP, start=1):
        expect(chips.first).to_have_attribute("aria-label", f"remove filter: {chip}")
        if by == "mouse":
            chips.first.click()
        else:  # the focus goes on to the next
            desk.press("Enter")
        assert desk.chips == EVERY_CHIP[gone:]
        if gone == 3:
            assert desk.selection == truth.select(**filters)
    assert desk.selection == truth.select()
    if by == "keyboard":
        expect(desk.menu("true class")).to_be_focused()


def test_keys_take_the_last_filters_off_one_by_one(desk):
    desk.show(**EVERY_FILTER)
    desk.page.locator("#explorer .chips.active .chip").last.focus()
    while before := desk.chips:
        desk.press("Enter")
        gone = set(before) - set(desk.chips)
        assert gone - {"right and wrong"} == {before[-1]}  # which the last one brought with it


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_all_filters_go_at_once(desk, truth, by):
    desk.show(**EVERY_FILTER)
    clear = desk.button("clear all")
    if by == "mouse":
        clear.click()
    else:
        clear.focus()
        desk.press("Enter")
    assert desk.chips == [] and desk.selection == truth.select()


@pytest.mark.parametrize(
    ("label", "value", "filters"),
    [
        ("true class", "3", {"true": ["cat"]}),
        ("seen as", "5", {"predicted": ["dog"]}),
        ("outcome", "right", {"wrong": False}),
        ("outcome", "all", {"wrong": None}),
        ("why it is wrong", "1", {"verdict": "ambiguous"}),
        ("people agree", "2", {"agreement": "50% to under 90%"}),
        ("sort", "4", {"sort": "most undecided"}),
    ],
)
def test_each_menu_acts(desk, truth, label, value, filters):
    menu = desk.menu(label)
    menu.select_option(value)
    assert desk.selection == truth.select(**filters)
    desk.show()
    menu.focus()
    options = menu.locator("option").evaluate_all("all => all.map(one => one.value)")
    desk.press(*["ArrowDown"] * options.index(value))
    assert desk.selection == truth.select(**filters)


def test_mistakes_that_no_published_network_makes_are_one_click_away(desk, truth):
    desk.button("10 mistakes that no published network makes").click()
    assert desk.selection == truth.select(difficulty=(0, 0)) and len(desk.selection) == 10
    assert desk.chips == ["missed by no other network"]
    sentence = desk.page.locator("#explorer .detail .difficulty p").first
    expect(sentence).to_have_text("None of 30 published networks misses it.")
    desk.page.get_by_label("networks that miss it, to").fill("30")
    desk.press("Enter")
    desk.show(id=7099)
    expect(sentence).to_have_text("29 of 30 published networks miss it; most of those say dog.")
    assert desk.page.locator("#explorer .networks i").count() == 30


def test_a_typed_expression_selects(desk, truth):
    desk.show(where="true:cat pred:dog difficulty:<3")
    line, problem = desk.page.get_by_label("expression"), desk.page.locator(".selections .problem")
    expect(line).to_have_value("true:cat pred:dog difficulty:<3")

    def wanted(where, **filters):
        return truth.select(where=where, **filters)

    def easy(rows):
        return (rows["true"] == "cat") & (rows["predicted"] == "dog") & (rows["difficulty"] < 3)

    assert desk.selection == wanted(easy) and desk.selection
    line.fill("not (true:cat or pred:dog) conf:>90")
    desk.press("Enter")
    assert desk.selection == wanted(
        lambda rows: (
            ~((rows["true"] == "cat") | (rows["predicted"] == "dog"))
            & (confidence_steps(rows) > 9000)
        )
    )
    before = desk.selection
    line.fill("true:catt")
    desk.press("Enter")
    expect(problem).to_have_text(
        "true:catt is not known: choose airplane, automobile, bird, cat, deer, dog, frog, horse, "
        "ship, truck."
    )
    assert desk.selection == before
    line.fill("outcome:right people:<0.5")  # what it says of the outcome, the menu does not narrow
    desk.press("Enter")
    expect(problem).to_have_text("")
    assert desk.selection == wanted(lambda rows: rows["agreement"] < 0.5, wrong=False)
    line.fill("true:cat")
    desk.press("Enter")
    assert desk.selection == truth.select(true=["cat"])
    # A link whose expression says nothing, or nests too deep, opens the usual view.
    for text in ("true:nothing", "(" * 2000 + "true:cat" + ")" * 2000):
        desk.show(where=text)
        assert desk.selection == truth.select() and line.input_value() == ""
    desk.show(where="true:cat", pred="dog")
    desk.button("clear all").click()
    assert desk.selection == truth.select() and line.input_value() == ""


def test_selections_are_saved_combined_and_shared(visit, truth):
    explorer = visit("/?true=cat")
    page = explorer.page
    name = page.get_by_label("save this selection as")

    def save(called):
        name.fill(called)
        explorer.button("save", exact=True).click()
        explorer.button(called, exact=True).wait_for()

    page.get_by_text("Expressions and saved selections").click()
    save("cats")
    explorer.show(outcome="all", difficulty="10-30")
    save("hard <images>")
    page.get_by_label("images of").select_option("cats")
    page.get_by_label("combined how").select_option("and not")
    page.get_by_label("and of").select_option("hard <images>")
    explorer.button("show", exact=True).click()
    both = truth.select(true=["cat"], difficulty=(0, 9))
    assert explorer.selection == both and both
    page.wait_for_url("**where=**")
    again = visit(page.url.removeprefix(explorer.url))  # as another visitor
    assert again.selection == both
    explorer.visit()
    page.get_by_text("Expressions and saved selections").click()
    explorer.button("cats", exact=True).click()
    assert explorer.selection == truth.select(true=["cat"])
    explorer.button("forget cats").click()
    expect(explorer.button("cats", exact=True)).to_have_count(0)


def test_a_published_network_can_be_compared_by_its_answers(desk, truth):
    desk.show(panel="compare", compare="published-shake_shake_26_2x96d_SSI")
    networks = store.published_networks()
    said = networks.predictions[networks.names.index("shake_shake_26_2x96d_SSI")]
    labels = store.test_images().labels
    wrong = store.table("resnet")["wrong"].to_numpy()
    fixed = int((wrong & (said == labels)).sum())
    expect(desk.page.locator("#explorer .quarter.fixed b")).to_have_text(str(fixed))
    expect(desk.page.locator("#explorer .rank p")).to_have_text(
        "ResNet 5.3M is more accurate than 16 of 30 published networks."
    )
    heads = desk.page.locator("#explorer .detail .shares thead th")
    assert heads.count() == 2  # this model's and people's: nothing is known of the other's


def test_a_range_of_confidence_is_kept(desk, truth):
    low = desk.page.get_by_label("confidence from, percent")
    high = desk.page.get_by_label("confidence to, percent")
    low.fill("80")
    desk.press("Enter")
    assert desk.selection == truth.select(confidence=(80, 100))
    high.fill("90")
    desk.press("Tab")
    assert desk.selection == truth.select(confidence=(80, 90))
    assert desk.chips == ["confidence 80 to 90%"]
    high.fill("70")  # the end that was typed stands
    desk.press("Enter")
    assert desk.selection == truth.select(confidence=(70, 70))
    low.fill("-5")
    desk.press("Enter")
    high.fill("")
    desk.press("Enter")
    assert desk.selection == truth.select() and desk.chips == []


def test_an_image_is_found_by_its_index_whatever_the_filters(desk, truth):
    find = desk.page.get_by_label("find test image")
    outside = next(i for i in truth.select(wrong=False) if i not in truth.select())
    find.fill(str(outside))
    desk.press("Enter")
    assert desk.shown == outside and desk.selection == truth.select()
    place = desk.page.locator("#explorer .place")
    expect(place).to_have_text("not among the images of this selection")
    expect(desk.page.locator("#explorer .tile[aria-pressed=true]")).to_have_count(0)
    inside = truth.select()[200]
    find.fill(str(inside))
    desk.press("Enter")
    expect(place).to_have_text(f"201 of {len(truth.select()):,} in this selection")
    pressed = desk.page.locator("#explorer .tile[aria-pressed=true]")
    expect(pressed).to_have_attribute("data-index", str(inside))  # its page was turned to
    for wrong in ("10000", "-1", "3.5"):
        find.fill(wrong)
        desk.press("Enter")
        expect(desk.page.get_by_text("Test indices run from 0 to 9999.")).to_be_visible()
        assert desk.shown == inside


def test_verdicts_of_the_summary_filter(desk, truth):
    for number_, (key, title) in enumerate(TITLES.items()):
        chip = desk.page.locator("#explorer .summary .chip").nth(number_)
        chip.click()
        assert desk.selection == truth.select(verdict=key) and desk.chips == [title]
        expect(chip).to_have_attribute("aria-pressed", "true")
        chip.focus()
        desk.press("Enter")
        assert desk.selection == truth.select()
    desk.page.get_by_text("What do these mean?").click()
    for _, rule in VERDICTS.values():
        expect(desk.page.get_by_text(rule, exact=True)).to_be_visible()
    desk.page.get_by_text("What do these mean?").click()


def test_a_filter_that_contradicts_another_takes_its_place(desk, truth):
    desk.show(verdict="own")
    right = truth.select(true=["dog"], predicted=["dog"], wrong=False)
    desk.button(f"dog recognised: {len(right)}", exact=True).click()
    assert desk.selection == right  # right answers have no verdict
    desk.page.locator("#explorer .summary .chip").nth(3).click()
    assert desk.view["outcome"] == "wrong"


# The gallery


def test_tiles_read_alone_and_show_the_images_as_they_are(desk, truth, pixels_of):
    rows = truth.rows["resnet"]
    chosen = truth.select()[:60]
    tiles = desk.page.locator("#explorer .tile:visible")
    expect(tiles).to_have_count(60)
    desk.page.wait_for_function(
        """[...document.querySelectorAll('#explorer .tile:not([hidden]) .pixels')]
          .every((one) => one.style.backgroundImage.startsWith('url'))"""
    )
    captions = tiles.locator(".caption").all_inner_texts()
    for index, text in zip(chosen, captions, strict=True):
        assert text.replace("\n", "") == caption(index, rows.loc[index])
    names = tiles.evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    titles = [TITLES[verdict] for verdict in rows.loc[chosen, "verdict"]]
    assert names == [f"{text}, {title}" for text, title in zip(captions, titles, strict=True)]
    # Each tile is a window on a sheet, at a whole number of screen pixels an image pixel.
    shown = tiles.locator(".pixels").evaluate_all(
        """all => all.map(one => {
          const style = getComputedStyle(one);
          return [style.backgroundImage.slice(5, -2), style.backgroundPosition,
                  style.backgroundSize, style.imageRendering, one.clientWidth];
        })"""
    )
    sheets = {}
    for index, (url, position, size, rendering, width) in zip(chosen, shown, strict=True):
        assert rendering == "pixelated" and width == 3 * 32 and size == f"{25 * 96}px auto"
        if url not in sheets:
            with Image.open(io.BytesIO(desk.page.request.get(url).body())) as sheet:
                sheets[url] = np.asarray(sheet)
        x, y = (round(-float(part.removesuffix("px"))) // 3 for part in position.split())
        assert np.array_equal(sheets[url][y : y + 32, x : x + 32], pixels_of(index)), index


def test_arrow_keys_walk_the_gallery_across_pages(desk, truth):
    chosen = truth.select()
    tiles = desk.page.locator("#explorer .tile")

    def focused():
        return int(desk.page.evaluate("document.activeElement.dataset.index"))

    tiles.nth(59).focus()
    desk.press("ArrowRight")
    assert focused() == chosen[60]
    desk.press("Enter")
    assert desk.shown == chosen[60] and focused() == chosen[60]
    desk.press("ArrowLeft", "ArrowLeft")
    assert focused() == chosen[58] and desk.shown == chosen[60]
    desk.press("Home")
    assert focused() == chosen[0]
    columns = len({tile["x"] for tile in (tiles.nth(k).bounding_box() for k in range(10))})
    desk.press("ArrowDown", "ArrowDown", "ArrowRight", "ArrowUp")
    assert focused() == chosen[columns + 1]
    desk.press("PageDown")
    assert focused() == chosen[columns + 61]
    desk.press("PageUp", "PageUp", "ArrowUp")
    assert focused() == chosen[0]
    desk.press("End", "ArrowRight", "ArrowDown")
    assert focused() == chosen[-1]
    desk.press("Space")
    assert desk.shown == chosen[-1]
    assert sum(tiles.evaluate_all("all => all.map(one => one.tabIndex === 0)")) == 1


def test_the_pager_turns_pages(desk, truth):
    chosen = truth.select()
    first = desk.page.locator("#explorer .tile").first
    back, on = desk.button("previous page"), desk.button("next page")
    expect(back).to_be_disabled()
    on.click()
    expect(first).to_have_attribute("data-index", str(chosen[60]))
    expect(desk.page.locator("#explorer .range-of")).to_have_text(f"61–120 of {len(chosen):,}")  # noqa: RUF001
    on.focus()
    desk.press("Enter")
    expect(first).to_have_attribute("data-index", str(chosen[120]))
    back.focus()
    desk.press("Space")
    expect(first).to_have_attribute("data-index", str(chosen[60]))
    last = -(-len(chosen) // 60)
    desk.page.get_by_label("page", exact=True).fill("99")
    desk.press("Enter")
    expect(first).to_have_attribute("data-index", str(chosen[(last - 1) * 60]))
    expect(desk.page.get_by_label("page", exact=True)).to_have_value(str(last))
    expect(desk.page.locator("#explorer .tile:visible")).to_have_count(
        len(chosen) - 60 * (last - 1)
    )
    expect(on).to_be_disabled()


def test_the_selection_never_goes_stale(desk, truth):
    desk.button("next page").click()
    tile = desk.page.locator("#explorer .tile").nth(5)
    picked = truth.select()[65]
    tile.click()
    assert desk.shown == picked
    key = truth.rows["resnet"].loc[picked, "verdict"]
    without = "most" if key != "most" else "ambiguous"  # either takes several pages
    desk.menu("why it is wrong").select_option(str(list(VERDICTS).index(without)))
    chosen = truth.select(verdict=without)
    # Page one of what is selected now, and its first image in place of one that is not among it.
    expect(desk.page.locator("#explorer .tile").first).to_have_attribute(
        "data-index", str(chosen[0])
    )
    expect(desk.page.locator("#explorer .detail h2")).to_have_text(f"test image #{chosen[0]}")
    # A click means the picture that is seen.
    tile.click()
    assert desk.shown == chosen[5]
    expect(desk.page.locator("#explorer .detail h2")).to_have_text(f"test image #{chosen[5]}")
    desk.menu("sort").select_option("6")
    assert desk.shown == chosen[5]
    tile.click()
    assert desk.shown == truth.select(verdict=without, sort="test index")[5]


def test_where_nothing_passes_the_page_says_so(desk, truth):
    desk.show(true="cat", pred="cat", outcome="wrong")
    assert desk.selection == []
    expect(desk.page.get_by_text("No image passes all of these filters.")).to_be_visible()
    expect(desk.page.locator("#explorer .tile:visible")).to_have_count(0)
    desk.page.locator("#explorer .gallery .link").click()
    assert desk.selection == truth.select()
