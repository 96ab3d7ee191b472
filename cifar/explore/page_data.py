"""The data, choices and texts of the page, with a server or as a static site.

Packs (see `cifar.explore.packs`) and sheets of thumbnails are the same for both; the evidence panel
of the static site offers fewer methods and layers.
"""

import base64
from collections.abc import Sequence

import numpy as np
from typing_extensions import TypedDict

from cifar import CLASSES
from cifar.evaluation.external_predictions import as_predictions
from cifar.evaluation.metrics import probabilities
from cifar.evaluation.recorded_answers import RecordedAnswers
from cifar.explain.drawing import COLOURS, DIVERGING, colour_table
from cifar.explain.methods import METHODS, default_choice, usable
from cifar.explore import mistakes, packs, store, thumbnails
from cifar.explore.slices import slices
from cifar.explore.store import NETWORK, PUBLISHED
from cifar.explore.stories import stories
from cifar.models.checkpoint import Checkpoint

EXACT = "-probabilities"  # of a model's pack of probabilities in full precision
CHANNELS = "-channels"  # of its pack of channels

# The explanations in the About tab and on the static site: Markdown.
HEAT_MAPS = """
Bright places are where the chosen layer holds evidence **for one class**. Two maps of one image
share one scale, so the brighter one really has more evidence; maps of different images, methods,
layers or models do not compare. Late layers know more about classes and less about places: their
maps are coarse. A map shows where evidence lies, not why the network decided, and a convincing map
can stand beside a wrong answer.
"""
UNSURE = """
*Not sure*: of validation images with so little confidence, fewer than nine in ten were recognised;
for a picture that is cut or scaled, of photographs.
"""
CONFIDENCE = """
Probabilities are softmax after one temperature. For test images, it is fitted on 2,000 training
images that the network never saw in training; for a picture that is cut or scaled, on photographs,
of which a network that learned 32x32 images knows less. The Report tab shows how well that works.
"""
VERDICTS = """
About 51 people were asked for the class of every test image
([CIFAR-10H](https://github.com/jcpeterson/cifar-10h), Peterson et al. 2019, CC BY-NC-SA 4.0), and
five reviewed each of 275 labels that looked wrong
([label-errors](https://github.com/cleanlab/label-errors), Northcutt et al. 2021, Apache-2.0). A
verdict says what they said, by a fixed rule; it does not prove who is right.
"""


class Notice(TypedDict):
    """A reason to doubt an answer. kind: unlike or unsure."""

    kind: str
    title: str
    text: str


UNLIKE: Notice = {
    "kind": "unlike",
    "title": "unlike CIFAR-10",
    "text": "This picture is unlike those that the network learned from, so its answer may mean "
    "nothing.",
}


def not_sure(below: float) -> Notice:
    """Return the notice of an answer with less than this confidence, 0 to 1."""
    return {
        "kind": "unsure",
        "title": "not sure",
        "text": f"Of the answers given with less than {below:.0%} confidence, fewer than nine in "
        "ten are right.",
    }


def calibration_note(ckpt: Checkpoint, kind: str) -> str:
    """Return a sentence on what a confidence means, and on what that was measured.

    kind: see `pictures.Seen`.
    """
    photographs = ckpt.measured.get("photographs")
    if kind == "image" or photographs is None:
        return (
            "Calibrated: of the test images that get such a confidence, about that share is right."
        )
    scores = photographs["views"][kind]
    return (
        f"Calibrated on {scores['accuracy']['n']} photographs of the ten classes: it was right on "
        f"{scores['accuracy']['value']:.0%}, at {scores['confidence']:.0%} confidence on average."
    )


def models() -> list[str]:
    """Return the names of the checkpoints, the most accurate first."""
    return [name for _, name in store.choices()]


def model_list() -> dict:
    """Return the models, the other predictions to compare them with, and the default model."""
    return {
        "models": [{"name": name, "title": title} for title, name in store.choices()],
        "others": [{"name": name, "title": _title(name)} for name in store.answers_names()],
        "model": models()[0],
    }


def _title(name: str) -> str:
    """Return what the page calls one of `store.answers_names`."""
    answers = store.answers(name)
    if name == PUBLISHED:
        return answers.title
    title = f"{answers.title} {answers.accuracy:.1%}"
    if not name.startswith(NETWORK):
        return f"{title}, answers only"
    networks = store.published_networks()
    year, _ = networks.sources[networks.names.index(answers.title)]
    return title + (year and f", {year}")


def pack_names() -> list[str]:
    """Return the names of all packs."""
    more = (name + kind for name in models() for kind in (EXACT, CHANNELS))
    return ["images", *models(), *more, *store.answers_names()]


def pack(name: str) -> bytes:
    """Return a pack by its name, one of `pack_names`."""
    if name == "images":
        rows, recorded = store.table(models()[0]), store.predictions(models()[0])
        dimensions = slices(rows, recorded.qualities)
        return packs.images_pack(
            recorded.labels,
            places(),
            dimensions,
            store.annotations(),
            store.published_networks(),
            store.near_duplicates()[1],
        )
    if name in store.answers_names():
        return comparison_pack(name, store.answers(name))
    if name.endswith(EXACT):
        return packs.probabilities_pack(*_model_probabilities(name.removesuffix(EXACT)))
    if name.endswith(CHANNELS):
        model = name.removesuffix(CHANNELS)
        recorded = store.predictions(model)
        assert recorded.features is not None  # `store.choices` leaves such a checkpoint out
        return packs.channels_pack(model, recorded.features.astype(np.float32), recorded.labels)
    ckpt = store.load(name)
    return packs.model_pack(
        ckpt,
        store.short_title(ckpt),  # the explorer shows the accuracy with its interval
        store.predictions(name),
        store.table(name),
        {other: store.table(other) for other in models() if other != name},
        has_neighbor_images=store.neighbor_images(name) is not None,
    )


def _model_probabilities(name: str) -> tuple[str, np.ndarray]:
    return name, probabilities(store.predictions(name).logits, store.load(name).temperature)


def comparison_pack(name: str, answers: RecordedAnswers) -> bytes:
    """Return the pack of answers to compare models with."""
    labels = store.predictions(models()[0]).labels
    rows = mistakes.table(as_predictions(answers.probabilities, labels), 1.0)
    against = {model: store.table(model) for model in models()}
    return packs.other_pack(name, answers, rows, against)


@store.once
def places() -> np.ndarray:
    """Return the position of every test image in the sheets, see `thumbnails.positions`.

    They stay, as do the sheets that pages have, when a network is added while the app runs.
    """
    return thumbnails.positions([store.table(name)["wrong"].to_numpy() for name in models()])


def sheets() -> int:
    """Count the sheets of thumbnails, with that of near-duplicates."""
    return thumbnails.count(len(store.test_images())) + 1


def sheet(number: int) -> bytes:
    """Return a sheet as PNG; the last one is of near-duplicates among the training images.

    Raises ValueError if there is no such sheet.
    """
    if number == sheets() - 1:
        return packs.twin_sheet([*store.near_duplicates()[0].decode()])
    return thumbnails.sheet(store.test_images(), places(), number)


def neighbor_sheets(model: str) -> int:
    """Count the sheets of training images near a model's mistakes; 0 if none is on record."""
    if store.neighbor_images(model) is None:
        return 0
    return -(-int(store.table(model)["wrong"].sum()) // packs.NEIGHBOR_ROWS)


def neighbor_sheet(model: str, number: int) -> bytes:
    """Return a sheet of images near a model's mistakes, see `packs.neighbor_sheet`."""
    images = store.neighbor_images(model)
    if images is None:
        raise ValueError(f"There are no training images near the mistakes of {model}.")
    recorded, rows = store.predictions(model), store.table(model)
    return packs.neighbor_sheet(images, store.test_images(), recorded, rows, number)


def examples(model: str) -> list[dict]:
    """Return the pictures to start with, for the page: see `Story` and `pixels_of`."""
    return [
        {
            **story,
            "pixels": pixels_of(story["pixels"]),
            "votes": None if story["votes"] is None else story["votes"].tolist(),
        }
        for story in stories(model)
    ]


def facts() -> dict[str, dict]:
    """Return what the page says of each model: accuracy on the test images (0 to 1), mistakes
    among them, and how many images it learned from; None for a brought network.
    """
    return {
        name: {
            "accuracy": ckpt.accuracy,
            "mistakes": ckpt.measured["test"]["mistakes"],
            "learned": ckpt.training and ckpt.measured["train"]["accuracy"]["n"],
        }
        for name in models()
        for ckpt in [store.load(name)]
    }


def pixels_of(image: np.ndarray) -> str:
    """Encode uint8 (..., 32, 32, 3) images for the page: base64 of their bytes, row by row."""
    return base64.b64encode(np.ascontiguousarray(image).tobytes()).decode()


def options(methods: Sequence[str] = tuple(METHODS), *, last_layer: bool = False) -> dict:
    """Return the choices of the evidence panel: classes, methods, layers, defaults, colours.

    methods: the keys of METHODS to offer. last_layer: whether to offer only the layer before the
    head. The defaults are the best of those offered by their measured score.
    """
    checkpoints = {name: store.load(name) for name in models()}
    layers = {
        name: ckpt.layers[-1:] if last_layer else ckpt.layers for name, ckpt in checkpoints.items()
    }
    return {
        "classes": list(CLASSES),
        "methods": [
            {
                "name": method.name,
                "title": method.title,
                "about": method.about,
                "source": method.source,
                "slow": method.slow,
            }
            for method in METHODS.values()
            if method.name in methods
        ],
        "usable": {
            name: [method for method in usable(ckpt) if method in methods]
            for name, ckpt in checkpoints.items()
        },
        "layers": {
            name: [
                {"name": layer.name, "title": layer.title, "size": layer.size}
                for layer in layers[name]
            ]
            for name in checkpoints
        },
        "defaults": {
            name: _default(ckpt, methods, [layer.name for layer in layers[name]])
            for name, ckpt in checkpoints.items()
        },
        "colours": {
            "sequential": colour_table(COLOURS, 64),
            "diverging": colour_table(DIVERGING, 65),
        },
    }


def _default(ckpt: Checkpoint, methods: Sequence[str], layers: Sequence[str]) -> dict:
    """Return the default method and layers among those that are offered."""
    method, names = default_choice(ckpt)
    if method in methods and set(names) <= set(layers):
        return {"method": method, "layers": names}
    scores = {
        (row["method"], row["layer"]): row["road"]["mean"]
        for row in ckpt.metrics.get("explain", {}).get("rows", [])
        if row["method"] in methods and row["layer"] in layers
    }
    best = max(scores, key=lambda choice: scores[choice], default=(methods[0], layers[-1]))
    method, layer = best
    return {"method": method, "layers": (layer,)}
