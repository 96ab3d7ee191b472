"""What the page asks about one image: the answer, what speaks for it, and whether that is so.

Each function takes one question and returns one answer (see `cifar.ui.validation`). The image in a
question is a test image by its index, or the 32x32 pixels themselves: nothing is remembered here
between two questions.
"""

import base64

import numpy as np

from cifar import LensError
from cifar.data.pictures import FITS, network_view, open_image
from cifar.evaluation import ood
from cifar.evaluation.classifier import Answer, classify
from cifar.explain.drawing import STRENGTH
from cifar.explain.evidence_zip import Evidence, as_zip
from cifar.explain.faithfulness import faithfulness
from cifar.explain.heat_maps import heat_maps
from cifar.explain.methods import METHODS, HeatMap, default_choice
from cifar.explain.probes import flips, sweeps
from cifar.explore import store
from cifar.models.checkpoint import Checkpoint
from cifar.ui import gpu
from cifar.ui.html import png_url
from cifar.ui.validation import (
    answering,
    choice,
    image_of,
    known_class,
    known_model,
    share,
    uploaded,
)

MAX_CLASSES = 2


@answering
def look(question: dict) -> dict:
    """What the network says of an image, and the evidence for one or two classes."""
    ckpt = store.load(known_model(question.get("model")))
    image, label = image_of(question.get("image"))
    answer = classify(ckpt, image)
    runner_up = int(np.argsort(-answer.probabilities, kind="stable")[1])
    wanted = _classes(question) or [
        answer.predicted,
        runner_up if label in (None, answer.predicted) else label,
    ]
    heats = maps_of(ckpt, image, wanted, question)
    return {
        "probabilities": answer.probabilities.tolist(),
        "predicted": answer.predicted,
        "runner_up": runner_up,
        "label": label,
        "notices": notices(ckpt, answer),
        "method": heats[0].method,
        "layers": [layer.name for layer in heats[0].layers],
        "title": heats[0].title,
        "unit": heats[0].unit,
        "maps": [
            {
                "target": heat.target,
                "height": heat.values.shape[0],
                "width": heat.values.shape[1],
                "values": heat.values.ravel().tolist(),
            }
            for heat in heats
        ],
    }


def notices(ckpt: Checkpoint, answer: Answer) -> list[dict]:
    """Return what a visitor should know before believing the answer."""
    found = []
    if ood.is_ood(ckpt, answer):
        found.append(
            {
                "kind": "unlike",
                "title": "unlike CIFAR-10",
                "text": "This picture is unlike those that the network learned from, so its "
                "answer may mean nothing.",
            }
        )
    if ood.is_unsure(ckpt, answer):
        found.append(
            {
                "kind": "unsure",
                "title": "not sure",
                "text": f"Of the answers given with less than "
                f"{ckpt.metrics['unsure']['below']:.0%} confidence, fewer than nine in ten "
                "are right.",
            }
        )
    return found


@answering
def trust(question: dict) -> dict:
    """Whether the heat map for one class can be trusted, with the curves behind the sentence.

    It is the map that is shown beside that of the class `against`, if there is one: the two share
    their scale where layers are fused.
    """
    ckpt = store.load(known_model(question.get("model")))
    image, _ = image_of(question.get("image"))
    target = known_class(question.get("target"))
    against = question.get("against")
    others = [] if against is None else [known_class(against)]
    heat = maps_of(ckpt, image, [target, *others], question)[0]
    found = gpu.compute(faithfulness, ckpt, image, heat)
    return {
        "fractions": list(found.fractions),
        "deletion": found.deletion.tolist(),
        "insertion": found.insertion.tolist(),
        "random_deletion": _band(found.random_deletion),
        "random_insertion": _band(found.random_insertion),
        "random_road": float(np.abs(found.random_road).max()),
        **{key: getattr(found, key) for key in ("road", "control", "occlusion", "verdict")},
        "sentence": found.sentence,
    }


def _band(curves: np.ndarray) -> dict:
    """Mean, lowest and highest of curves (R, F) at each fraction."""
    return {
        "mean": curves.mean(0).tolist(),
        "low": curves.min(0).tolist(),
        "high": curves.max(0).tolist(),
    }


@answering
def probes(question: dict) -> dict:
    """What the network says of an image that is changed step by step, and what flips it first."""
    ckpt = store.load(known_model(question.get("model")))
    image, _ = image_of(question.get("image"))
    return gpu.compute(_probed, ckpt, image)


def _probed(ckpt: Checkpoint, image: np.ndarray) -> dict:
    found = sweeps(ckpt, image)
    return {
        "probes": [
            {
                "name": sweep.probe.name,
                "title": sweep.probe.title,
                "unit": sweep.probe.unit,
                "settings": list(sweep.probe.settings),
                "words": [sweep.probe.words(setting) for setting in sweep.probe.settings],
                "neutral": sweep.probe.neutral,
                "probabilities": np.round(sweep.probabilities, 5).tolist(),
                "change": np.round(sweep.change, 2).tolist(),
                "strip": png_url(np.concatenate(list(sweep.images), axis=1)),
            }
            for sweep in found
        ],
        "flips": [
            {
                "name": flip.probe.name,
                "setting": flip.setting,
                "words": flip.words,
                "becomes": flip.becomes,
                "change": round(flip.change, 2),
            }
            for flip in flips(found)
        ],
    }


@answering
def bundle(question: dict) -> dict:
    """Return a zip file with all that is shown of an image, and all that is needed to redo it."""
    name = known_model(question.get("model"))
    ckpt = store.load(name)
    given = question.get("image")
    image, label = image_of(given)
    answer = classify(ckpt, image)
    heats = maps_of(ckpt, image, _classes(question) or [answer.predicted], question)
    strength = share(question.get("strength", STRENGTH), "heat map strength")
    original, view = _original(question, image) if question.get("path") else (None, None)
    index = given.get("index") if isinstance(given, dict) else None
    content = as_zip(
        Evidence(
            ckpt,
            image,
            answer,
            heats,
            [gpu.compute(faithfulness, ckpt, image, heat) for heat in heats],
            strength=strength,
            smooth=question.get("smooth") is not False,
            original=original,
            view=view,
            index=index,
            label=label,
        )
    )
    stem = "picture" if index is None else f"test-{index}"
    return {
        "name": f"cifar-lens-{stem}-{name}.zip",
        "data": base64.b64encode(content).decode(),
    }


def _original(question: dict, image: np.ndarray) -> tuple[tuple[str, bytes], dict]:
    """Return name and content of the picture that an image was made from, and how it was made.

    Raises LensError unless it is a picture that gives this very image.
    """
    path = uploaded(question["path"])
    fit = choice(question.get("fit"), FITS, "way to make a picture square")
    box = question.get("box")
    if not np.array_equal(network_view(open_image(path, box=box), fit, box), image):
        raise LensError("The picture has been cut in another way meanwhile: save it again.")
    return (f"input{path.suffix.lower()}", path.read_bytes()), {"fit": fit, "box": box}


def _classes(question: dict) -> list[int]:
    """The classes that evidence is asked for; none if the choice is left to us."""
    classes = question.get("classes") or []
    if not isinstance(classes, list) or len(classes) > MAX_CLASSES:
        raise LensError(f"Ask for the evidence of at most {MAX_CLASSES} classes.")
    return [known_class(one) for one in classes]


def maps_of(
    ckpt: Checkpoint, image: np.ndarray, classes: list[int], question: dict
) -> list[HeatMap]:
    """The maps of one or two classes by the method and layers of a question, or the default's.

    FinerCAM sets two classes against each other.
    """
    method, layers = default_choice(ckpt)
    if question.get("method") is not None:
        method = choice(question["method"], METHODS, "method")
    if question.get("layers"):
        known = [layer.name for layer in ckpt.layers]
        if not isinstance(question["layers"], list) or len(question["layers"]) > len(known):
            raise LensError(f"Choose layers out of {', '.join(known)}.")
        layers = tuple(dict.fromkeys(choice(one, known, "layer") for one in question["layers"]))
    if method == "finercam" and len(set(classes)) == 2:
        return heat_maps(ckpt, image, classes, method, layers, against=classes[::-1])
    if METHODS[method].slow:
        return gpu.compute(heat_maps, ckpt, image, classes, method, layers)
    return heat_maps(ckpt, image, classes, method, layers)
