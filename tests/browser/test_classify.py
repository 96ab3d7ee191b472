"""The Classify tab as a visitor meets it: ways in, crops, answers, what goes wrong, screens."""

import base64
import re

import numpy as np
import pillow_heif
import pytest
from PIL import Image
from playwright.sync_api import expect

from cifar import CLASSES
from cifar.data.pictures import Seen, network_view, open_image, see
from cifar.evaluation import ood
from cifar.evaluation.classifier import classify
from cifar.evaluation.metrics import written
from cifar.explore import store
from cifar.explore.page_data import pixels_of
from tests.serving import photo

pytestmark = pytest.mark.browser

WIDE = photo("cheetah.jpg")  # more wide than high
WIDTH, HEIGHT = 502, 343
OPENING = 7099  # test index of the example that the page opens on


def said(seen, model="resnet"):
    return classify(store.load(model), seen)


# Pictures in


def test_it_opens_on_an_answer(classify_tab, pixels_of):
    tab = classify_tab()
    answer = said(Seen.image(pixels_of(OPENING)))
    tab.expect(pixels_of(OPENING), answer)
    expect(tab.example("sure and wrong")).to_have_attribute("aria-pressed", "true")
    expect(tab.headline).to_have_text(
        f"This network is {written(answer.confidence, 1)} sure that this cat is a dog."
    )
    lead = tab.root.locator(".verdict .lead")
    expect(lead).to_contain_text("42 of 53 people say cat. It learned ten classes from 48,000")
    expect(tab.root).to_contain_text("do not send private ones")
    # The picture is shown large already: what the network sees of it needs no second copy.
    expect(tab.root.locator(".view")).to_be_hidden()
    # A picture of 32x32 pixels leaves nothing to choose.
    expect(tab.box).to_be_hidden()
    expect(tab.button("stretch")).to_be_hidden()
    assert len(tab.questions("look")) == 1 and tab.questions("see") == []


def test_the_test_images_most_like_a_picture_are_shown(classify_tab):
    tab = classify_tab()
    tab.choose(photo("lion.jpg"))
    answer = said(see(open_image(photo("lion.jpg"))))
    tab.expect(see(open_image(photo("lion.jpg"))).views[0], answer)
    nearest = ood.nearest_images(answer, store.load("resnet"))
    rows = store.table("resnet").loc[nearest]
    assert tab.questions("asset") == []
    tab.root.get_by_text("Test images most like it").click()
    like = tab.root.locator(".like")
    right = int((~rows["wrong"]).sum())
    expect(like.locator("p").first).to_have_text(
        f"Of the 50 test images most like it, the network gets {right} right ({right / 50:.0%})."
    )
    tiles = like.locator(".neighbours button")
    expect(tiles).to_have_count(8)
    for k, (index, row) in enumerate(rows.head(8).iterrows()):
        expect(tiles.nth(k)).to_have_attribute(
            "title", re.compile(f"^#{index}, {row.difficulty} of 30")
        )
        expect(tiles.nth(k).locator("b")).to_have_text(row.true)
    tiles.first.click()
    expect(tab.page.locator("#explorer .detail h2")).to_contain_text(f"#{nearest[0]}")


def dropped(page, path, kind):
    """Drop or paste a file, as a browser tells a page of it."""
    data = base64.b64encode(path.read_bytes()).decode()
    page.evaluate(
        """([data, name, kind]) => {
          const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
          const dataTransfer = new DataTransfer();
          if (name) dataTransfer.items.add(new File([bytes], name, { type: 'image/jpeg' }));
          const target = document.querySelector('#classify .yours');
          if (kind === 'drop') {
            for (const type of ['dragover', 'drop'])
              target.dispatchEvent(
                new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
          } else document.activeElement.dispatchEvent(new ClipboardEvent(
            'paste', { clipboardData: dataTransfer, bubbles: true, cancelable: true }));
        }""",
        [data, path.name if path.suffix == ".jpg" else "", kind],
    )


@pytest.mark.parametrize("way", ["choose", "drop", "paste"])
def test_a_picture_comes_in(tab, way):
    if way == "choose":
        with tab.page.expect_file_chooser() as chooser:
            tab.button("Try your own picture").press("Enter")
        chooser.value.set_files(WIDE)
    else:
        dropped(tab.page, WIDE, way)
    seen = see(open_image(WIDE))
    tab.expect(seen.views[0], said(seen))
    expect(tab.root.locator(".yours.over")).to_have_count(0)
    expect(tab.headline).to_contain_text("sure that this is a")
    expect(tab.root.locator(".view figcaption")).to_contain_text("32 x 32 pixels")
    expect(tab.root.locator(".strip [aria-pressed=true]")).to_have_count(0)
    size = tab.root.locator(".frame img").evaluate("img => [img.naturalWidth, img.naturalHeight]")
    assert size == [WIDTH, HEIGHT]
    assert len(tab.questions("see")) == 1
    # What is known already, from the same picture before, is not asked for again.
    assert [q["image"] for q in tab.questions("look")] in (
        [],
        [{"pixels": pixels_of(seen.views), "kind": "looks"}],
    )


def test_each_look_says_its_class_and_one_is_explained(tab):
    seen = see(open_image(WIDE))
    answer = said(seen)
    tab.choose(WIDE)
    tab.expect(seen.views[0], answer)
    looks = tab.root.locator(".look-strip").get_by_role("button")
    expect(looks).to_have_count(4)
    for k, classes in enumerate(answer.said.tolist()):
        names = list(dict.fromkeys(CLASSES[one] for one in classes))
        expect(looks.nth(k)).to_have_text("/".join(names))
    agreed = int((answer.said == answer.predicted).sum())
    expect(tab.root.locator(".looks")).to_contain_text(
        f"{agreed} of 8 looks say {CLASSES[answer.predicted]}."
    )
    expect(tab.root.locator(".answer")).to_contain_text("Calibrated on 107 photographs")
    looks.nth(3).press("Enter")
    expect(looks.nth(3)).to_have_attribute("aria-pressed", "true")
    tab.expect(seen.views[3], answer)
    tab.page.wait_for_function(
        "() => document.querySelector('#classify .why .evidence').ariaBusy === 'false'"
    )
    assert tab.questions("look")[-1]["image"]["look"] == 3
    tab.button("stretch").click()  # the visitor's own choice is looked at once
    tab.expect(network_view(open_image(WIDE), "stretch"))
    expect(tab.root.locator(".looks")).to_be_hidden()
    tab.button("centre crop").click()  # it would stay for the next picture


def test_a_paste_into_another_tab_or_without_a_picture_changes_nothing(tab, tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("x")
    before = tab.seen
    dropped(tab.page, text, "paste")
    expect(tab.problem).to_have_text("There is no picture on the clipboard.")
    tab.page.get_by_role("tab", name="About").click()
    dropped(tab.page, WIDE, "paste")
    tab.page.get_by_role("tab", name="Classify").click()
    tab.page.wait_for_timeout(300)
    assert np.array_equal(tab.seen, before) and tab.questions("see") == []


CAMERA = """
  navigator.mediaDevices.enumerateDevices = async () => [{ kind: 'videoinput' }];
  navigator.mediaDevices.getUserMedia = async () => {
    if (window.refused) throw new DOMException('no', 'NotAllowedError');
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 });
    const context = canvas.getContext('2d');
    const paint = () => {
      context.fillStyle = 'rgb(10, 200, 30)';
      context.fillRect(0, 0, 640, 480);
      requestAnimationFrame(paint);
    };
    paint();
    window.stream = canvas.captureStream(10);
    return window.stream;
  };
"""


def test_a_photo_is_taken(classify_tab):
    tab = classify_tab(script=CAMERA)
    tab.button("take a photo").click()
    tab.button("take the photo").click()
    expect(tab.box).to_be_visible()
    expect(tab.root.get_by_role("dialog")).to_be_hidden()
    assert np.abs(tab.seen.astype(int) - (10, 200, 30)).max() < 12
    assert tab.questions("see")[-1]["path"].endswith("photo.png")
    assert tab.page.evaluate("stream.getTracks().every((t) => t.readyState === 'ended')")
    tab.page.evaluate("window.refused = true")
    tab.button("take a photo").click()
    expect(tab.root.get_by_role("dialog")).to_contain_text("did not let this page use the camera")
    tab.page.keyboard.press("Escape")
    expect(tab.root.get_by_role("dialog")).to_be_hidden()


def test_examples_are_picked_by_mouse_and_by_keyboard(tab, pixels_of):
    frog = tab.example("label looks wrong")
    frog.click()
    tab.expect(pixels_of(2405), said(Seen.image(pixels_of(2405))))
    assert tab.questions("look")[-1]["image"] == {"index": 2405}
    expect(tab.headline).to_contain_text("sure that this picture, labelled cat, is a frog.")
    expect(tab.root.locator(".lead")).to_contain_text("Its label, cat, looks wrong")
    frog.press("ArrowRight")
    expect(tab.example("people disagree")).to_be_focused()
    tab.page.keyboard.press("ArrowLeft")
    tab.page.keyboard.press("ArrowLeft")
    tab.page.keyboard.press("Enter")
    expect(tab.example("sure and wrong")).to_have_attribute("aria-pressed", "true")
    expect(tab.headline).to_contain_text("is a dog.")


def test_every_example_tells_its_story(tab):
    for story, words in (
        ("people disagree", "People disagree: of 52,"),
        ("not sure", "This network is only"),
        ("background alone", "that this covered ship is a ship."),
        ("no such class", "that this flower is a bird."),
        ("right and sure", "that this is a horse, and it is."),
    ):
        tab.example(story).click()
        expect(tab.root.locator(".verdict:not(.old)")).to_contain_text(words)
    expect(tab.root.locator(".bars li").first).to_contain_text("51 of 51")


def test_the_answer_is_few_stops_away_from_the_start(classify_tab):
    tab = classify_tab()
    stops = 0
    while not tab.page.evaluate("document.activeElement.closest('.card.answer') !== null"):
        tab.page.keyboard.press("Tab")
        stops += 1
        assert stops <= 12


def test_from_an_answer_to_mistakes_of_its_kind_and_back(classify_tab):
    tab = classify_tab()
    tab.root.get_by_role("button", name="Test images of class cat that it takes for dog").click()
    tile = tab.page.locator("#explorer .tile").first
    expect(tile).to_contain_text("cat, seen as dog")
    tab.page.go_back()
    expect(tab.headline).to_be_visible()
    tab.button("All 498 mistakes").click()
    expect(tab.page.locator("#explorer .of-all, #explorer .count").first).to_be_visible()


# How a picture becomes square


@pytest.fixture
def wide(tab):
    """The tab with a picture that is more wide than high, in its centre crop."""
    tab.choose(WIDE)
    tab.expect(network_view(open_image(WIDE)))
    tab.asked.clear()
    return tab


def cut(tab):
    """Wait for the crop that the page has asked for, and give it."""
    for _ in range(100):
        if tab.questions("see"):
            break
        tab.page.wait_for_timeout(50)
    question = tab.questions("see")[-1]
    box = question["box"]
    tab.expect(network_view(open_image(WIDE), question["fit"], box))
    return box


def in_pixels(box):
    """x, y, width and height of a box in pixels of the picture."""
    left, top, right, bottom = box
    return left * WIDTH, top * HEIGHT, (right - left) * WIDTH, (bottom - top) * HEIGHT


def test_the_box_is_moved_by_the_pointer(wide):
    where, frame = wide.box.bounding_box(), wide.root.locator(".frame").bounding_box()
    before = wide.seen
    x, y = where["x"] + where["width"] / 2, where["y"] + where["height"] / 2
    wide.page.mouse.move(x, y)
    wide.page.mouse.down()
    wide.page.mouse.move(x + 30, y + 50, steps=4)
    # While it moves, the page draws what it would give, and the server is left alone.
    preview = wide.seen
    assert not np.array_equal(preview, before) and wide.questions("see") == []
    expect(wide.root.locator(".answer.old")).to_have_count(1)
    wide.page.mouse.up()
    box = cut(wide)
    assert np.abs(wide.seen.astype(int) - preview).mean() < 6
    assert (box[0] - (where["x"] - frame["x"]) / frame["width"]) * frame["width"] == pytest.approx(
        30, abs=1.5
    )
    assert box[1] == 0 and box[3] == 1  # it is as high as the picture already
    assert len(wide.questions("see")) == len(wide.questions("look")) == 1
    assert wide.button("centre crop").get_attribute("aria-pressed") == "false"
    wide.box.dblclick()
    wide.expect(network_view(open_image(WIDE)))
    expect(wide.button("centre crop")).to_have_attribute("aria-pressed", "true")


def test_the_box_is_resized_by_a_corner_and_stays_square_and_inside(wide):
    for corner, to in (("se", (-90, -40)), ("nw", (500, 500)), ("se", (2000, 2000))):
        handle = wide.root.locator(f".corner.{corner}").bounding_box()
        x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
        wide.asked.clear()
        wide.page.mouse.move(x, y)
        wide.page.mouse.down()
        wide.page.mouse.move(x + to[0], y + to[1], steps=4)
        wide.page.mouse.up()
        box = cut(wide)
        x, y, across, down = in_pixels(box)
        assert across == pytest.approx(down) and 31.9 < across < HEIGHT
        assert min(box) >= 0 and max(box) <= 1
        if to[0] == -90:  # the opposite corner stays where it was
            assert (x, y) == pytest.approx(((WIDTH - HEIGHT) // 2, 0))


def test_the_box_is_moved_and_resized_by_the_keyboard(wide):
    wide.box.focus()
    for _ in range(3):
        wide.page.keyboard.press("-")
    box = cut(wide)
    x, y, across, down = in_pixels(box)
    step = round(0.04 * HEIGHT)
    assert across == pytest.approx(down) and across == pytest.approx(HEIGHT - 3 * step)
    wide.asked.clear()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        wide.page.keyboard.press(key)
    assert in_pixels(cut(wide)) == pytest.approx((x + 2 * 7, y + 7, across, down))
    assert len(wide.questions("see")) == 1  # once, when the keys rest
    wide.asked.clear()
    wide.page.keyboard.press("Shift+ArrowUp")
    wide.page.keyboard.press("+")
    assert in_pixels(cut(wide))[2] == pytest.approx(HEIGHT - step)
    expect(wide.root.locator(".frame [role=status]")).to_contain_text("of the short side")
    wide.button("centre crop").click()
    wide.expect(network_view(open_image(WIDE)))


@pytest.mark.parametrize("fit", ["fit", "stretch"])
def test_the_whole_picture_can_be_shown(wide, fit):
    wide.button(fit).click()
    seen = see(open_image(WIDE), fit)
    wide.expect(seen.views[0], said(seen))
    expect(wide.box).to_be_hidden()
    wide.button("centre crop").click()
    wide.expect(network_view(open_image(WIDE)))
    expect(wide.box).to_be_visible()


def test_the_way_of_fitting_stays_for_the_next_picture(wide):
    wide.button("stretch").click()
    tall = photo("tower.jpg")
    wide.choose(tall)
    wide.expect(network_view(open_image(tall), "stretch"))
    expect(wide.button("stretch")).to_have_attribute("aria-pressed", "true")
    wide.button("centre crop").click()


def test_a_turned_photograph_stands_upright_in_both(tab, tmp_path):
    path = tmp_path / "turned.jpg"
    picture = Image.new("RGB", (400, 200), "red")
    picture.paste((0, 0, 255), (0, 0, 100, 200))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(path, exif=exif, quality=95)
    tab.choose(path)
    tab.expect(network_view(open_image(path)))
    frame = tab.root.locator(".frame").bounding_box()
    assert frame["height"] == pytest.approx(2 * frame["width"], rel=0.02)
    tab.box.focus()
    tab.asked.clear()
    for _ in range(30):
        tab.page.keyboard.press("ArrowUp")
    for _ in range(200):  # on a slow machine, the box may rest on its way
        if tab.questions("see") and tab.questions("see")[-1]["box"][1] == 0:
            break
        tab.page.wait_for_timeout(50)
    box = tab.questions("see")[-1]["box"]
    assert box[:2] == [0, 0]
    view = network_view(open_image(path), box=box)
    tab.expect(view)
    assert view[2, 16, 2] > 200 and view[28, 16, 0] > 200  # blue above, red below


@pytest.mark.parametrize("kind", ["WEBP", "TIFF", "HEIF"])
def test_what_the_browser_shows_otherwise_is_cut_as_the_server_shows_it(tab, tmp_path, kind):
    """Chromium leaves a turned WebP on its side, and knows neither TIFF nor HEIF."""
    path = tmp_path / f"turned.{kind.lower()}"
    picture = Image.new("RGB", (400, 400), "red")
    picture.paste((0, 0, 255), (0, 0, 400, 100))
    if kind == "HEIF":
        pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = 8 if kind == "WEBP" else 1
    picture.save(path, kind, exif=exif)
    upright = open_image(path)
    tab.choose(path)
    tab.expect(network_view(upright))
    expect(tab.box).to_be_visible()
    shown = tab.root.locator(".frame img").evaluate(
        """async img => {
          await img.decode();
          const canvas = Object.assign(document.createElement('canvas'), { width: 8, height: 8 });
          const context = canvas.getContext('2d');
          context.drawImage(img, 0, 0, 8, 8);
          return Array.from(context.getImageData(0, 0, 8, 8).data);
        }"""
    )
    small = np.reshape(shown, (8, 8, 4))[..., :3]
    assert np.abs(small - np.asarray(upright.resize((8, 8))).astype(int)).max() <= 24


@pytest.mark.parametrize("kind", ["image/png", "image/tiff"])
def test_a_file_that_is_too_large_is_shrunk_before_it_is_sent(tab, tmp_path, kind):
    noise = np.random.default_rng(0).integers(0, 256, (2800, 2800, 3), dtype=np.uint8)
    path = tmp_path / f"large.{kind.removeprefix('image/')}"
    options = {"compress_level": 0} if kind == "image/png" else {}
    Image.fromarray(noise).save(path, **options)
    assert path.stat().st_size > 20 * 2**20
    tab.choose(path)
    if kind == "image/tiff":  # which Chromium cannot shrink
        expect(tab.problem).to_contain_text("larger than 20 MB")
        return
    expect(tab.root.locator(".ways")).to_contain_text("a smaller copy of it was read")
    expect(tab.box).to_be_visible()


def test_of_an_animation_the_first_frame_is_shown_and_cut(tab, tmp_path):
    frames = [Image.new("RGB", (90, 60), colour) for colour in ("red", "blue", "lime")]
    frames[0].save(
        tmp_path / "moving.gif", save_all=True, append_images=frames[1:], duration=40, loop=0
    )
    tab.choose(tmp_path / "moving.gif")
    tab.expect(network_view(open_image(tmp_path / "moving.gif")))
    expect(tab.root.locator(".frame img")).to_have_attribute("src", re.compile("^data:image/png"))
    # What the key changes at once is a preview: the server is asked only when the box rests.
    middle = tab.box.evaluate(
        """box => {
          box.dispatchEvent(new KeyboardEvent('keydown', { key: '-', bubbles: true }));
          const canvas = document.querySelector('#classify .view canvas');
          return [...canvas.getContext('2d').getImageData(16, 16, 1, 1).data].slice(0, 3);
        }"""
    )
    assert middle == [255, 0, 0]


# Answers


def test_as_many_bars_as_wished_now_and_next_time(classify_tab):
    tab = classify_tab()
    bars = tab.root.locator(".bars li")
    expect(bars).to_have_count(5)
    for name, count in (("all", 10), ("top 3", 3)):
        tab.button(name).click()
        expect(bars).to_have_count(count)
    tab.page.reload()
    expect(bars).to_have_count(3)
    assert tab.questions("look")[-1]["image"] == {"index": OPENING}


def test_a_doubtful_answer_says_so_beside_the_label(classify_tab):
    """The label is among the bars however improbable; notices come with their sentence."""

    def route(request):
        if request.request.post_data_json["fn_name"] != "look":
            request.continue_()
            return
        response = request.fetch()
        answer = response.json()
        answer["probabilities"] = [0.04, 0.05, 0.06, 0.01, 0.02, 0.03, 0.07, 0.08, 0.09, 0.55]
        answer["predicted"] = 9
        answer["notices"] = [
            {"kind": "unlike", "title": "unlike CIFAR-10", "text": "It may mean <b>nothing</b>."}
        ]
        request.fulfill(response=response, json=answer)

    tab = classify_tab(route=route)
    expect(tab.headline.locator(".said")).to_have_text("a truck")
    expect(tab.headline.locator(".true")).to_have_text("this cat")
    expect(tab.root.locator(".notices li")).to_have_text(
        "unlike CIFAR-10 It may mean <b>nothing</b>."
    )
    tab.button("top 3").click()
    rows = [text.split("\n")[:2] for text in tab.root.locator(".bars li").all_inner_texts()]
    assert rows[0] == ["truck", "55.0%"] and rows[3] == ["cat", "1.0%"] and len(rows) == 4


def test_the_model_switch_asks_again(wide):
    seen = see(open_image(WIDE))
    for k, model in ((1, "basenet"), (0, "resnet")):
        wide.page.locator("#model label").nth(k).click()
        wide.page.wait_for_function(
            "text => document.querySelector('#classify .headline').textContent.includes(text)",
            arg=written(said(seen, model).confidence, 1),
        )
        wide.expect(seen.views[0], said(seen, model))
    assert wide.questions("look")[0]["model"] == "basenet"
    assert wide.questions("see") == []


def test_the_address_is_left_to_the_other_tabs(classify_tab):
    tab = classify_tab()
    tab.page.evaluate("history.replaceState(null, '', '/?true=cat&id=61')")
    tab.choose(WIDE)
    tab.expect(network_view(open_image(WIDE)))
    assert tab.page.evaluate("location.search") == "?true=cat&id=61"


# What goes wrong


def test_what_is_no_picture_gets_one_sentence_and_the_answer_stays(wide, tmp_path):
    before = wide.seen, wide.headline.inner_text()
    (tmp_path / "notes.png").write_text("not a picture")
    wide.choose(tmp_path / "notes.png")
    expect(wide.problem).to_contain_text("not a picture that can be read")
    (tmp_path / "large.png").write_bytes(b"x" * (20 * 2**20 + 1))
    wide.choose(tmp_path / "large.png")
    expect(wide.problem).to_have_text("The file is larger than 20 MB: send a smaller picture.")
    assert np.array_equal(wide.seen, before[0]) and wide.questions("look") == []
    assert wide.headline.inner_text() == before[1]
    expect(wide.root.locator(".answer.old")).to_have_count(0)
    expect(wide.box).to_be_visible()
    # The next picture clears it away.
    wide.choose(photo("tower.jpg"))
    wide.expect(network_view(open_image(photo("tower.jpg"))))
    expect(wide.problem).to_be_hidden()


def test_an_upload_that_fails_says_so_and_can_be_repeated(classify_tab):
    tab = classify_tab(errors=True)
    before = tab.seen
    tab.page.route("**/upload**", lambda route: route.abort())
    tab.choose(WIDE)
    expect(tab.problem).to_contain_text("could not be sent")
    assert np.array_equal(tab.seen, before)
    tab.page.unroute_all()
    tab.choose(WIDE)
    tab.expect(network_view(open_image(WIDE)))


def test_a_slow_upload_is_shown_and_the_newest_picture_wins(classify_tab):
    tab = classify_tab()
    held = []
    tab.page.route("**/upload**", lambda route: held.append(route))
    tab.choose(WIDE)
    status = tab.root.locator(".ways .status")
    expect(status).to_contain_text("sending cheetah.jpg, 0.1 MB")
    expect(tab.root.locator(".progress")).to_be_visible()
    tab.example("right and sure").click()
    expect(tab.headline.locator(".true")).to_have_text("a horse")
    expect(tab.root.locator(".progress")).to_be_hidden()
    held.pop().continue_()
    tab.page.wait_for_timeout(1000)
    expect(tab.headline.locator(".true")).to_have_text("a horse")
    assert tab.questions("see") == []


def test_a_crop_that_the_server_does_not_answer_can_be_tried_again(classify_tab):
    tab = classify_tab(errors=True)
    tab.choose(WIDE)
    tab.expect(network_view(open_image(WIDE)))
    tab.page.route("**/component_server**", lambda route: route.fulfill(status=500, body="{}"))
    tab.button("stretch").click()
    expect(tab.problem).to_contain_text("The server did not answer.")
    tab.page.unroute_all()
    tab.button("try again").click()
    tab.expect(network_view(open_image(WIDE), "stretch"))
    expect(tab.problem).to_be_hidden()


# Screens


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_shows_it_all(classify_tab, barriers, theme):
    tab = classify_tab(
        width=390, height=844, has_touch=True, is_mobile=True, at=f"/?__theme={theme}"
    )
    tab.choose(WIDE)
    tab.expect(network_view(open_image(WIDE)))
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert barriers(tab.page) == []
    tab.asked.clear()
    # A finger moves the box.
    where = tab.box.bounding_box()
    x, y = where["x"] + where["width"] / 2, where["y"] + where["height"] / 2
    touch = tab.page.context.new_cdp_session(tab.page)
    points = [[{"x": x + 6 * k, "y": y}] for k in range(6)]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[0]})
    for point in points[1:]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": point})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert in_pixels(cut(tab))[0] > (WIDTH - HEIGHT) / 2 + 10


@pytest.mark.parametrize(("width", "columns"), [(1440, 3), (900, 2), (390, 1)])
def test_the_columns_follow_the_screen(tab, width, columns):
    tab.page.set_viewport_size({"width": width, "height": 940})
    try:
        tab.page.wait_for_function(
            """columns => columns === new Set(
              ['.answer', '.why', '.mind'].map((part) => Math.round(
                document.querySelector(`#classify ${part}`).getBoundingClientRect().x))).size""",
            arg=columns,
        )
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    finally:
        tab.page.set_viewport_size({"width": 1440, "height": 940})
