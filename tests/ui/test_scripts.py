"""The page's JavaScript against Python: what both compute must agree. Node runs it, no browser."""

import base64
import csv
import io
import json
import os
import random
import shutil
import subprocess
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
import torch
from PIL import Image

from cifar.add.trace import trace
from cifar.data.pictures import network_view
from cifar.explain.drawing import cover
from cifar.explain.heat_maps import heat_maps
from cifar.explore import mistakes, page_data, store
from cifar.explore.mistakes import CELLS
from cifar.explore.slices import slices
from cifar.models.checkpoint import Checkpoint
from cifar.models.graph import GraphNetwork
from cifar.models.preprocessing import Preprocessing
from cifar.models.staged import normalize
from cifar.publish.static_site import METHODS
from cifar.ui.app import VIEW
from cifar.ui.scripts import COMPONENTS
from docs.networks import ResNet18
from tests.selection import random_views, select

MODELS = ("resnet", "basenet")

RUN = """
import {{ text }} from "node:stream/consumers";
import * as m from "{module}";
const bytes = (content) => new Uint8Array(Buffer.from(content, "base64"));
const floats = (content) => new Float32Array(bytes(content).buffer);
const given = JSON.parse(await text(process.stdin));
console.log(JSON.stringify(await (async () => {{ {body} }})()));
"""


@pytest.fixture(scope="module")
def run():
    """A function that runs JavaScript with `m`, a module of the page, and `given` from Python."""
    node = shutil.which("node")
    if not node:
        if "CI" in os.environ:  # where nothing is skipped
            pytest.fail("node is not installed")
        pytest.skip("node is not installed")

    def run_one(module, body, given=None):
        script = RUN.format(module=(COMPONENTS / module).as_uri(), body=body)
        done = subprocess.run(
            [node, "--input-type=module", "--eval", script],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run_one


def encoded(content):
    """Return bytes, or an array's as float32, in base64."""
    if not isinstance(content, bytes):
        content = np.asarray(content, np.float32).tobytes()
    return base64.b64encode(content).decode()


# Selections


def test_the_server_knows_which_links_open_the_explorer(run):
    assert sorted(run("explorer/view.js", "return m.KEYS;", {})) == sorted(VIEW)


def test_links_select_the_same_images_in_the_same_order_as_python(run, tmp_path, annotations):
    tables = {name: store.table(name) for name in MODELS}
    dimensions = slices(tables["resnet"], store.predictions("resnet").qualities)
    cells = mistakes.compare(tables["resnet"], tables["basenet"]).cells

    def within(cell, _):
        return np.flatnonzero(cells == list(CELLS).index(cell)).tolist()

    views = random_views(random.Random(4), dimensions, ["basenet"], within)
    asked = list(islice(views, 200))
    for name in ("images", *MODELS):
        (tmp_path / name).write_bytes(page_data.pack(name))
    selections = run(
        "explorer/select.js",
        """
        const { readFileSync } = await import("node:fs");
        const part = (name) => import(`${given.components}/explorer/${name}.js`);
        const [{ readPack }, { names, parse }] = await Promise.all(["pack", "view"].map(part));
        const contentOf = (name) => Uint8Array.from(readFileSync(`${given.folder}/${name}`)).buffer;
        const packOf = (name) => readPack(contentOf(name));
        const packs = ["images", "resnet", "basenet"].map(packOf);
        const [images, model, other] = await Promise.all(packs);
        const listed = { models: ["resnet"], others: ["basenet"] };
        const known = { ...names(images.header, model.header), ...listed };
        return given.queries.map((query) => {
          const view = parse(query, known);
          const fails = m.failures({ images, model, other }, view, null);
          return Array.from(m.select(fails, m.orderOf(model.columns[`rank_${view.sort}`])));
        });
        """,
        {
            "components": COMPONENTS.as_uri(),
            "folder": str(tmp_path),
            "queries": ["?" + urlencode(link) for link, _ in asked],
        },
    )
    for (link, filters), indices in zip(asked, selections, strict=True):
        rows = select(tables["resnet"], dimensions=dimensions, **filters)
        assert indices == rows.index.tolist(), link
    # Many selections must hold images for this to mean much.
    assert sum(len(indices) > 50 for indices in selections) > 50


# Heat maps


@pytest.mark.parametrize("cells", [2, 4, 8, 16])
def test_heat_maps_are_sampled_as_torch_does(run, cells):
    values = np.random.default_rng(cells).random((cells, cells), dtype=np.float32)
    smooth, squares = run(
        "shared/heat.js",
        "return [true, false].map((smooth) => Array.from(m.sample(given, 1, smooth, 224)));",
        {"values": values.ravel().tolist(), "height": cells, "width": cells},
    )
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(values)[None, None], size=(224, 224), mode="bilinear", align_corners=False
    )
    np.testing.assert_allclose(np.reshape(smooth, (224, 224)), expected[0, 0], atol=1e-5)
    block = np.ones((224 // cells, 224 // cells))
    np.testing.assert_allclose(np.reshape(squares, (224, 224)), np.kron(values, block), atol=1e-6)


def test_maps_cover_images_as_in_the_files_that_python_draws(run):
    strengths, values = np.linspace(0, 1, 11), np.linspace(0, 1, 11)
    covers = run(
        "shared/heat.js",
        "return given[0].map((s) => given[1].map((v) => m.cover(v, s)));",
        [strengths.tolist(), values.tolist()],
    )
    for strength, row in zip(strengths, covers, strict=True):
        np.testing.assert_allclose(row, cover(values, strength), atol=1e-12)


def outputs(model, image):
    """Return what the ONNX file of a network gives for an image, as `cam.js` takes it."""
    with torch.inference_mode():
        x = normalize(torch.from_numpy(image)[None].permute(0, 3, 1, 2))
        logits, _, maps = model.with_maps(x)
    height, width = maps.shape[2:]
    averaged = isinstance(model, GraphNetwork)
    head = model.weights.linear if averaged else model.head
    parts = {"logits": logits[0], "maps": maps[0], "weights": head.weight.detach()}
    return {name: encoded(part) for name, part in parts.items()} | {
        "averaged": averaged,
        "height": height,
        "width": width,
    }


def averaging():
    """A network that takes the means of its last maps, as brought ones do."""
    torch.manual_seed(0)
    traced = trace(ResNet18(8), (3, 32, 32))
    network = GraphNetwork(traced.graph, Preprocessing(), traced.layers)
    network.load_state_dict(traced.weights)
    layer = network.layer("layer4")
    network.layers = (layer,)
    network = network.eval().requires_grad_(False)
    return Checkpoint(
        Path("averaging"), {"network": "graph", "layers": [asdict(layer)]}, {}, "", module=network
    )


@pytest.mark.parametrize("name", [*MODELS, "averaging"])
def test_heat_maps_are_those_of_python(run, test_images, name):
    ckpt = averaging() if name == "averaging" else store.load(name)
    layers = [ckpt.model.layers[-1].name]
    indices = [61, 3, 7099, 4000, 9999]
    questions = [
        (k, method, targets)
        for k in range(len(indices))
        for method in METHODS
        for targets in ([3, 5], [8])
    ]
    answers = run(
        "static/cam.js",
        """
        const runs = given.runs.map((run) => ({ ...run, ...Object.fromEntries(
          ["logits", "maps", "weights"].map((key) => [key, floats(run[key])])) }));
        return given.questions.map(([k, method, targets]) => targets.map(
          (target, at) => m.heatMap(runs[k], target, method, targets[1 - at] ?? null)));
        """,
        {
            "runs": [outputs(ckpt.model, test_images[index]) for index in indices],
            "questions": questions,
        },
    )
    for (k, method, targets), maps in zip(questions, answers, strict=True):
        against = targets[::-1] if len(targets) == 2 else None
        image = test_images[indices[k]]
        heats = heat_maps(ckpt, image, targets, method, layers, against=against)
        for one, heat in zip(maps, heats, strict=True):
            values = np.reshape(one["values"], (one["height"], one["width"]))
            assert np.abs(values - heat.values).max() <= 1e-3 * max(heat.peak, 1e-3), method


def test_the_page_has_the_methods_that_the_site_offers(run):
    assert run("static/cam.js", "return m.METHODS;") == list(METHODS)


# Pictures


def photograph(width, height, seed=0):
    """Return noise over a gradient: everything that scaling can get wrong."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 255, width)[None, :, None] * np.array([1, 0.5, 0.2])
    noise = rng.normal(0, 60, (height, width, 3))
    return Image.fromarray(np.uint8(np.clip(ramp + noise, 0, 255)))


def assert_scaled_alike(run, image, questions):
    """Compare `networkView` with `network_view`; questions: pairs of fit and box."""
    views = run(
        "static/seen.js",
        """
        const picture = { ...given.picture, data: bytes(given.picture.data) };
        return given.questions.map(([fit, box]) => Array.from(m.networkView(picture, fit, box)));
        """,
        {
            "picture": {
                "width": image.width,
                "height": image.height,
                "data": encoded(image.tobytes()),
            },
            "questions": questions,
        },
    )
    for (fit, box), view in zip(questions, views, strict=True):
        gap = np.abs(np.reshape(view, (32, 32, 3)) - network_view(image, fit, box).astype(int))
        assert gap.max() <= 1 and (gap == 0).mean() > 0.999, (fit, box)


@pytest.mark.parametrize(
    "size", [(640, 480), (481, 733), (33, 31), (32, 32), (20, 50), (97, 96), (1500, 1001), (200, 1)]
)
def test_a_picture_is_scaled_as_pillow_does(run, size):
    fits = [(fit, None) for fit in ("crop", "fit", "stretch")]
    assert_scaled_alike(run, photograph(*size), fits)


@pytest.mark.parametrize("seed", range(4))
def test_any_part_of_a_picture_is_scaled_as_pillow_does(run, seed):
    rng = np.random.default_rng(seed)
    image = photograph(*rng.integers(100, 900, 2).tolist(), seed=seed)
    boxes = []
    for _ in range(4):
        left, top = rng.uniform(0, 0.6, 2)
        boxes.append((left, top, left + rng.uniform(0.2, 0.4), top + rng.uniform(0.2, 0.4)))
    assert_scaled_alike(run, image, [("crop", box) for box in boxes])


# Files


def test_python_reads_the_fields_of_the_exported_table(run):
    fields = ['a "quoted" word', "a, b", "two\nlines", "plain", ""]
    line = run("explorer/export.js", "return given.map(m.field).join(',');", fields)
    assert next(csv.reader(io.StringIO(line, newline=""))) == fields
