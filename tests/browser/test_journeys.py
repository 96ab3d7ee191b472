"""Ways through the page: back and forward, reloads, lost connections, slow and failing networks."""

import base64
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from cifar.data.pictures import network_view, open_image, see
from cifar.evaluation.classifier import classify
from cifar.explore import store
from tests.browser.conftest import PATIENCE, expect_opening
from tests.serving import photo

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LION = photo("lion.jpg")


def chosen_tab(page):
    return page.locator("#parts [data-tab-id][aria-selected=true]")


# Back, forward, reload


def test_back_undoes_the_choice_of_another_model_to_compare_with(visit):
    explorer = visit("/?panel=compare")
    page = explorer.page
    first = explorer.view["other"]
    page.get_by_label("the other model").select_option("published")
    page.wait_for_url(re.compile("compare=published"))
    page.go_back()
    page.wait_for_function(
        "first => document.querySelector('.explorer').explorer.view.other === first", arg=first
    )
    page.go_forward()
    page.wait_for_function(
        "() => document.querySelector('.explorer').explorer.view.other === 'published'"
    )


def test_back_and_forward_lead_through_tabs_models_cells_and_images(visit):
    explorer = visit("/?panel=matrix")
    page = explorer.page
    explorer.button("cat predicted as dog").click()
    page.wait_for_url("**/?true=cat&pred=dog*")
    page.locator("#explorer .tile").nth(2).click()
    page.wait_for_url(re.compile("id="))
    picked = explorer.shown
    page.locator("#model label").nth(1).click()
    page.wait_for_url(re.compile("model=basenet.*id="))
    page.get_by_role("tab", name="Report").click()
    page.wait_for_url(re.compile("tab=report"))
    page.go_back()
    expect(chosen_tab(page)).to_have_text("Mistakes")
    page.go_back()
    expect(page.locator("#model input:checked")).to_have_value("resnet")
    page.wait_for_function("document.querySelector('.explorer').explorer.view.model === 'resnet'")
    assert explorer.shown == picked
    page.go_back()
    page.wait_for_function("document.querySelector('.explorer').explorer.view.id === -1")
    assert explorer.chips == ["cat seen as dog"]
    page.go_back()
    page.wait_for_function("document.querySelector('.explorer').explorer.view.true === -1")
    for _ in range(4):
        page.go_forward()
    expect(chosen_tab(page)).to_have_text("Report")
    expect(page.locator("#model input:checked")).to_have_value("basenet")
    page.wait_for_function(
        "id => document.querySelector('.explorer').explorer.view.id === id", arg=picked
    )


@pytest.mark.parametrize("tab", ["Report", "About", "Classify"])
def test_a_reload_keeps_tab_and_model(visit, tab):
    explorer = visit("/?true=cat")
    page = explorer.page
    page.locator("#model label").nth(1).click()
    page.get_by_role("tab", name=tab).click()
    page.wait_for_url(re.compile(f"tab={tab.lower()}"))
    page.reload()
    expect(chosen_tab(page)).to_have_text(tab)
    expect(page.locator("#model input:checked")).to_have_value("basenet")
    explorer.open_tab()
    assert explorer.view["model"] == "basenet" and len(explorer.chips) == 1


def test_a_reload_brings_picture_and_crop_back(classify_tab):
    """As Gradio's own reload after a lost connection."""
    tab = classify_tab()
    tab.choose(LION)
    tab.expect(network_view(open_image(LION)))
    tab.box.focus()
    before = tab.seen
    tab.page.keyboard.press("-")
    while np.array_equal(tab.seen, before):
        tab.page.wait_for_timeout(50)
    tab.root.locator(".answer:not(.old)").wait_for()
    seen = tab.seen
    tab.page.reload()
    tab.root.locator(".view canvas").wait_for(timeout=PATIENCE)
    tab.expect(seen)
    assert tab.root.locator(".frame img").get_attribute("alt") == "lion.jpg"
    for step in (tab.example("right and sure").click, tab.page.reload):
        step()
        expect(tab.headline).to_contain_text("horse, and it is.")


# Pictures from elsewhere


DROP = """([type, content, name]) => {
  const data = new DataTransfer();
  if (type === 'file') {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    data.items.add(new File([bytes], name));
  } else data.setData(type, content);
  const target = document.querySelector('#brand');
  for (const kind of ['dragover', 'drop']) {
    const event = new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data });
    target.dispatchEvent(event);
    if (!event.defaultPrevented) return false;
  }
  return true;
}"""


def test_a_file_dropped_beside_the_card_is_taken(classify_tab):
    tab = classify_tab()
    content = base64.b64encode(LION.read_bytes()).decode()
    assert tab.page.evaluate(DROP, ["file", content, "lion.jpg"])
    tab.expect(network_view(open_image(LION)))


@pytest.mark.parametrize(
    "dragged",
    [
        ["text/uri-list", "http://127.0.0.1:9/a.png"],
        ["text/uri-list", "file:///etc/passwd"],
        ["text/uri-list", "javascript:alert(1)"],
    ],
)
def test_a_picture_dragged_from_within_the_network_is_refused_in_words(classify_tab, dragged):
    tab = classify_tab()
    before = tab.seen
    assert tab.page.evaluate(DROP, [*dragged, ""])
    expect(tab.problem).to_contain_text(re.compile("could not be fetched|is no picture"))
    assert np.array_equal(tab.seen, before)
    assert tab.questions("fetch_picture") == [{"url": dragged[1]}]


# Slow and failing networks


def held(page, name):
    """Hold the page's questions of one name; returns the held routes."""
    routes = []

    def handle(route):
        if route.request.post_data_json["fn_name"] == name:
            routes.append(route)
        else:
            route.continue_()

    page.route("**/component_server**", handle)
    return routes


def release(page, routes, **answer):
    """Answer the held questions, or let them through, and hold no more."""
    while not routes:
        page.wait_for_timeout(50)
    for route in routes:
        route.fulfill(**answer) if answer else route.continue_()
    page.unroute_all()


def test_no_answer_stands_beside_another_picture(classify_tab):
    tab = classify_tab(errors=True)
    page, answer = tab.page, tab.root.locator(".verdict")
    tab.example("sure and wrong").click()
    expect_opening(tab)
    save = tab.button("save evidence (.zip)")
    routes = held(page, "look")
    tab.choose(LION)
    tab.root.locator(".answer.old").wait_for()
    for hidden in (".headline", ".lead", ".bars li"):
        expect(tab.root.locator(hidden).first).to_be_hidden()
    expect(answer.get_by_text("looking ...")).to_be_visible()
    expect(tab.root.locator(".evidence .pair canvas").first).to_be_hidden()
    expect(save).to_have_attribute("aria-disabled", "true")
    release(page, routes, status=500, body="{}")
    expect(answer.get_by_text("The server did not answer.")).to_be_visible()
    expect(answer.locator(".headline")).to_be_hidden()
    expect(save).to_have_attribute("aria-disabled", "true")
    answer.get_by_role("button", name="try again").click()
    seen = see(open_image(LION))
    tab.expect(seen.views[0], classify(store.load("resnet"), seen))
    expect(save).to_have_attribute("aria-disabled", "false")


def test_a_crop_that_is_not_read_leaves_nothing_to_save(classify_tab):
    tab = classify_tab(errors=True)
    tab.choose(LION)
    tab.expect(network_view(open_image(LION)))
    routes = held(tab.page, "see")
    tab.button("stretch").click()
    save = tab.button("save evidence (.zip)")
    expect(save).to_have_attribute("aria-disabled", "true")
    expect(tab.root.locator(".evidence .pair canvas").first).to_be_hidden()
    release(tab.page, routes, status=500, body="{}")
    expect(tab.problem).to_contain_text("The server did not answer.")
    expect(save).to_have_attribute("aria-disabled", "true")
    expect(tab.headline).to_be_hidden()
    tab.button("try again").click()
    tab.expect(network_view(open_image(LION), "stretch"))


def test_before_the_first_picture_every_control_is_quiet(browser, url):
    page = browser.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    routes = held(page, "examples")
    page.goto(url)
    root = page.locator("#classify")
    root.get_by_text("Loading the examples ...").wait_for(timeout=PATIENCE)
    for folded in root.locator(".why .choose > summary").all():
        folded.click()
    root.get_by_label("method").select_option(index=2)
    root.get_by_text("fuse several").click()
    root.get_by_label("beside").select_option(index=1)
    root.locator(".where .chip").first.click()
    save = root.get_by_role("button", name="save evidence (.zip)")
    expect(save).to_have_attribute("aria-disabled", "true")
    save.click(force=True)
    release(page, routes)
    root.locator(".verdict:not(.old) .headline").wait_for(timeout=PATIENCE)
    assert problems == []
    page.close()


@pytest.mark.parametrize(("tab", "module"), [("Classify", "gradio-classify"), ("Mistakes", "pack")])
def test_scripts_that_are_gone_are_said_with_a_way_out(browser, url, tab, module):
    """As for a page of before an update."""
    page = browser.new_page()
    page.route(f"**/{module}.js", lambda route: route.fulfill(status=404))
    page.goto(url)
    page.get_by_role("tab", name=tab).click()
    alert = page.get_by_role("alert").filter(has_text="This tab did not start")
    alert.wait_for(timeout=PATIENCE)
    page.unroute_all()
    alert.get_by_role("button", name="reload the page").click()
    page.locator("#classify .bars li").first.wait_for(timeout=PATIENCE)
    page.close()


# Small and long things


def test_a_small_crop_box_can_be_moved(classify_tab, tmp_path):
    path = tmp_path / "wide.png"
    Image.effect_noise((900, 600), 60).convert("RGB").save(path)
    tab = classify_tab()
    tab.choose(path)
    tab.expect(network_view(open_image(path)))
    tab.box.focus()
    for _ in range(60):
        tab.page.keyboard.press("-")
    before = tab.box.bounding_box()
    assert before["width"] < 30
    x, y = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2
    tab.page.mouse.move(x, y)
    tab.page.mouse.down()
    tab.page.mouse.move(x + 50, y + 20, steps=4)
    tab.page.mouse.up()
    after = tab.box.bounding_box()
    assert after["x"] - before["x"] == pytest.approx(50, abs=2)
    assert after["width"] == pytest.approx(before["width"], abs=1)


@pytest.mark.parametrize("width", [1180, 1440, 390])
def test_a_long_name_of_a_file_hides_no_tab(visit, tmp_path, width):
    path = tmp_path / f"{'predictions_of_my_network_' * 4}.npy"
    np.save(path, store.predictions("basenet").logits)
    explorer = visit("/?panel=compare", width=width, height=900)
    page = explorer.page
    page.get_by_text("Compare with anybody's predictions").click()
    page.get_by_label("predictions file").set_input_files(path)
    page.get_by_text("Read as logits").wait_for()
    panel = page.locator("#explorer .left").bounding_box()
    for name in ("Matrix", "Map", "Slices", "Compare"):
        button = page.locator("#explorer").get_by_role("tab", name=name).bounding_box()
        assert panel["x"] <= button["x"], name
        assert button["x"] + button["width"] <= panel["x"] + panel["width"] + 1, name
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    accuracies = page.locator("#explorer .accuracies dd").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect().height)"
    )
    assert max(accuracies) < 120  # a few lines: no letter stands alone on one


def test_j_and_k_walk_from_anywhere_and_keep_the_picked_tile_in_sight(visit, truth):
    explorer = visit()
    page = explorer.page
    page.evaluate("document.activeElement.blur()")
    chosen = truth.select()
    explorer.press(*["j"] * 115)
    page.wait_for_function("() => document.querySelectorAll('.tile[aria-pressed=true]').length")
    assert explorer.shown == chosen[115]
    picked = page.locator("#explorer .tile[aria-pressed=true]")
    expect(picked).to_have_count(1)
    expect(picked).to_be_in_viewport()
    picked.focus()
    explorer.press("k", "k")
    assert explorer.shown == chosen[113]
    focused = page.evaluate("+document.activeElement.dataset.index")
    assert focused == chosen[113]  # no other tile wears a ring
    page.locator("#explorer").get_by_label("go to test index").or_(
        page.locator("#explorer input[type=number]").first
    ).first.focus()
    explorer.press("j")
    assert explorer.shown == chosen[113]  # in a field it is a letter


def test_a_picked_cell_looks_picked_under_the_mouse(desk):
    cell = desk.button("cat predicted as dog")
    cell.click()
    ring = "button => getComputedStyle(button).boxShadow"
    hovered = cell.evaluate(ring)
    desk.page.mouse.move(0, 0)
    desk.page.wait_for_timeout(300)
    assert hovered == cell.evaluate(ring) != "none"


def test_the_nearest_right_image_of_a_mistake_needs_no_large_sheet(visit):
    explorer = visit()
    page = explorer.page
    page.locator("#explorer .alike .pixels").wait_for()
    page.wait_for_function(  # the sheet that has the first mistakes themselves
        "() => [...document.querySelectorAll('#explorer .tile:not([hidden]) .pixels')]"
        ".every((one) => one.style.backgroundImage.includes('/sheet'))"
    )
    asked = []
    page.on("response", lambda answer: asked.append(answer.url) if ".png" in answer.url else None)
    for _ in range(20):
        explorer.press("j")
    explorer.rest()
    page.wait_for_load_state("networkidle")
    painted = page.locator("#explorer .alike .pixels").evaluate(
        "node => getComputedStyle(node).backgroundImage"
    )
    assert "neighbors-" in painted
    assert [one for one in asked if "/sheet" in one] == []
