"""A site without a server: the explorer, and the networks themselves, in the visitor's browser.

`build` writes a folder of files that any static server can serve under any path, a Hugging Face
Space of the kind "static" among them: the same components, packs and sheets of thumbnails as the
app's, the networks as ONNX, and ONNX Runtime Web. Nothing is fetched from anywhere else when a
visitor comes.
"""

import hashlib
import html
import json
import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from string import Template

from PIL import Image

from cifar import PACKAGE, LensError
from cifar.data.pictures import MAX_BYTES, MAX_PIXELS
from cifar.explore import page_data, store, thumbnails
from cifar.files import fill_folder
from cifar.models.figure_files import drawn, drawn_of_all
from cifar.publish import onnx_export, onnxruntime_web
from cifar.report.readme_tables import results_table

TEMPLATES = Path(__file__).parent / "site"
COMPONENTS = PACKAGE / "ui" / "components"
# What runs in the page; the files beside these folders are Gradio's.
PARTS = ("shared", "explorer", "evidence", "classify", "static")
# Heat maps that need the last layer's output and the head alone; `static/cam.js` computes them.
METHODS = ("gradcam", "hirescam", "gradcam++", "xgradcam", "layercam", "finercam")
FIGURES = {
    "confusion_matrix": "confusion matrix of {title}: counts of true and predicted classes",
    "reliability": "reliability diagram of {title}, before and after the temperature",
    "misclassified": "the most confident mistakes of {title}, each beside its heat map",
}
COMMON_FIGURES = {
    "training_curves": "loss and accuracy of both networks by epoch",
    "training_images": "ten training images of each class",
}
# What is imported to write the site alone: an environment of the app's need not have it.
NEEDED = ("onnx", "onnxscript", "markdown_it")

HOW_TO_READ = f"""
## How to read a heat map
{page_data.HEAT_MAPS}
## How to read a doubt
{page_data.UNSURE}
## How to read a confidence
{page_data.CONFIDENCE}
## How to read a verdict
{page_data.VERDICTS}
## What this page is
Files and nothing else: there is no server behind it. The networks are fetched into your browser
when they are first needed, run there by [ONNX Runtime Web](https://onnxruntime.ai) (MIT licence),
and give the numbers that they give in Python. Your pictures are not sent anywhere. Heat maps are
those of the last layer, which can be had without gradients of the network. Other layers and
methods, whether a map can be trusted, what would change the answer and whether a picture is unlike
CIFAR-10 need the app, which runs from the same source.

CIFAR-10 was collected by Alex Krizhevsky, Vinod Nair and Geoffrey Hinton
([technical report, 2009](https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf)).
"""


def build(folder: Path, space: str = "") -> None:
    """Write the site into a folder that is empty or not there yet; nothing stays if that fails.

    space: the id of the Hugging Face Space that it is for, if it is for one: links to a view then
    lead to its page. Downloads ONNX Runtime Web from npm unless it is in the cache. Raises
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
    for part in PARTS:
        shutil.copytree(COMPONENTS / part, root / "components" / part)
    for name in ("packs", "sheets", "neighbors", "networks", "figures"):
        (root / name).mkdir()
    count = thumbnails.count(len(store.test_images()))
    told = {
        **page_data.model_list(),
        "models": [_model(root, **model) for model in page_data.model_list()["models"]],
        "evidence": page_data.options(METHODS, last_layer=True),
        "examples": page_data.examples(),
        "packs": {
            name: _add(root, f"packs/{name}", ".pack", page_data.pack(name))
            for name in page_data.pack_names()
        },
        "sheets": [
            _add(root, f"sheets/{number}", ".png", page_data.sheet(number))
            for number in range(count)
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
    (root / "page.json").write_text(json.dumps(told), encoding="utf-8")
    checkpoints = [store.load(name) for name in page_data.models()]
    results = results_table(checkpoints)
    for name, words in {
        "index.html": {
            "models": _switch(told["models"], told["model"]),
            "results": as_html(results),
            "figures": _figures(root, told["models"]),
            "how_to_read": as_html(HOW_TO_READ),
            "cards": "\n".join(
                f'<div data-model="{ckpt.name}">{as_html(_card(ckpt.path))}</div>'
                for ckpt in checkpoints
            ),
        },
        "README.md": {"results": results},
    }.items():
        template = Template((TEMPLATES / name).read_text(encoding="utf-8"))
        (root / name).write_text(template.substitute(words), encoding="utf-8")


def _add(root: Path, stem: str, suffix: str, content: bytes) -> str:
    """Write a file under a name that changes with its content, so that no browser shows an old one
    beside new ones; returns its address."""
    name = f"{stem}-{hashlib.sha256(content).hexdigest()[:12]}{suffix}"
    (root / name).write_bytes(content)
    return name


def _model(root: Path, name: str, title: str) -> dict:
    """What the page knows of a model. unsure: None where that was not measured."""
    ckpt = store.load(name)
    path = root / "network.onnx"
    onnx_export.export(ckpt, path)
    content = path.read_bytes()
    path.unlink()
    return {
        "name": name,
        "title": title,
        "network": {
            "url": _add(root, f"networks/{name}", ".onnx", content),
            "bytes": len(content),
        },
        "temperature": ckpt.temperature,
        "unsure": ckpt.measured().get("unsure", {}).get("below"),
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
    """The header's model switch as HTML."""
    return "\n".join(
        f'<label><input type="radio" name="model" value="{html.escape(name)}"'
        f"{' checked' if name == first else ''}><span>{html.escape(title)}</span></label>"
        for name, title in ((model["name"], model["title"]) for model in models)
    )


def _figures(root: Path, models: list[dict]) -> str:
    """The report's figures as HTML, those of one model marked as its own; copies the files."""
    checkpoints = [store.load(model["name"]) for model in models]
    found: list[tuple[Path, str, str]] = [
        (path, words.format(title=model["title"]), model["name"])
        for kind, words in FIGURES.items()
        for model, ckpt in zip(models, checkpoints, strict=True)
        if (path := drawn(ckpt, kind))
    ]
    found += [
        (path, words, "")
        for kind, words in COMMON_FIGURES.items()
        if (path := drawn_of_all(checkpoints, kind))
    ]
    return "\n".join(_figure(root, *one) for one in found)


def _figure(root: Path, path: Path, words: str, model: str) -> str:
    shutil.copy(path, root / "figures" / path.name)
    with Image.open(path) as image:
        width, height = image.size
    own = f' data-model="{html.escape(model)}"' if model else ""
    return (
        f'<figure{own}><img src="figures/{path.name}" alt="{html.escape(words)}" width="{width}" '
        f'height="{height}" loading="lazy"></figure>'
    )


def _card(path: Path) -> str:
    """A model card without its metadata block."""
    return (path / "README.md").read_text(encoding="utf-8").split("---\n", 2)[-1]


def as_html(markdown: str) -> str:
    """Markdown as HTML for a page whose policy forbids styles in it.

    Headings are one level lower, tables can be scrolled, and links open beside the page.
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
    scroll = '<div class="scroll" tabindex="0" role="region" aria-label="table"><table>'
    return text.replace("<table>", scroll).replace("</table>", "</table></div>")
