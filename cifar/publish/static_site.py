"""The static site: the explorer and the networks run in the visitor's browser, without a server.

`build` writes a folder that any static server can serve under any path, also a static Hugging Face
Space: the components, packs and sheets of thumbnails of the app, the networks as ONNX, and ONNX
Runtime Web. The site loads nothing from other hosts.
"""

import hashlib
import html
import json
import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from string import Template
from typing import get_args

import numpy as np

from cifar import PACKAGE, LensError
from cifar.data.pictures import MAX_BYTES, MAX_PIXELS, Kind
from cifar.evaluation import ood
from cifar.explore import columns, mistakes, page_data, report_page, store
from cifar.explore.stories import stories
from cifar.files import fill_folder, folder_hash
from cifar.models import model_card
from cifar.models.checkpoint import Checkpoint
from cifar.publish import onnx_export, onnxruntime_web
from cifar.report.readme_tables import results_table

TEMPLATES = Path(__file__).parent / "site"
COMPONENTS = PACKAGE / "ui" / "components"
# The components of the site; the files beside these folders are for Gradio.
PARTS = ("shared", "text", "explorer", "evidence", "classify", "static")
# Heat maps that need only the last layer's output and the head; `static/cam.js` computes them.
METHODS = ("gradcam", "hirescam", "gradcam++", "xgradcam", "layercam", "finercam")
# Packages that only the site needs, so an environment of the app may lack them.
NEEDED = ("onnx", "onnxscript", "markdown_it")

HOW_TO_READ = f"""
# How to read a heat map
{page_data.HEAT_MAPS}
# How to read a doubt
{page_data.UNSURE}
# How to read a confidence
{page_data.CONFIDENCE}
# How to read a verdict
{page_data.VERDICTS}
# What this page is
Files and nothing else: there is no server behind it. The networks are fetched into your browser
when they are first needed, run there by [ONNX Runtime Web](https://onnxruntime.ai) (MIT licence),
and give the numbers that they give in Python. Your pictures are not sent anywhere. Heat maps are
those of the last layer, which need no gradients of the network. Other layers and
methods, whether a map can be trusted and what would change the answer need the app, which runs from
the same source.

CIFAR-10 was collected by Alex Krizhevsky, Vinod Nair and Geoffrey Hinton
([technical report, 2009](https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf)).
"""


def build(folder: Path, space: str = "") -> None:
    """Write the site into an empty or new folder; leave nothing there on failure.

    space: the id of the Hugging Face Space that the site is for, or empty; links to a view lead to
    the Space's page. Downloads ONNX Runtime Web from npm unless it is in the cache. Raises
    LensError.
    """
    _check_packages()
    fill_folder(Path(folder), lambda partial: _write(partial, space))


def _check_packages() -> None:
    missing = []
    for module in NEEDED:
        try:
            import_module(module)
        except ImportError:
            missing.append(module)
    if missing:
        raise LensError(
            f"The static site needs {', '.join(missing)}, which cannot be imported: "
            "pip install -r requirements.txt."
        )


def _write(root: Path, space: str) -> None:
    store.check_all()
    # A folder named by its content: browsers must not combine old scripts with new ones.
    components = f"components-{folder_hash(COMPONENTS)}"
    for part in PARTS:
        shutil.copytree(COMPONENTS / part, root / components / part)
    for name in ("packs", "sheets", "neighbors", "networks", "figures"):
        (root / name).mkdir()
    page = {
        **page_data.model_list(),
        "models": [_model(root, **model) for model in page_data.model_list()["models"]],
        "evidence": page_data.options(METHODS, last_layer=True),
        "examples": {name: page_data.examples(name) for name in page_data.models()},
        "facts": page_data.facts(),
        "packs": {
            name: _add(root, f"packs/{name}", ".pack", page_data.pack(name))
            for name in page_data.pack_names()
        },
        "sheets": [
            _add(root, f"sheets/{number}", ".png", page_data.sheet(number))
            for number in range(page_data.sheets())
        ],
        "neighbors": {
            name: [
                _add(root, f"neighbors/{name}-{k}", ".png", page_data.neighbor_sheet(name, k))
                for k in range(page_data.neighbor_sheets(name))
            ]
            for name in page_data.models()
        },
        "runtime": _runtime(root),
        "maxBytes": MAX_BYTES,
        "maxPixels": MAX_PIXELS,
        "space": space,
    }
    (root / "page.json").write_text(json.dumps(page), encoding="utf-8")
    checkpoints = [store.load(name) for name in page_data.models()]
    results = results_table(checkpoints)
    for name, values in {
        "index.html": {
            "components": components,
            "models": _switch(page["models"], page["model"]),
            "reports": _reports(root, checkpoints),
            "how_to_read": as_html(HOW_TO_READ),
            "cards": "\n".join(
                f'<div data-model="{ckpt.name}">{as_html(model_card.read(ckpt.path))}</div>'
                for ckpt in checkpoints
            ),
        },
        "README.md": {"results": results},
    }.items():
        template = Template((TEMPLATES / name).read_text(encoding="utf-8"))
        (root / name).write_text(template.substitute(values), encoding="utf-8")


def _add(root: Path, stem: str, suffix: str, content: bytes) -> str:
    """Write a file and return its address, which contains a hash of the content.

    So browsers never combine a cached old file with new ones.
    """
    name = f"{stem}-{hashlib.sha256(content).hexdigest()[:12]}{suffix}"
    (root / name).write_bytes(content)
    return name


def _model(root: Path, name: str, title: str) -> dict:
    """Write a network and what finds pictures unlike CIFAR-10; return the entry in page.json."""
    ckpt = store.load(name)
    path = root / "network.onnx"
    onnx_export.export(ckpt, path)
    content = path.read_bytes()
    path.unlink()
    features = store.predictions(name).features
    if features is None:  # `store.choices` leaves such a checkpoint out
        raise LensError(f"{ckpt.path}/predictions.npz holds no features.")
    onnx_export.export_distance(features, path)
    distance = path.read_bytes()
    path.unlink()
    measured, logits = ckpt.measured["ood"], store.predictions(name).logits
    record = _record(ckpt, features)
    scores = ood.scores(features, logits, ood.feature_bank(ckpt), measured["scale"])
    return {
        "name": name,
        "title": title,
        "network": {
            "url": _add(root, f"networks/{name}", ".onnx", content),
            "bytes": len(content),
            "record": _add(root, f"networks/{name}-record", ".pack", record),
        },
        "calibrated": {kind: _calibration(ckpt, kind) for kind in get_args(Kind)},
        "unlike": {
            "network": {
                "url": _add(root, f"networks/{name}-distance", ".onnx", distance),
                "bytes": len(distance),
            },
            "scale": measured["scale"],
            "notice": page_data.UNLIKE,
            "tests": np.flatnonzero(scores > measured["threshold"]).tolist(),
        },
    }


def _record(ckpt: Checkpoint, bank: np.ndarray) -> bytes:
    """Return what the networks make of the pictures that the page opens with, as a pack.

    So the page shows their heat maps before a network was fetched: those of the Classify tab, and
    the mistake that the explorer shows first. bank: see `onnx_export.export_distance`.
    """
    first = mistakes.select(store.table(ckpt.name)).index[:1].to_numpy()
    inputs = [store.test_images()[k][None] for k in first]
    for story in stories(ckpt.name):
        views = story["pixels"]
        mirrored = [views[:, :, ::-1]] if story["kind"] == "looks" else []
        inputs.append(np.concatenate([views, *mirrored]))
    answers = onnx_export.answers(ckpt, bank, inputs)
    height, width = answers[0]["maps"].shape[2:]
    pictures = [
        {
            "runs": len(one["logits"]),
            "distance": float(one["distance"][0]),
            "nearest": one["nearest"][0].tolist(),
        }
        for one in answers
    ]
    return columns.pack(
        {
            "kind": "record",
            "pictures": pictures,
            "height": height,
            "width": width,
            "averaged": bool(answers[0]["averaged"]),
        },
        {
            "pixels": np.concatenate(inputs),
            **{key: np.concatenate([one[key] for one in answers]) for key in ("logits", "maps")},
            "weights": answers[0]["weights"],
        },
    )


def _calibration(ckpt: Checkpoint, kind: Kind) -> dict:
    """Return what was measured for a kind of view, see `pictures.Seen`."""
    calibrated = ckpt.calibrated_for(kind)
    below = calibrated.measured["unsure"]["below"]
    return {
        "temperature": calibrated.temperature,
        "threshold": calibrated.measured["ood"]["threshold"],
        "unsure": below,
        "doubt": page_data.not_sure(below),
        "note": page_data.calibration_note(ckpt, kind),
    }


def _runtime(root: Path) -> dict:
    folder = f"runtime/{onnxruntime_web.VERSION}"
    names = onnxruntime_web.write(root / folder)
    binary = f"{folder}/{names['binary']}"
    return {
        "script": f"{folder}/{names['script']}",
        "binary": {"url": binary, "bytes": (root / binary).stat().st_size},
    }


def _switch(models: list[dict], first: str) -> str:
    """Return the model switch of the header as HTML."""
    return "\n".join(
        f'<label><input type="radio" name="model" value="{html.escape(name)}"'
        f"{' checked' if name == first else ''}><span>{html.escape(title)}</span></label>"
        for name, title in ((model["name"], model["title"]) for model in models)
    )


def _reports(root: Path, checkpoints: list[Checkpoint]) -> str:
    """Copy the figures of the reports, and return the HTML of these; data-model names the model."""

    def copied(path: Path) -> str:
        shutil.copy(path, root / "figures" / path.name)
        return f"figures/{path.name}"

    return "\n".join(
        f'<div data-model="{html.escape(ckpt.name)}">'
        f"{report_page.report(ckpt, checkpoints, copied)}</div>"
        for ckpt in checkpoints
    )


def as_html(markdown: str) -> str:
    """Convert Markdown to HTML without inline styles, which the page's security policy forbids.

    Headings are one level lower, tables can be scrolled, and links open in a new tab.
    """
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    change: dict[str, Callable] = {
        "heading_open": lambda token: setattr(token, "tag", f"h{int(token.tag[1]) + 1}"),
        "link_open": lambda token: token.attrs.update(target="_blank", rel="noopener"),
    }
    change["heading_close"] = change["heading_open"]
    tokens = parser.parse(markdown)
    for token in (inner for outer in tokens for inner in (outer, *(outer.children or ()))):
        if token.type in change:
            change[token.type](token)
        if token.attrs.pop("style", "") == "text-align:right":
            token.attrs["class"] = "right"
    text = parser.renderer.render(tokens, parser.options, {})
    scroll = '<div class="scroll" tabindex="0" role="group" aria-label="table"><table>'
    return text.replace("<table>", scroll).replace("</table>", "</table></div>")
