"""One image in the explorer: what is said of it, tags, files and links."""

import base64
import csv
import io
import json
import re
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import expect

from cifar import CLASSES
from cifar.evaluation.metrics import written
from cifar.explain.drawing import COLOURS, colour_table
from cifar.explore import store
from cifar.explore.mistakes import caption, confidence_steps
from cifar.explore.packs import LOSS_STEP
from cifar.explore.verdicts import VERDICTS
from cifar.ui.app import VIEW
from tests.browser.conftest import Classify

pytestmark = pytest.mark.browser


def pixels(canvas):
    """What a canvas shows: uint8 (H, W, 3)."""
    data = canvas.evaluate("canvas => canvas.toDataURL('image/png')").partition(",")[2]
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        return np.asarray(image.convert("RGB"))


# Whether all elements of a selector show a picture, and the pixels of those pictures.
SHOWN = """(where) => [...document.querySelectorAll(where)]
  .every((one) => one.style.backgroundImage.startsWith('url'))"""
DRAWN = """async (where) => Promise.all([...document.querySelectorAll(where)].map(async (one) => {
  const image = new Image();
  image.src = one.style.backgroundImage.slice(5, -2);
  await image.decode();
  const [x, y] = one.style.backgroundPosition.split(' ').map((part) => -parseFloat(part));
  const scale = parseFloat(one.style.backgroundSize) / image.naturalWidth;
  const context = Object.assign(document.createElement('canvas'), { width: 32, height: 32 })
    .getContext('2d');
  context.drawImage(image, x / scale, y / scale, 32, 32, 0, 0, 32, 32);
  return [...context.getImageData(0, 0, 32, 32).data];
}))"""

# What is said


def test_the_detail_says_what_was_recorded(desk, truth):
    rows, other = truth.rows["resnet"], truth.rows["basenet"]
    index = truth.select(verdict="suspect")[0]
    row = rows.loc[index]
    desk.show(id=index, verdict="suspect")
    detail = desk.page.locator("#explorer .detail")
    expect(detail.locator(".facts")).to_contain_text(f"labelled {row['true']}")
    expect(detail.locator(".facts")).to_contain_text(
        f"seen as {row['predicted']}, {written(row['confidence'])} sure"
    )
    expect(detail.locator(".badge")).to_have_text(VERDICTS["suspect"][0])
    loss = float(detail.locator(".numbers").inner_text().split()[1])
    # Rounded twice: for the pack, and for the eye.
    assert loss == pytest.approx(row["loss"], abs=LOSS_STEP / 2 + 0.005)
    votes = truth.annotations.votes[index]
    expect(detail.locator(".shares thead th")).to_have_text(
        ["ResNet 5.3M", "BaseNet 49k", f"people ({votes.sum()})"]
    )
    table = {
        line.locator("th").inner_text(): [int(v) for v in line.locator(".value").all_inner_texts()]
        for line in detail.locator(".shares tbody tr").all()
    }
    name = row["predicted"]
    shares = [row["confidence"], None, votes[CLASSES.index(name)] / votes.sum()]
    if other.loc[index, "predicted"] == name:
        shares[1] = other.loc[index, "confidence"]
    for shown, share in zip(table[name], shares, strict=True):
        assert share is None or abs(shown - 100 * share) <= 0.75
    assert row["true"] in table


def test_from_an_image_to_all_of_its_kind_and_to_the_classify_tab(visit, truth, pixels_of):
    explorer = visit()
    index = explorer.shown
    row = truth.rows["resnet"].loc[index]
    explorer.button(f"all {row['true']} seen as {row['predicted']}").click()
    alike = truth.select(true=[row["true"]], predicted=[row["predicted"]])
    assert explorer.selection == alike
    last = explorer.page.locator("#explorer .tile:visible").last
    last.click()
    index = explorer.shown
    explorer.page.wait_for_url(f"**id={index}*")
    explorer.button("open in Classify").click()
    tab = Classify(explorer.page)
    tab.expect(pixels_of(index))
    expect(tab.headline).to_contain_text(f"this {row['true']} is a {row['predicted']}.")
    expect(tab.root.locator(".bars .people").first).to_be_visible()
    explorer.page.go_back()
    expect(explorer.page.locator("#explorer .detail h2")).to_have_text(f"test image #{index}")
    expect(explorer.page.locator("#explorer .detail h2")).to_be_visible()


def test_neighbours_are_those_of_the_recorded_features(desk, truth):
    recorded = store.predictions("resnet")
    assert recorded.neighbours is not None, "evaluate the checkpoint anew"
    index = truth.select()[4]
    desk.show(id=index)
    figures = desk.page.locator("#explorer .neighbours figure")
    expect(figures).to_have_count(3)
    nearest = recorded.neighbours[index, :3].tolist()
    titles = figures.evaluate_all("all => all.map(one => one.title)")
    assert titles == [f"training image {one}" for one in nearest]
    labels = [CLASSES[label] for label in recorded.neighbour_labels[index, :3]]
    assert figures.all_inner_texts() == labels
    desk.page.wait_for_function(SHOWN, arg="#explorer .neighbours .pixels")
    shown = desk.page.evaluate(DRAWN, "#explorer .neighbours .pixels")
    images = store.neighbor_images("resnet")
    for pixels_of_one, one in zip(shown, nearest, strict=True):
        assert np.array_equal(np.reshape(pixels_of_one, (32, 32, 4))[..., :3], images[one])
    right = recorded.nearest_right[index]
    alike = desk.page.locator("#explorer .alike")
    expect(alike).to_contain_text(caption(right, truth.rows["resnet"].loc[right]))
    alike.click()
    assert desk.shown == right
    # Neighbours explain mistakes: a right answer shows none.
    expect(desk.page.locator("#explorer .neighbours")).to_be_hidden()
    expect(alike).to_be_hidden()


def test_the_twin_of_an_image_among_the_training_images_is_shown(desk):
    images, rows = store.near_duplicates()
    index = 31
    twin = rows.loc[index]
    desk.show(outcome="all", id=index)
    part = desk.page.locator("#explorer .twin")
    expect(part.locator("p")).to_have_text(
        f"Training image #{twin['index']} is nearly the same, shifted by 1 pixel. "
        "The networks here learned from it, so the answer says little."
    )
    expect(part.locator("figcaption")).to_have_text(CLASSES[twin["label"]])
    desk.page.wait_for_function(SHOWN, arg="#explorer .twin .pixels")
    (shown,) = desk.page.evaluate(DRAWN, "#explorer .twin .pixels")
    place = rows.index.get_loc(index)
    assert np.array_equal(np.reshape(shown, (32, 32, 4))[..., :3], images[place])
    held_out = rows.index[rows["held_out"] == 1][0]
    desk.show(outcome="all", id=int(held_out))
    expect(part.locator("p")).to_contain_text("The networks here did not learn from it.")
    desk.show(id=7099)
    expect(part).to_be_hidden()


def test_the_detail_walks_through_the_selection(desk, truth):
    chosen = truth.select()
    before, after = desk.button("‹ previous"), desk.button("next ›")  # noqa: RUF001
    assert desk.shown == chosen[0]
    expect(before).to_be_disabled()
    after.click()
    assert desk.shown == chosen[1]
    desk.press("j", "j", "k", "]", "[")
    assert desk.shown == chosen[2]
    before.focus()
    desk.press("Enter")
    assert desk.shown == chosen[1]
    find = desk.page.get_by_label("find test image")
    find.focus()
    desk.press("j")  # a letter that is typed is no command
    assert desk.shown == chosen[1]
    find.fill(str(chosen[-1]))
    desk.press("Enter")
    expect(after).to_be_disabled()
    after.focus()
    desk.press("Enter")
    assert desk.shown == chosen[-1]
    desk.press("k", "j")  # the focus is still in the explorer, and so are its keys
    assert desk.shown == chosen[-1]
    desk.press("k")
    assert desk.shown == chosen[-2]
    picture = desk.page.locator("#explorer .picture")
    expect(picture).to_have_css("width", "160px")
    picture.click()
    expect(picture).to_have_css("width", "320px")
    picture.focus()
    desk.press("Enter")
    expect(picture).to_have_css("width", "160px")


def test_the_strength_of_heat_maps_asks_nothing_of_the_server(desk, truth, pixels_of):
    index = truth.select()[7]
    desk.show(id=index)
    desk.rest()
    canvases = desk.page.locator("#explorer .pair canvas:visible")
    row = truth.rows["resnet"].loc[index]
    expect(canvases).to_have_count(2)
    for canvas, name in ((canvases.first, row["predicted"]), (canvases.last, row["true"])):
        expect(canvas).to_have_attribute("aria-label", re.compile(f"^heat map for {name}, "))
    expect(desk.page.locator("#explorer .neighbours figure")).to_have_count(3)
    asked = []
    desk.page.on(
        "request",
        # What would change the answer is asked for as soon as it is in sight.
        lambda request: "probes" in (request.post_data or "") or asked.append(request.url),
    )
    desk.page.locator("#explorer .evidence").get_by_text("How this map was made").click()
    slider = desk.page.locator("#explorer").get_by_label("heat map strength")
    large = pixels_of(index).repeat(7, axis=0).repeat(7, axis=1)

    slider.focus()
    desk.press("Home")
    for canvas in canvases.all():
        assert np.array_equal(pixels(canvas), large)  # strength 0: the image untouched
    usual = []
    for strength in ("0.3", "0.6", "0.9"):
        slider.fill(strength)
        usual.append(np.abs(pixels(canvases.first).astype(int) - large).mean())
    assert usual == sorted(usual) and usual[0] > 0  # more strength, more map
    box = slider.bounding_box()
    desk.page.mouse.click(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    expect(slider).to_have_value("1")
    table = {tuple(bytes.fromhex(colour[1:])) for colour in colour_table(COLOURS)}
    for canvas in canvases.all():
        assert {tuple(colour) for colour in pixels(canvas).reshape(-1, 3)} <= table
    smooth = pixels(canvases.first)
    desk.button("cells", exact=True).click()
    assert not np.array_equal(pixels(canvases.first), smooth)
    desk.button("smooth", exact=True).focus()
    desk.press("Enter")
    assert np.array_equal(pixels(canvases.first), smooth)
    slider.fill("0.6")
    desk.page.locator("#explorer .evidence").get_by_text("How this map was made").click()
    assert [url for url in asked if not url.startswith("data:")] == []


def test_what_failed_can_be_tried_again(desk, truth):
    def fail(route):
        if '"look"' in (route.request.post_data or ""):
            route.abort()
        else:
            route.fallback()

    desk.page.route("**/component_server/", fail)
    desk.show(id=truth.select()[30])
    again = desk.page.locator("#explorer .evidence .status").get_by_role("button", name="try again")
    again.wait_for()
    expect(desk.page.locator("#explorer .pair")).to_be_hidden()
    again.click()
    again.wait_for()
    desk.page.unroute("**/component_server/")
    again.focus()
    desk.press("Enter")
    desk.rest()
    expect(desk.page.locator("#explorer .pair")).to_be_visible()
    desk.problems.clear()  # the browser logs each request that came to nothing


def test_the_picture_grows_as_far_as_there_is_room(visit):
    page = visit().page
    picture = page.locator("#explorer .picture")
    for width in (1280, 768, 320):
        page.set_viewport_size({"width": width, "height": 900})
        page.locator("#explorer .tile").first.click()
        picture.click()
        expect(picture).to_have_attribute("aria-pressed", "true")
        side = picture.bounding_box()["width"]
        assert 5 * 32 < side <= 10 * 32 and side % 32 == 0, width
        assert page.evaluate(
            "[document.documentElement, document.querySelector('#explorer .detail')]"
            ".every((node) => node.scrollWidth <= node.clientWidth)"
        )
        picture.click()


def test_a_tag_set_in_another_tab_is_seen_at_once(visit):
    explorer = visit("/?id=61")
    page = explorer.page
    chip = "#explorer [data-tag='ambiguous']"
    other = page.context.new_page()
    other.goto(page.url)
    for pressed in ("true", "false"):
        other.locator(chip).click()
        expect(page.locator(chip)).to_have_attribute("aria-pressed", pressed)
    page.locator(chip).click()
    expect(other.locator(chip)).to_have_attribute("aria-pressed", "true")


def test_tags_stay_in_the_browser_and_are_exported(visit, truth):
    chosen = truth.select()
    explorer = visit()
    page = explorer.page

    def show(place):
        page.locator("#explorer .tile").nth(place).click()
        explorer.rest()  # nothing moves any more
        assert explorer.shown == chosen[place]

    show(2)
    explorer.button("ambiguous", exact=True).click()
    explorer.button("interesting", exact=True).focus()
    explorer.press("Space")
    show(1)
    explorer.button("label wrong", exact=True).click()
    explorer.button("model's fault", exact=True).click()
    explorer.button("model's fault", exact=True).click()

    page.reload()
    explorer.open_tab()
    show(2)
    for tag, state in (("ambiguous", "true"), ("interesting", "true"), ("label wrong", "false")):
        expect(explorer.button(tag, exact=True)).to_have_attribute("aria-pressed", state)
    expect(page.locator("#explorer .tagged")).to_contain_text("2 tagged in this browser")
    name, content = explorer.download(explorer.button("export tags"))
    lines = {int(line["index"]): line for line in csv.DictReader(io.StringIO(content.decode()))}
    assert name == "cifar-tags.csv" and list(lines) == sorted(chosen[1:3])
    assert lines[chosen[2]]["tags"] == "ambiguous; interesting"
    assert lines[chosen[1]]["tags"] == "label wrong"
    row = truth.rows["resnet"].loc[chosen[1]]
    assert [lines[chosen[1]][key] for key in ("label", "predicted", "model")] == [
        row["true"],
        row["predicted"],
        "resnet",
    ]
    page.get_by_text("export", exact=True).click()
    _, content = explorer.download(explorer.button("JSON", exact=True))
    tagged = {row["index"]: row["tags"] for row in json.loads(content)["images"] if row["tags"]}
    assert tagged == {chosen[1]: ["label wrong"], chosen[2]: ["ambiguous", "interesting"]}


# Links and files


def test_the_selection_is_exported_as_csv_and_json(desk, truth):
    rows, ckpt = truth.rows["resnet"], store.load("resnet")
    desk.show(true="cat", pred="dog", sort="test index")
    chosen = truth.select(true=["cat"], predicted=["dog"], sort="test index")
    desk.page.get_by_text("export", exact=True).click()
    name, text = desk.download(desk.button("CSV", exact=True))
    assert name == f"cifar-resnet-{len(chosen)}-images.csv"
    table = pd.read_csv(io.BytesIO(text), keep_default_na=False).set_index("index")
    name, text = desk.download(desk.button("JSON", exact=True))
    assert name == f"cifar-resnet-{len(chosen)}-images.json"
    whole = json.loads(text)
    desk.page.get_by_text("export", exact=True).click()

    assert table.index.tolist() == [row["index"] for row in whole["images"]] == chosen
    assert whole["query"] == "?true=cat&pred=dog&sort=test+index" and whole["model"] == "resnet"
    assert whole["weights_sha256"] == ckpt.sha256 and whole["count"] == len(chosen)
    assert set(table["weights_sha256"]) == {ckpt.sha256} and set(table["model"]) == {"resnet"}
    logits = store.predictions("resnet").logits[chosen] / ckpt.temperature
    probs = np.exp(logits - logits.max(1, keepdims=True))
    probs /= probs.sum(1, keepdims=True)
    columns = [f"probability {name}" for name in CLASSES]
    for found in (table[columns], [row["probabilities"] for row in whole["images"]]):
        np.testing.assert_allclose(found, probs, atol=0.5 / 255 + 1e-4)
    votes = truth.annotations.votes[chosen]
    assert np.array_equal(table[[f"votes {name}" for name in CLASSES]], votes)
    assert np.array_equal([row["votes"] for row in whole["images"]], votes)
    expected = rows.loc[chosen]
    np.testing.assert_allclose(table["confidence"], expected["confidence"], atol=1e-4)
    for column, wanted in (
        ("label", expected["true"]),
        ("predicted", expected["predicted"]),
        ("verdict", expected["verdict"].map(lambda key: VERDICTS[key][0])),
    ):
        assert table[column].tolist() == wanted.tolist()
        assert [row[column] for row in whole["images"]] == wanted.tolist()


def test_a_mistake_is_kept_as_a_picture(desk, truth, pixels_of):
    index = truth.select()[3]
    desk.show(id=index)
    desk.rest()
    name, content = desk.download(desk.button("save card"))
    assert name == f"cifar-test-{index}-resnet.png"
    with Image.open(io.BytesIO(content)) as card:
        assert card.format == "PNG"
        drawn = np.asarray(card.convert("RGB"))
    large = pixels_of(index).repeat(7, axis=0).repeat(7, axis=1)
    assert np.array_equal(drawn[24:248, 24:248], large)
    assert not np.array_equal(drawn[24:248, 272:496], large)  # the first heat map
    assert (drawn[250:, :] != 255).any()  # words and bars


def test_a_link_to_the_view_that_everybody_starts_with_opens_its_tab(desk, visit):
    desk.page.get_by_text("export", exact=True).click()
    desk.button("copy link to this view").click()
    expect(desk.button("copied")).to_be_visible()
    link = desk.page.evaluate("navigator.clipboard.readText()")
    desk.page.get_by_text("export", exact=True).click()
    assert link.endswith("/?panel=matrix")
    page = visit().page
    page.goto(link)
    page.locator("#explorer .tile").first.wait_for()


def test_a_link_brings_the_view_back(desk, visit, truth):
    wanted = {
        "model": "basenet",
        "true": "bird",
        "outcome": "all",
        "agreement": "90% to under 100%",
        "confidence": "10-95",
        "difficulty": "0-28",
        "slice": "class:2",
        "compare": "published:fixed",
        "where": "conf:<99 or not true:cat",
        "sort": "smallest margin",
        "id": 1718,
        "panel": "slices",
    }
    desk.show(**wanted)
    desk.page.get_by_text("export", exact=True).click()
    desk.button("copy link to this view").click()
    expect(desk.button("copied")).to_be_visible()
    link = desk.page.evaluate("navigator.clipboard.readText()")
    desk.page.get_by_text("export", exact=True).click()
    assert {key: values for key, [values] in parse_qs(urlsplit(link).query).items()} == {
        key: str(value) for key, value in wanted.items()
    }
    assert {*wanted, "pred", "verdict"} - {"model"} == VIEW  # each alone opens the explorer's tab
    desk.button("copy link", exact=True).click()
    expect(desk.page.locator("#explorer .keep").get_by_text("copied")).to_be_visible()
    assert desk.page.evaluate("navigator.clipboard.readText()") == link

    explorer = visit("/?" + urlsplit(link).query)
    # The address bar holds it, too.
    explorer.page.wait_for_function("link => location.href === link", arg=link)
    assert explorer.view == desk.view and explorer.selection == desk.selection
    filters = {"true": ["bird"], "wrong": None, "agreement": "90% to under 100%"}
    filters |= {
        "confidence": (10, 95),
        "difficulty": (0, 28),
        "group": ("class", 2),
        "sort": "smallest margin",
        "where": lambda rows: (confidence_steps(rows) < 9900) | (rows["true"] != "cat"),
    }
    among = truth.within("fixed", "published", "basenet")
    assert explorer.selection == truth.select("basenet", among=among, **filters)
    assert explorer.shown == 1718
    expect(explorer.page.locator("#model input:checked")).to_have_value("basenet")


def test_a_hostile_link_opens_the_usual_view(visit, truth):
    explorer = visit(
        "/?true=<script>document.title='owned'</script>&pred=__proto__&outcome=constructor"
        "&verdict=<img src=x onerror=\"document.title='owned'\">&agreement=toString&id=99999"
        "&sort=__proto__&slice=constructor:0&confidence=90-10&compare=evil:fixed&panel=<b>"
        "&model=../../etc/passwd&unknown=1"
    )
    usual = {"true": -1, "predicted": -1, "outcome": "wrong", "verdict": -1, "agreement": -1}
    usual |= {"low": 0, "high": 100, "slice": None, "cell": -1, "sort": 0, "id": -1}
    view = explorer.view
    assert {key: view[key] for key in usual} == usual
    assert view["model"] == "resnet" and view["panel"] == "matrix"
    assert explorer.selection == truth.select() and explorer.chips == []
    assert explorer.page.title() == "CIFAR Lens"
    explorer.page.wait_for_function("location.search === '?tab=mistakes'")
