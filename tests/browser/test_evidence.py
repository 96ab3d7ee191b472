"""The evidence panel: what it asks for, what it draws, and what it says of the maps."""

import io
import json
import re
import zipfile

import numpy as np
import pytest
from playwright.sync_api import expect

from cifar import CLASSES
from cifar.evaluation.metrics import probabilities, written
from cifar.explain.account import account, pooled_head
from cifar.explain.heat_maps import heat_maps
from cifar.explain.layer_maps import way
from cifar.explain.methods import METHODS
from cifar.explain.probes import flips, sweeps
from cifar.explore import store

pytestmark = pytest.mark.browser

MINUS = "\N{MINUS SIGN}"


class Panel:
    """The evidence panel of the explorer, and the questions that it asks from now on."""

    def __init__(self, desk, index):
        self.desk, self.page, self.index = desk, desk.page, index
        self.node = desk.page.locator("#explorer .evidence:not(.changes)")
        self.changes = desk.page.locator("#explorer .changes")
        self.asked = []
        desk.page.on("request", self._listen)

    def _listen(self, request):
        if "component_server" in request.url:
            body = json.loads(request.post_data)
            self.asked.append((body["fn_name"], body["data"]))

    def questions(self, name):
        return [json.dumps(data) for fn, data in self.asked if fn == name]

    def menu(self, label):
        return self.node.get_by_role("combobox", name=label, exact=True)

    def check(self, label):
        return self.node.get_by_role("checkbox", name=label, exact=True)

    def choose(self, label, value):
        self.menu(label).select_option(value)
        self.desk.rest()

    def button(self, name, **options):
        return self.node.get_by_role("button", name=name, **options)

    def map(self, name):
        return self.node.locator(f"[data-map={name}]")

    @property
    def captions(self):
        return self.node.locator(".pair > figure:visible figcaption").all_inner_texts()

    def close(self):
        """Back to how everybody finds it: other tests use the same page."""
        self.page.remove_listener("request", self._listen)
        self.choose("evidence for", "said")
        self.choose("beside", "other")
        opened = self.node.locator("details[open]")
        opened.evaluate_all("all => all.forEach((one) => { one.open = false; })")


@pytest.fixture
def wrong(truth):
    """A mistake of the small network, which answers fast."""
    return truth.select("basenet")[5]


@pytest.fixture
def panel(desk, wrong):
    desk.show(model="basenet", id=wrong)
    desk.rest()
    panel = Panel(desk, wrong)
    for folded in panel.node.locator(".choose > summary").all():
        folded.click()
    yield panel
    panel.close()


def test_maps_are_those_of_python(panel, truth, pixels_of):
    row = truth.rows["basenet"].loc[panel.index]
    targets = [CLASSES.index(row["predicted"]), CLASSES.index(row["true"])]
    ckpt, image = store.load("basenet"), pixels_of(panel.index)
    for method in ("hirescam", "gradcam"):
        panel.choose("method", method)
        panel.button("stage 3").click()
        panel.desk.rest()
        heats = heat_maps(ckpt, image, targets, method, ["stage3"])
        for heat, caption in zip(heats, panel.captions, strict=True):
            name = CLASSES[heat.target]
            assert caption.startswith(f"for {name}")
            if heat.peak > 0:
                shown = float(caption.rpartition(" ")[2])
                assert shown == pytest.approx(heat.peak, rel=0.06, abs=0.06)
            else:
                assert "nothing in the image speaks for it here" in caption


def test_every_method_is_offered_with_what_it_does(panel):
    options = panel.menu("method").locator("option").all_inner_texts()
    assert options == [
        f"{method.title} (slow)" if method.slow else method.title for method in METHODS.values()
    ]
    panel.choose("method", "hirescam")
    about = panel.node.locator(".about-method")
    expect(about).to_contain_text(METHODS["hirescam"].about, ignore_case=True)
    expect(about.get_by_role("link")).to_have_attribute("href", METHODS["hirescam"].source)
    panel.choose("method", "gradcam")


def test_a_word_explains_itself(panel):
    panel.button("logit", exact=True).click()
    note = panel.node.get_by_role("note").filter(has_text="before scores become probabilities")
    expect(note).to_be_visible()
    panel.desk.press("Escape")
    expect(note).to_be_hidden()


def test_a_method_that_asks_for_no_class_draws_one_map(panel):
    panel.choose("method", "eigencam")
    assert len(panel.captions) == 1
    panel.choose("method", "gradcam")
    assert len(panel.captions) == 2


def test_layers_are_chosen_and_fused(panel):
    chips = panel.node.get_by_role("group", name="Layers")
    on = chips.locator("[aria-pressed=true]")
    panel.button("stage 2").click()
    panel.button("stage 3").click()
    expect(on).to_have_text(["stage 38x8"])
    panel.button("stage 2").click(modifiers=["Shift"])
    expect(on).to_have_count(2)
    expect(panel.check("fuse several")).to_be_checked()
    panel.desk.rest()
    expect(panel.node.locator(".scale-ends").first).to_contain_text("share of the highest")
    fused = panel.questions("look")[-1]
    assert fused.index("stage2") < fused.index("stage3")
    panel.button("stage 2").focus()
    panel.desk.press("Space")
    expect(on).to_have_text(["stage 38x8"])
    panel.desk.press("Space")
    panel.check("fuse several").uncheck()
    expect(on).to_have_text(["stage 216x16"])  # the last chosen stays
    panel.button("stage 3").click()
    panel.desk.rest()


def test_a_method_that_looks_at_the_image_alone_offers_no_layer(panel):
    panel.choose("method", "occlusion")
    chips = panel.node.get_by_role("group", name="Layers").get_by_role("button")
    for chip in chips.all():
        expect(chip).to_be_disabled()
    expect(panel.node.locator(".scale-ends").first).to_contain_text("points")
    panel.choose("method", "gradcam")
    expect(chips.first).to_be_enabled()


def test_only_the_newest_choice_is_asked_for(panel):
    panel.button("stage 1").click()
    panel.desk.rest()
    shown, before = panel.captions, len(panel.questions("look"))
    panel.menu("method").evaluate(
        """(menu) => {
          for (const value of ["hirescam", "xgradcam", "layercam"]) {
            menu.value = value;
            menu.dispatchEvent(new Event("change", { bubbles: true }));
          }
        }"""
    )
    expect(panel.node.locator(".pair")).to_have_class(re.compile("pending"))
    assert panel.captions == shown  # what was there stays until the next is
    panel.desk.rest()
    [question] = panel.questions("look")[before:]
    assert "layercam" in question
    panel.choose("method", "gradcam")
    panel.choose("method", "layercam")
    panel.choose("method", "gradcam")
    assert len(panel.questions("look")) == before + 1  # known answers are kept


def test_classes_are_chosen(panel, truth):
    row = truth.rows["basenet"].loc[panel.index]
    said, label = row["predicted"], row["true"]
    texts = panel.menu("evidence for").locator("option").all_inner_texts()
    assert texts == [f"{said}, what it said", *CLASSES]
    panel.choose("beside", "none")
    assert len(panel.captions) == 1 and panel.captions[0].startswith(f"for {said}")
    expect(panel.node.locator(".rather")).to_be_disabled()
    panel.choose("evidence for", str(CLASSES.index(label)))
    assert panel.captions[0].startswith(f"for {label}")
    panel.choose("beside", "other")  # what was said, where the label is chosen already
    assert [text.split(",")[0].split(":")[0] for text in panel.captions] == [
        f"for {label}",
        f"for {said}",
    ]


def test_a_contrast_and_the_values_under_the_pointer(panel, truth, barriers):
    row = truth.rows["basenet"].loc[panel.index]
    said, label = row["predicted"], row["true"]
    toggle = panel.button(f"show what speaks for {said} rather than {label}")
    toggle.click()
    contrast = panel.map("contrast")
    expect(contrast).to_be_visible()
    ends = contrast.locator(".scale-ends span")
    expect(ends.first).to_have_text(re.compile(rf"^{label} {MINUS}[\d.]+$"))
    expect(ends.last).to_have_text(re.compile(rf"^\+[\d.]+ {said}$"))
    readout = panel.node.locator(".readout")
    expect(readout).to_contain_text("Point at a map")
    height = panel.node.bounding_box()["height"]
    panel.map("b").locator("canvas").hover()
    expect(readout).to_have_text(
        re.compile(rf"^{said} [\d.]+ · {label} [\d.]+ · difference [+{MINUS}][\d.]+$")
    )
    expect(panel.node.locator(".mark:visible")).to_have_count(3)
    assert panel.node.bounding_box()["height"] == height  # nothing moves
    numbers = re.findall(r"[+-]?[\d.]+", readout.inner_text().replace(MINUS, "-"))
    a, b, difference = map(float, numbers)
    assert difference == pytest.approx(a - b, abs=0.02)
    panel.page.mouse.move(0, 0)
    expect(readout).to_contain_text("Point at a map")
    panel.map("b").locator("canvas").focus()
    panel.desk.press("ArrowLeft", "ArrowUp")
    expect(readout).to_contain_text(re.compile(r"^(upper|middle).*: "))
    assert barriers(panel.page) == []
    toggle.click()
    expect(contrast).to_be_hidden()


def test_a_map_is_checked_on_demand(panel, barriers):
    panel.button("check this map").click()
    line = panel.node.locator(".verdict-line")
    line.wait_for(timeout=60_000)
    expect(line).to_have_attribute("data-trust", re.compile("^(better|chance|nothing)$"))
    panel.node.get_by_text("How that was checked").click()
    expect(panel.node.locator(".trust .curves")).to_have_count(2)
    panel.node.get_by_text("The curves as a table").click()
    expect(panel.node.locator(".numbers-of-curves tbody tr")).to_have_count(6)
    assert barriers(panel.page) == []
    asked = len(panel.questions("trust"))
    panel.choose("method", "hirescam")
    expect(line).to_be_hidden()  # it was about the other map
    panel.choose("method", "gradcam")
    expect(line).to_be_visible()
    assert len(panel.questions("trust")) == asked == 1
    every = panel.check("check every map")
    every.check()
    panel.choose("method", "hirescam")
    line.wait_for(timeout=60_000)
    assert len(panel.questions("trust")) == 2
    every.uncheck()
    panel.choose("method", "gradcam")


def test_the_account_of_an_answer_and_of_what_is_left_of_it(panel, truth, pixels_of, barriers):
    ckpt, row = store.load("basenet"), truth.rows["basenet"].loc[panel.index]
    said, true = CLASSES.index(row["predicted"]), CLASSES.index(row["true"])
    found = account(ckpt.model, pooled_head(ckpt.model), pixels_of(panel.index))
    part = panel.node.locator(".account")
    rows = part.locator(".terms li")
    expect(rows).to_have_count(12)

    def shown(terms, constant):
        order = np.argsort(-terms, kind="stable")
        wanted = [*order[:5], *order[-5:]]
        expect(rows.nth(0).locator("button")).to_have_text(f"channel {wanted[0]}")
        expect(rows.locator("button")).to_have_text([f"channel {channel}" for channel in wanted])
        numbers = rows.locator(".value").all_inner_texts()
        values = [float(number.replace(MINUS, "-")) for number in numbers]
        others = terms.sum() - terms[wanted].sum()
        np.testing.assert_allclose(values, [*terms[wanted], others, constant], atol=0.006)
        return wanted

    shown(found.terms[:, said], found.constant[said])
    sums = part.locator("div > .chips button")
    sums.nth(2).click()
    both = found.terms[:, said] - found.terms[:, true]
    wanted = shown(both, found.constant[said] - found.constant[true])
    recorded = store.predictions("basenet").features[:, wanted[0]]
    tops = rows.first.locator(".top")
    expect(tops.locator("canvas")).to_have_count(5)
    titles = [int(title[1:]) for title in tops.evaluate_all("all => all.map((one) => one.title)")]
    assert recorded[titles].tolist() == sorted(recorded, reverse=True)[:5]
    assert barriers(panel.page) == []

    asked = len(panel.asked)
    answer = part.locator(".without")
    for channel in wanted[:2]:
        part.get_by_role("button", name=f"channel {channel}", exact=True).press("Enter")
    left = found.logits - found.terms[wanted[:2]].sum(0)
    shares = probabilities(left[None], ckpt.temperature)[0]
    best = int(shares.argmax())
    expect(answer).to_contain_text(
        f"Without 2 channels: {CLASSES[best]} {written(shares[best], 1)}"
    )
    part.get_by_role("button", name="put all back").click()
    expect(answer).to_contain_text(f"With all channels: {row['predicted']}")
    expect(part.locator(".terms [aria-pressed=false]")).to_have_count(0)
    assert len(panel.asked) == asked == len(set(map(str, panel.asked)))


def test_the_way_through_the_network_and_how_far_a_square_reaches(panel, pixels_of, barriers):
    ckpt = store.load("basenet")
    part = panel.node.locator("details", has_text="Its way through the network")
    stages = part.locator(".layer-maps")
    expect(stages).to_have_count(len(ckpt.layers))
    picture = part.locator(".cover")

    def shown(covered):
        part.locator(".way[aria-busy=false]").wait_for()
        found = way(ckpt, pixels_of(panel.index), covered)
        best = int(found.probabilities.argmax())
        said = f"{CLASSES[best]} {written(found.probabilities[best], 1)}"
        expect(part.get_by_text(said)).to_be_visible()
        for stage, layer in zip(stages.all(), found.layers, strict=True):
            expect(stage.locator("p")).to_have_text(f"{layer.layer.title}: {layer.count} channels")
            grays = stage.locator("canvas").evaluate_all(
                """all => all.map((one) => Array.from(one.getContext('2d')
                  .getImageData(0, 0, one.width, one.height).data.filter((_, k) => k % 4 === 0)))"""
            )
            wanted = [*layer.maps, *([] if covered is None else [layer.change])]
            for gray, shares in zip(grays, wanted, strict=True):
                np.testing.assert_allclose(gray, 255 * shares.ravel(), atol=0.51)

    shown(None)
    picture.focus()
    picture.press("ArrowRight")
    expect(picture).to_have_attribute("aria-label", re.compile("from row 13, column 13"))
    picture.press("ArrowRight")
    expect(picture).to_have_attribute("aria-label", re.compile("from row 13, column 17"))
    expect(part.get_by_text("With the square covered")).to_be_visible()
    shown((12, 16))
    assert barriers(panel.page) == []
    picture.click(position={"x": 6, "y": 120})
    expect(picture).to_have_attribute("aria-label", re.compile("from row 25, column 1$"))
    shown((24, 0))
    part.get_by_role("button", name="uncover it").click()
    expect(picture).to_have_attribute("aria-label", "the picture, nothing is covered")
    shown(None)


def test_probes_of_the_picture_before_are_shown_again(visit):
    explorer = visit("/?model=basenet")
    changes = explorer.page.locator("#explorer .changes")
    changes.scroll_into_view_if_needed()
    expect(changes.locator(".flip-sentence")).to_be_visible()
    sentence = changes.locator(".flip-sentence").inner_text()
    for key in "jk":  # away and back, before the other answer is asked for
        explorer.press(key)
    explorer.page.wait_for_timeout(900)
    expect(changes.locator(".probe-body")).to_have_class("probe-body")
    expect(changes.locator(".flip-sentence")).to_have_text(sentence)


def test_probes_act_without_asking_again(panel, pixels_of, barriers):
    swept = sweeps(store.load("basenet"), pixels_of(panel.index))
    panel.changes.scroll_into_view_if_needed()
    found = flips(swept)
    flipped = panel.changes.locator(".flip")
    expect(flipped).to_have_count(min(4, len(found)))
    for k, flip in enumerate(found[:4]):
        expect(flipped.nth(k)).to_have_text(f"{flip.words}{CLASSES[flip.becomes]}")
    flipped.first.click()  # it unfolds the rest
    cards = panel.changes.locator(".probe-card")
    expect(cards).to_have_count(len(swept))
    asked = len(panel.asked)
    sentence = panel.changes.locator(".flip-sentence")
    [first, *_] = found
    expect(sentence).to_contain_text(f"{first.words}, then it says {CLASSES[first.becomes]}.")
    expect(panel.changes.locator(".probe-card :checked")).to_have_value(first.probe.name)

    blur = next(sweep for sweep in swept if sweep.probe.name == "blur")
    panel.changes.get_by_role("radio", name=re.compile("^blur")).check(force=True)
    slider = panel.changes.get_by_role("slider", name="blur", exact=True)
    canvas = panel.changes.locator(".probe-picture")
    for at, setting in enumerate(blur.probe.settings):
        slider.fill(str(at))
        shares = blur.probabilities[at]
        expect(panel.changes.locator(".probe-setting")).to_have_text(
            f"{blur.probe.words(setting)}: {CLASSES[shares.argmax()]} {written(shares.max())}"
        )
        shown = canvas.evaluate(
            "canvas => Array.from(canvas.getContext('2d').getImageData(0, 0, 32, 32).data)"
        )
        assert np.array_equal(np.reshape(shown, (32, 32, 4))[..., :3], blur.images[at])
    assert len(panel.asked) == asked
    assert barriers(panel.page) == []


def test_the_evidence_is_saved(panel):
    name, content = panel.desk.download(panel.button("save evidence"))
    assert name == f"cifar-lens-test-{panel.index}-basenet.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None and archive.namelist()
