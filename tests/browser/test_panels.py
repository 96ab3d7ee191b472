"""The explorer's panels beside the matrix: comparison, slices and map."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from cifar.explore import store
from cifar.explore.mistakes import CELLS, caption

pytestmark = pytest.mark.browser


# Compare


def in_words(p):
    """How the page says a probability."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.4f}" if p < 0.01 else f"p = {p:.2f}"


def outcome_of(cell):
    return {"wrong": cell in ("fixed", "both wrong")}


@pytest.mark.parametrize("other", ["basenet", "published"])
def test_two_models_are_compared(desk, truth, other):
    found = truth.compare(other)
    desk.panel("Compare")
    menu = desk.menu("the other model")
    if other == "published":
        menu.focus()
        desk.press("ArrowDown")
    else:
        menu.select_option(other)
    expect(menu).to_have_value(other)
    for cell, n in found.counts.items():
        expect(desk.quarter(cell).locator("b")).to_have_text(f"{n:,}")
    expect(desk.page.locator("#explorer .compare")).to_contain_text(
        f"(McNemar's exact test, {in_words(found.p_value)})"
    )
    for n, cell in enumerate(CELLS):
        button = desk.quarter(cell)
        if n % 2:
            button.click()
        else:
            button.focus()
            desk.press("Enter")
        chosen = truth.select(**outcome_of(cell), among=truth.within(cell, other))
        assert desk.selection == chosen and len(chosen) == found.counts[cell]
        expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    assert desk.selection == truth.select()
    desk.show()


def test_anybodys_predictions_can_be_compared(visit, truth, tmp_path):
    explorer = visit("/?panel=compare", permissions=["clipboard-write"])
    page = explorer.page
    page.get_by_text("Compare with anybody's predictions").focus()
    explorer.press("Enter")
    field, problem = page.get_by_label("predictions file"), page.locator(".compare .problem").last
    before = explorer.selection

    def give(name, save):
        save(tmp_path / name)
        field.set_input_files(tmp_path / name)

    give("short.npy", lambda path: np.save(path, np.zeros((5, 10))))
    expect(problem).to_contain_text("short.npy cannot be used, for it has 5 rows instead of 10,000")
    give("notes.doc", lambda path: path.write_text("hello"))
    expect(problem).to_contain_text("it is no file of one of the kinds .npy, .npz, .csv")
    give("<img src=x onerror=alert(1)>.npy", lambda path: path.write_bytes(b"no"))
    expect(problem).to_contain_text("cannot be used")
    expect(explorer.menu("the other model")).to_have_value("basenet")
    assert explorer.selection == before
    logits = store.predictions("basenet").logits
    give("mixed.npy", lambda path: np.save(path, np.roll(logits, 1, axis=0)))
    expect(problem).to_contain_text("probably not in the official order of the test images")

    give("mine.npy", lambda path: np.save(path, logits))
    expect(problem).to_have_text("Read as logits: 91.1% right.")
    options = explorer.menu("the other model").locator("option")
    expect(options).to_have_count(34)  # with thirty published networks
    assert options.all_text_contents()[:4] == [
        *("BaseNet 91.1%", "mixed.npy", "mine.npy", "a published model")
    ]
    found = truth.compare("basenet")
    for cell, n in found.counts.items():
        expect(explorer.quarter(cell).locator("b")).to_have_text(f"{n:,}")
    expect(page.locator("#explorer .compare")).to_contain_text(in_words(found.p_value))
    explorer.quarter("broken").click()
    assert explorer.selection == truth.select(wrong=False, among=truth.within("broken"))
    assert explorer.chips == ["broken by mine.npy"]
    expect(page.locator("#explorer .shares thead th").nth(1)).to_have_text("mine.npy")
    page.wait_for_timeout(400)
    assert "upload" not in page.url  # which nobody else could open
    page.get_by_text("export", exact=True).click()
    explorer.button("copy link to this view").click()
    left_out = "copied, without the comparison with mine.npy, which only this page has"
    expect(explorer.button(left_out)).to_be_visible()
    explorer.press("Escape")
    expect(explorer.button(left_out)).to_be_hidden()
    # Another model keeps the comparison.
    page.locator("#model label").nth(1).click()
    page.wait_for_function("document.querySelector('.explorer').explorer.view.model === 'basenet'")
    assert explorer.chips == ["broken by mine.npy"] and explorer.selection == []
    page.locator("#model label").nth(0).click()
    page.wait_for_function("document.querySelector('.explorer').explorer.view.model === 'resnet'")
    assert explorer.selection == truth.select(wrong=False, among=truth.within("broken"))

    give("another.npy", lambda path: np.save(path, store.predictions("resnet").logits))
    expect(page.locator("#explorer .compare dt").nth(1)).to_have_text("another.npy")
    for cell in ("fixed", "broken"):
        expect(explorer.quarter(cell).locator("b")).to_have_text("0")


# Slices


def test_mistakes_are_told_by_whom_they_are_hard_for(desk, truth):
    desk.panel("Slices")
    quarters = desk.page.locator("#explorer .slices .quarter")
    groups = truth.dimensions["hard"].groups
    counts = [int(text) for text in quarters.locator("b").all_inner_texts()]
    assert counts == [group["wrong"] for group in groups] and sum(counts) == 498
    for group in range(4):
        quarters.nth(group).click()
        assert desk.selection == truth.select(group=("hard", group))
        assert len(desk.selection) == counts[group]
        expect(quarters.nth(group)).to_have_attribute("aria-pressed", "true")
    quarters.nth(3).press("Enter")
    assert desk.selection == truth.select()
    desk.show(compare="basenet:broken", panel="slices")  # right answers, of which none is left
    quarters.nth(2).click()
    assert len(desk.selection) == counts[2] > 0


def test_slices_filter(desk, truth):
    desk.panel("Slices")
    rows = desk.page.locator("#explorer .groups tr[data-key]")
    seen = set()
    for n, (key, group) in enumerate(
        rows.evaluate_all("all => all.map(row => [row.dataset.key, Number(row.dataset.group)])")
    ):
        if key in seen:
            continue
        seen.add(key)
        title = truth.dimensions[key].groups[group]["title"]
        button = rows.nth(n).get_by_role("button")
        expect(button).to_contain_text(title)
        if n % 2:
            button.focus()
            desk.press("Enter")
        else:
            rows.nth(n).click()
        assert desk.selection == truth.select(group=(key, group))
        expect(button).to_have_attribute("aria-pressed", "true")
    assert seen == set(truth.dimensions) - {"hard"}  # which has a table of its own
    button.click()
    assert desk.selection == truth.select()


# The map


RIM = 0.02  # of the plot, free all round


@pytest.fixture
def plot(desk):
    """The Map panel: its canvas's box, and where each image is drawn within it, 0 to 1."""
    recorded = store.predictions("resnet")
    assert recorded.map is not None, "evaluate the checkpoint anew"
    desk.panel("Map")
    desk.button("reset to the whole map").click()
    canvas = desk.page.locator("#explorer .plot canvas")
    canvas.scroll_into_view_if_needed()
    held = np.rint(recorded.map.astype(float) * 65535) / 65535
    return canvas.bounding_box(), RIM + (1 - 2 * RIM) * held


def drag(page, corners):
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner)
    page.mouse.up()


def in_box(points, x0, y0, x1, y1):
    inside = (points[:, 0] > x0) & (points[:, 0] < x1) & (points[:, 1] > y0) & (points[:, 1] < y1)
    return np.flatnonzero(inside).tolist()


def share(box, x, y):
    """Screen coordinates as shares of the canvas."""
    return (x - box["x"]) / box["width"], (y - box["y"]) / box["height"]


def test_hovering_over_the_map_shows_the_image_and_a_click_opens_it(desk, truth, plot):
    box, points = plot
    rows = truth.rows["resnet"]
    desk.menu("outcome").select_option("all")
    # An image with nothing near it, so that there is no doubt which is meant.
    gaps = [
        np.partition(np.hypot(*(points - points[i]).T), 1)[1] if 0.1 < points[i, 1] < 0.9 else 0
        for i in range(0, 10_000, 7)
    ]
    index = 7 * int(np.argmax(gaps))
    x = float(box["x"] + points[index, 0] * box["width"])
    y = float(box["y"] + points[index, 1] * box["height"])
    desk.page.mouse.move(x, y)
    tip = desk.page.locator("#explorer .tip")
    expect(tip).to_contain_text(caption(index, rows.loc[index]))
    desk.page.mouse.click(x, y)
    assert desk.shown == index
    desk.page.mouse.move(box["x"] + 3, box["y"] + 3)
    expect(tip).to_be_hidden()


def test_a_box_on_the_map_filters(desk, truth, plot):
    box, points = plot
    desk.button("box", exact=True).click()
    left, top = (round(box[side] + 0.3 * box["width"]) for side in ("x", "y"))
    right, bottom = left + round(0.3 * box["width"]), top + round(0.35 * box["width"])
    drag(desk.page, [(left, top), (left + 20, top + 30), (right, bottom)])
    among = in_box(points, *share(box, left, top), *share(box, right, bottom))
    assert desk.selection == truth.select(among=among)
    assert 0 < len(desk.selection) < len(truth.select())
    assert desk.chips == [f"within the box: {len(among):,}"]
    # It combines with other filters, and stays when they change.
    desk.menu("true class").select_option("3")
    assert desk.selection == truth.select(true=["cat"], among=among)
    desk.button(re.compile("^remove filter: within")).focus()
    desk.press("Enter")
    assert desk.selection == truth.select(true=["cat"])


def test_a_lasso_on_the_map_filters(desk, truth, plot):
    from matplotlib.path import Path as Polygon

    box, points = plot
    desk.button("lasso", exact=True).focus()
    desk.press("Enter")
    around = [
        (
            round(box["x"] + box["width"] * (0.45 + 0.2 * np.cos(angle))),
            round(box["y"] + box["height"] * (0.5 + 0.3 * np.sin(angle))),
        )
        for angle in np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ]
    drag(desk.page, around)
    inside = Polygon([share(box, *corner) for corner in around]).contains_points(points)
    assert desk.selection == truth.select(among=np.flatnonzero(inside).tolist())
    assert desk.chips == [f"within the lasso: {inside.sum():,}"]
    desk.page.mouse.click(box["x"] + 4, box["y"] + 4)  # a click beside all points
    assert desk.selection == truth.select()


def test_the_map_zooms_and_moves(desk, truth, plot):
    box, points = plot
    side = box["width"]
    desk.button("zoom in").click()
    desk.button("zoom in").focus()
    desk.press("Enter")
    desk.button("zoom out").click()
    desk.button("move", exact=True).click()
    x, y = round(box["x"] + 0.6 * side), round(box["y"] + 0.6 * side)
    drag(desk.page, [(x, y), (x - 20, y - 10), (x - 40, y - 30)])
    desk.button("box", exact=True).click()
    left, top = round(box["x"] + 0.4 * side), round(box["y"] + 0.4 * side)
    drag(desk.page, [(left, top), (left + 20, top + 20), (left + 90, top + 110)])
    # Once in by 1.6 about the middle, then 40 and 30 pixels to the left and up.
    start = 0.5 - 0.5 / 1.6
    origin = start + 40 / side / 1.6, start + 30 / side / 1.6
    corners = [
        origin[k % 2] + value / 1.6
        for k, value in enumerate((*share(box, left, top), *share(box, left + 90, top + 110)))
    ]
    among = in_box(points, *corners)
    assert len(among) > 20 and desk.selection == truth.select(among=among)
    desk.button("reset to the whole map").click()
    desk.button("lasso", exact=True).click()


def test_the_legend_of_the_map_filters(desk, truth, plot):
    keys = desk.page.locator("#explorer .keys")
    keys.get_by_role("button", name="cat").click()
    assert desk.selection == truth.select(true=["cat"])
    keys.get_by_role("button", name="frog").focus()
    desk.press("Enter")
    assert desk.selection == truth.select(true=["frog"])
    expect(keys.get_by_role("button", name="frog")).to_be_focused()
    desk.press("Enter")
    assert desk.selection == truth.select()
    desk.button("right or wrong", exact=True).click()
    assert keys.locator("button").all_inner_texts() == ["right", "wrong"]
    keys.get_by_role("button", name="right").click()
    assert desk.selection == truth.select(wrong=False)
    desk.button("class", exact=True).click()
