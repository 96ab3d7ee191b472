"""What the explorer's JavaScript modules work out, each function by itself, in the browser."""

import csv
import io
import random

import numpy as np
import pytest
import torch

from cifar import CLASSES
from cifar.explain.drawing import cover
from cifar.mistakes import SORTS
from cifar.verdicts import AGREEMENT, VERDICTS

pytestmark = pytest.mark.browser

KNOWN = {
    "models": ["resnet", "basenet"],
    "others": ["basenet", "published"],
    "classes": list(CLASSES),
    "verdicts": list(VERDICTS),
    "agreement": list(AGREEMENT),
    "slices": {"class": 10, "brightness": 5},
    "sorts": list(SORTS),
    "count": 10_000,
}
START = {
    "model": "",
    "true": -1,
    "predicted": -1,
    "outcome": "wrong",
    "verdict": -1,
    "agreement": -1,
    "low": 0,
    "high": 100,
    "slice": None,
    "other": "",
    "cell": -1,
    "sort": 0,
    "id": -1,
    "panel": "matrix",
}


@pytest.fixture
def parsed(desk):
    """A function that reads a query as a link."""
    return lambda query: desk.call("explorer/view.js", "m.parse(...given)", [query, KNOWN])


def test_links_bring_every_view_back(desk):
    pick = random.Random(0)

    def sometimes(count):
        return pick.choice((-1, pick.randrange(count)))

    views = []
    for _ in range(300):
        low, high = sorted(pick.choices(range(101), k=2))
        other = pick.choice(("", "basenet", "published"))
        cell = sometimes(4) if other else -1
        views.append(
            {
                "model": pick.choice(KNOWN["models"]),
                "true": sometimes(10),
                "predicted": sometimes(10),
                "outcome": pick.choice(("wrong", "right", "all")),
                "verdict": sometimes(4),
                "agreement": sometimes(4),
                "low": low,
                "high": high,
                "slice": pick.choice((None, {"key": "brightness", "group": pick.randrange(5)})),
                # The first one there is goes without saying.
                "other": "" if other == "basenet" and cell < 0 else other,
                "cell": cell,
                "sort": pick.randrange(len(SORTS)),
                "id": sometimes(10_000),
                "panel": pick.choice(("matrix", "map", "slices", "compare")),
            }
        )
    again = desk.call(
        "explorer/view.js",
        "given[0].map((view) => m.parse(m.format(view, given[1], ''), given[1]))",
        [views, KNOWN],
    )
    assert again == views


def test_a_link_says_what_differs_in_words(desk, parsed):
    def written(**changes):
        view = {**START, "model": "resnet", **changes}
        return desk.call("explorer/view.js", "m.format(...given, 'resnet')", [view, KNOWN])

    assert written() == written(other="basenet") == ""
    # What only this page has is left out, with the outcome that it would bring.
    assert written(other="upload", cell=1) == ""
    full = written(
        true=3, predicted=5, verdict=3, low=80, slice={"key": "class", "group": 3}, sort=6, id=1718
    )
    assert full == (
        "?true=cat&pred=dog&verdict=own&confidence=80-100&slice=class:3&sort=test+index&id=1718"
    )
    # Where only right answers can be meant, that goes without saying.
    assert written(true=3, predicted=3, outcome="right") == "?true=cat&pred=cat"
    assert parsed("?true=cat&pred=cat")["outcome"] == "right"
    assert written(other="published", cell=2, outcome="right") == "?compare=published:broken"
    assert parsed("?compare=published:broken")["outcome"] == "right"
    assert parsed("?compare=published:fixed")["outcome"] == "wrong"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?",
        "%%%",
        "?true=<script>alert(1)</script>&pred=%3Cimg%20src=x%3E",
        "?true=__proto__&pred=constructor&verdict=toString&agreement=hasOwnProperty&sort=__proto__",
        "?true=3&pred=-1&verdict=0&agreement=&outcome=WRONG",
        "?id=10000",
        "?id=-1",
        "?id=1e3",
        "?id=0x10",
        "?id=99999999999999999999",
        "?confidence=90-10",
        "?confidence=0-101",
        "?confidence=a-b",
        "?confidence=-5-50",
        "?slice=constructor:0",
        "?slice=class:10",
        "?slice=class:-1",
        "?slice=class",
        "?compare=evil:fixed",
        "?compare=__proto__:fixed",
        "?sort=%00&panel=<b>",
        "?model=../../etc/passwd",
        "?unknown=1&__proto__=2",
    ],
)
def test_what_a_link_may_not_say_is_ignored(parsed, query):
    assert parsed(query) == START


def test_the_first_of_repeated_parameters_counts(parsed):
    assert parsed("?true=cat&true=dog")["true"] == CLASSES.index("cat")
    assert parsed("?compare=basenet:nonsense") == {**START, "other": "basenet"}


@pytest.mark.parametrize(
    ("before", "patch", "also"),
    [
        ({"verdict": 3}, {"outcome": "right"}, {"verdict": -1}),
        ({"verdict": 3}, {"outcome": "all"}, {}),
        ({"cell": 0, "outcome": "right"}, {"outcome": "wrong"}, {"cell": -1}),
        ({"cell": 1}, {"true": 3, "predicted": 3, "outcome": "right"}, {"cell": -1}),
        ({"cell": 1}, {"true": 3, "predicted": 5, "outcome": "wrong"}, {}),
    ],
)
def test_the_newest_of_contradicting_filters_wins(desk, before, patch, also):
    found = desk.call("explorer/view.js", "m.reconciled(...given)", [{**START, **before}, patch])
    assert found == {**patch, **also}


# Files


ODD = ['a "quoted" word', "a, b", "two\nlines", "plain", ""]
FORMULAS = ['=HYPERLINK("http://evil")', "+1", "-1", "@SUM(A1)", "\t=1"]


def test_fields_of_csv_come_back_as_they_were(desk):
    line = desk.call("explorer/export.js", "given.map(m.field).join(',')", ODD)
    assert next(csv.reader(io.StringIO(line, newline=""))) == ODD


def test_no_field_of_csv_is_taken_for_a_formula(desk):
    values = [*FORMULAS, -1, 0.5, None]
    line = desk.call("explorer/export.js", "given.map(m.field).join(',')", values)
    *texts, minus, half, nothing = next(csv.reader(io.StringIO(line)))
    assert texts == ["'" + text for text in FORMULAS]
    assert (minus, half, nothing) == ("-1", "0.5", "")  # numbers stay numbers


def tiny_data(title):
    """Two images and two classes, with names as odd as can be, as the modules hold packs."""
    return {
        "images": {
            "header": {"classes": [title, "b,c"], "annotations": True},
            "count": 2,
            "columns": {"label": [0, 1], "votes": [7, 3, 0, 10]},
        },
        "model": {
            "header": {"name": title, "sha256": "0" * 64, "verdicts": [{"title": "its, own"}]},
            "columns": {
                "predicted": [1, 1],
                "probabilities": [51, 204, 0, 255],
                "confidence": [8012, 10000],
                "verdict": [1, 0],
            },
        },
    }


def exported(desk, function, data, *more):
    typed = (
        "(() => { const d = given[0]; d.images.columns.votes = Uint8Array.from("
        "d.images.columns.votes); d.model.columns.probabilities = Uint8Array.from("
        "d.model.columns.probabilities); return d; })()"
    )
    tags = "{ of: (i) => (i === 0 ? ['label wrong', 'ambiguous'] : []), all: () => ({ 0: [] }) }"
    rest = "".join(f", {part}" for part in more)
    return desk.call("explorer/export.js", f"m.{function}({typed}{rest}, {tags})", [data])


@pytest.mark.parametrize("title", ['odd "name", indeed', "=1+1"])
def test_the_exported_table_survives_odd_names(desk, title):
    text = exported(desk, "selectionCsv", tiny_data(title), "[1, 0]")
    second, first = csv.DictReader(io.StringIO(text, newline=""))
    safe = "'" + title if title.startswith("=") else title
    assert [first["index"], first["label"], first["predicted"]] == ["0", safe, "b,c"]
    assert first["verdict"] == "its, own" and first["tags"] == "label wrong; ambiguous"
    assert float(first["confidence"]) == 0.8012 and float(first["probability b,c"]) == 0.8
    assert first["votes b,c"] == "3" and first["model"] == safe
    assert second["verdict"] == second["tags"] == "" and second["weights_sha256"] == "0" * 64
    tags = exported(desk, "tagsCsv", tiny_data(title))
    assert next(csv.DictReader(io.StringIO(tags)))["label"] == safe


# Heat maps


def sampled(desk, values, top, *, smooth, side):
    height, width = values.shape
    given = {"values": values.ravel().tolist(), "height": height, "width": width}
    found = desk.call(
        "shared/heat.js", "Array.from(m.sample(...given))", [given, top, smooth, side]
    )
    return np.reshape(found, (side, side))


@pytest.mark.parametrize("cells", [2, 4, 8, 16])
def test_heat_maps_are_sampled_as_torch_does(desk, cells):
    values = np.random.default_rng(cells).random((cells, cells), dtype=np.float32)
    smooth = sampled(desk, values, 1.0, smooth=True, side=224)
    wanted = torch.nn.functional.interpolate(
        torch.from_numpy(values)[None, None], size=(224, 224), mode="bilinear", align_corners=False
    )
    np.testing.assert_allclose(smooth, wanted[0, 0], atol=1e-5)
    block = np.ones((224 // cells, 224 // cells))
    plain = sampled(desk, values, 1.0, smooth=False, side=224)
    np.testing.assert_allclose(plain, np.kron(values, block), atol=1e-6)


def test_heat_maps_are_sampled_between_known_points(desk):
    values = np.array([[0.0, 1.0], [2.0, 4.0]])
    found = sampled(desk, values, 4.0, smooth=True, side=4)
    assert found[0, 0] == 0 and found[3, 3] == 1  # beyond the outermost centres nothing is made up
    assert found[0, 1] == pytest.approx(0.25 / 4) and found[1, 0] == pytest.approx(0.5 / 4)
    assert not sampled(desk, np.zeros((4, 4)), 0.0, smooth=True, side=8).any()


def test_strength_runs_from_the_image_alone_to_the_map_alone(desk):
    strengths, values = np.linspace(0, 1, 11), np.linspace(0, 1, 11)
    covers = desk.call(
        "shared/heat.js",
        "given[0].map((s) => given[1].map((v) => m.cover(v, s)))",
        [strengths.tolist(), values.tolist()],
    )
    assert not np.any(covers[0]) and np.allclose(covers[-1], 1)
    assert (np.diff(covers, axis=0) >= 0).all()  # more strength never uncovers the image
    assert (np.diff(covers, axis=1)[1:-1] > 0).all()  # more evidence covers more of it
    for strength, found in zip(strengths, covers, strict=True):  # as Python draws it into files
        np.testing.assert_allclose(found, cover(values, strength), atol=1e-12)


def test_drawing_leaves_the_image_or_the_colours_untouched(desk):
    drawn = desk.call(
        "shared/heat.js",
        """(() => {
          const image = Object.assign(document.createElement('canvas'), { width: 32, height: 32 });
          const context = image.getContext('2d');
          const picture = context.createImageData(32, 32);
          for (let k = 0; k < picture.data.length; k++)
            picture.data[k] = k % 4 === 3 ? 255 : (k * 37) % 256;
          context.putImageData(picture, 0, 0);
          const table = m.colourTable(['#000004', '#bc3754', '#fcffa4']);
          const map = { height: 1, width: 1, values: [1] };
          return [0, 1, 0.5].map((strength) => {
            const canvas = document.createElement('canvas');
            m.drawHeat(canvas, image, m.sample(map, 2, true), strength, table);
            const out = canvas.getContext('2d').getImageData(0, 0, 224, 224).data;
            return [0, 7, 7 * 224].map((k) => Array.from(out.slice(4 * k, 4 * k + 3)));
          });
        })()""",
    )
    image = [[(4 * pixel + c) * 37 % 256 for c in range(3)] for pixel in (0, 1, 32)]
    assert drawn[0] == image
    assert drawn[1] == [[0xBC, 0x37, 0x54]] * 3
    assert drawn[2] != image and drawn[2] != drawn[1]


def test_a_contrast_is_drawn_from_both_ends_of_its_colours(desk):
    drawn = desk.call(
        "shared/heat.js",
        """(() => {
          const image = Object.assign(document.createElement('canvas'), { width: 32, height: 32 });
          image.getContext('2d').fillRect(0, 0, 32, 32);
          const table = m.colourTable(['#ff0000', '#00ff00', '#0000ff']);
          return [1, 0.5].map((strength) => [-2, 0, 2].map((value) => {
            const values = m.sample({ height: 1, width: 1, values: [value] }, 2, true);
            const canvas = document.createElement('canvas');
            m.drawContrast(canvas, image, values, strength, table);
            const { data } = canvas.getContext('2d').getImageData(100, 100, 1, 1);
            return Array.from(data.slice(0, 3));
          }));
        })()""",
    )
    assert drawn[0] == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    low, none, high = drawn[1]
    # What speaks for either is drawn as strongly; what speaks for neither hardly covers the image.
    assert low[0] == high[2] > none[1] and low[1:] == high[:2] == [0, 0]


def test_values_have_the_digits_that_their_scale_needs(desk):
    written = desk.call(
        "shared/words.js",
        "given.map(([top, value, more]) => m.digitsFor(top, more)(value))",
        [[3.21, 0.42, 0], [3.21, 0.42, 1], [41, 8.6, 0], [0.032, 0.0123, 0], [0, 0, 0], [3e-7] * 2],
    )
    assert written == ["0.4", "0.42", "9", "0.012", "0.0", "3.0e-7"]


@pytest.mark.parametrize(
    ("at", "words"),
    [((0.1, 0.2), "upper left"), ((0.5, 0.5), "middle"), ((1, 0.5), "middle right")],
)
def test_places_are_said_in_words(desk, at, words):
    assert desk.call("evidence/units.js", "m.placeInWords(...given)", at) == words


def test_of_many_questions_only_the_newest_ends(desk):
    found = desk.call(
        "evidence/latest.js",
        """(async () => {
          const latest = m.createLatest();
          const seen = [];
          const slow = (ms, value) => () => new Promise((done) => setTimeout(done, ms, value));
          const fails = async () => { throw new Error('no'); };
          latest.start(0, slow(60, 'old'), (v) => seen.push(v), (e) => seen.push(e.message));
          latest.start(0, fails, (v) => seen.push(v), (e) => seen.push(e.message));
          latest.start(20, slow(1, 'rested'), (v) => seen.push(v), (e) => seen.push(e.message));
          await new Promise((done) => setTimeout(done, 5));
          latest.start(0, slow(5, 'new'), (v) => seen.push(v), (e) => seen.push(e.message));
          await new Promise((done) => setTimeout(done, 120));
          latest.start(0, fails, (v) => seen.push(v), (e) => seen.push(e.message));
          await new Promise((done) => setTimeout(done, 5));
          return seen;
        })()""",
    )
    assert found == ["new", "no"]


def test_answers_are_kept_but_failures_are_not(desk):
    found = desk.call(
        "evidence/latest.js",
        """(async () => {
          let asked = 0;
          const answers = m.createAnswers(async (question) => {
            asked++;
            if (question === 'bad') throw new Error('no');
            return question;
          }, 2);
          const before = answers.has('a');
          await answers.get('a', 1);
          await Promise.all([answers.get('a', 1), answers.get('a', 1)]);
          const once = asked;
          for (const _ of [0, 1]) await answers.get('b', 'bad').catch(() => {});
          const failed = asked;
          await answers.get('c', 1);
          await answers.get('d', 1);
          return [before, once, failed, ['a', 'b', 'c', 'd'].map(answers.has)];
        })()""",
    )
    assert found == [False, 1, 3, [False, False, True, True]]


# The rest


def test_points_within_a_polygon_are_found(desk):
    from matplotlib.path import Path as Polygon

    rng = np.random.default_rng(0)
    points = rng.random((2000, 2))
    angles = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    reach = rng.uniform(0.1, 0.5, 30)  # a star with dents
    corners = 0.5 + reach[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    found = desk.call(
        "explorer/points.js",
        "Array.from(m.inside(...given))",
        [points.ravel().tolist(), corners.ravel().tolist()],
    )
    assert np.array_equal(np.array(found, bool), Polygon(corners).contains_points(points))


@pytest.mark.parametrize(
    ("p", "words"),
    [(1.0, "p = 1.00"), (0.0312, "p = 0.03"), (0.0042, "p = 0.0042"), (3e-9, "p < 0.0001")],
)
def test_a_chance_is_said_with_as_many_digits_as_it_needs(desk, p, words):
    assert desk.call("shared/words.js", "m.chance(given)", p) == words


def test_tags_that_somebody_else_wrote_are_dropped(desk):
    stored = '{"5": ["evil", "ambiguous"], "__proto__": ["ambiguous"], "x": ["ambiguous"], "7": 1}'
    found = desk.call(
        "explorer/tags.js",
        """(() => {
          const found = given.map((text) => {
            localStorage.setItem('cifar-lens:tags', text);
            return m.createTags().all();
          });
          localStorage.removeItem('cifar-lens:tags');
          return found;
        })()""",
        [stored, "not json", "null", "[]"],
    )
    assert found == [{"5": ["ambiguous"]}, {}, {}, {}]


def test_a_pack_of_another_format_asks_for_a_reload(desk):
    said = desk.call(
        "explorer/pack.js",
        """(() => {
          const header = new TextEncoder().encode('{"format": 99, "columns": []}');
          const bytes = new Uint8Array(4 + header.length);
          new DataView(bytes.buffer).setUint32(0, header.length, true);
          bytes.set(header, 4);
          try { return m.decode(bytes.buffer); } catch (error) { return error.message; }
        })()""",
    )
    assert "99" in said and "reload" in said
