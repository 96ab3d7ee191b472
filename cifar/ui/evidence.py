"""Server functions about one image: prediction, heat maps, their faithfulness, and probes.

Each function takes a question and returns an answer (see `cifar.ui.validation`). A question names a
test image by its index, or holds the 32x32 pixels: the server keeps no state between questions.
"""

import base64

import numpy as np

from cifar import LensError
from cifar.data.pictures import FITS, SIZE, open_image, see
from cifar.evaluation import ood
from cifar.evaluation.classifier import Answer
from cifar.explain.account import account as account_of
from cifar.explain.account import pooled_head
from cifar.explain.drawing import STRENGTH
from cifar.explain.evidence_zip import Evidence, as_zip
from cifar.explain.faithfulness import faithfulness
from cifar.explain.heat_maps import heat_maps
from cifar.explain.layer_maps import PATCH, way
from cifar.explain.methods import METHODS, HeatMap, default_choice, refusal
from cifar.explain.probes import flips, sweeps
from cifar.explain.trust import FRACTIONS
from cifar.explore import page_data, store
from cifar.explore.page_data import Notice
from cifar.models.checkpoint import Checkpoint
from cifar.ui import gpu
from cifar.ui.answered import classify
from cifar.ui.html import png_url
from cifar.ui.validation import (
    Asked,
    choice,
    class_index,
    fraction,
    image_of,
    model_name,
    report_errors,
    uploaded,
)

MAX_CLASSES = 2


@report_errors
def look(question: dict) -> dict:
    """Return the prediction for an image, and the heat maps of one or two classes."""
    ckpt = store.load(model_name(question.get("model")))
    asked = image_of(question.get("image"))
    label = asked.label
    answer = classify(ckpt, asked.seen)
    runner_up = int(np.argsort(-answer.probabilities, kind="stable")[1])
    classes = _classes(question) or [
        answer.predicted,
        runner_up if label in (None, answer.predicted) else label,
    ]
    maps = maps_of(ckpt.calibrated_for(asked.seen.kind_of_view), asked.image, classes, question)
    return {
        "probabilities": answer.probabilities.tolist(),
        "predicted": answer.predicted,
        "runner_up": runner_up,
        "label": label,
        "notices": notices(ckpt, answer),
        "calibrated": page_data.calibration_note(ckpt, answer.kind),
        "looks": answer.said.tolist(),
        # Those of a test image are not shown.
        "nearest": ood.nearest_images(answer, ckpt).tolist() if label is None else [],
        "method": maps[0].method,
        "layers": [layer.name for layer in maps[0].layers],
        "title": maps[0].title,
        "unit": maps[0].unit,
        "maps": [
            {
                "target": heat_map.target,
                "height": heat_map.values.shape[0],
                "width": heat_map.values.shape[1],
                "values": heat_map.values.ravel().tolist(),
            }
            for heat_map in maps
        ],
    }


def notices(ckpt: Checkpoint, answer: Answer) -> list[Notice]:
    """Return the reasons to doubt an answer, each with kind, title and text."""
    doubts: list[Notice] = []
    if ood.is_ood(ckpt, answer):
        doubts.append(page_data.UNLIKE)
    if ood.is_unsure(ckpt, answer):
        below = ckpt.calibrated_for(answer.kind).measured["unsure"]["below"]
        doubts.append(page_data.not_sure(below))
    return doubts


@report_errors
def account(question: dict) -> dict:
    """Return the logits of an image as sums over channels; without terms if there is no such sum.

    Arrays are base64 of their bytes: terms float32 (C, 10), cells uint8 (C,).
    """
    asked = image_of(question.get("image"))
    ckpt = store.load(model_name(question.get("model"))).calibrated_for(asked.seen.kind_of_view)
    head = pooled_head(ckpt.model)
    if head is None:
        return {"terms": None}
    found = account_of(ckpt.model, head, asked.image)
    return {
        "temperature": ckpt.temperature,
        "logits": found.logits.tolist(),
        "constant": found.constant.tolist(),
        "terms": base64.b64encode(found.terms.astype("<f4").tobytes()).decode(),
        "cells": base64.b64encode(found.cells.astype(np.uint8).tobytes()).decode(),
        "size": found.size,
        "averaged": found.averaged,
    }


@report_errors
def layers(question: dict) -> dict:
    """Return what each layer makes of an image, and of what is left of it.

    The question's `covered`: row and column of the first pixel of a square to cover, or null. Maps
    are base64 of uint8, one after another: see `LayerMaps`.
    """
    asked = image_of(question.get("image"))
    ckpt = store.load(model_name(question.get("model"))).calibrated_for(asked.seen.kind_of_view)
    covered = question.get("covered")
    found = way(ckpt, asked.image, None if covered is None else _corner(covered))
    return {
        "patch": PATCH,
        "probabilities": found.probabilities.tolist(),
        "layers": [
            {
                "title": one.layer.title,
                "size": one.maps.shape[-1],
                "count": one.count,
                "channels": one.channels,
                "maps": _bytes(one.maps),
                "change": _bytes(one.change),
            }
            for one in found.layers
        ],
    }


def _corner(covered: object) -> tuple[int, int]:
    """Return row and column of the first pixel of a square inside the image."""
    most = SIZE - PATCH
    match covered:
        case [int(row), int(column)] if 0 <= row <= most and 0 <= column <= most:
            return row, column
    raise LensError(f"There is no such place in the picture: choose row and column 0 to {most}.")


def _bytes(shares: np.ndarray) -> str:
    return base64.b64encode(np.rint(255 * shares).astype(np.uint8).tobytes()).decode()


@report_errors
def trust(question: dict) -> dict:
    """Check whether the heat map for one class can be trusted: the verdict and its curves.

    The question's `against` is the class whose map is beside it, if any: maps of fused layers share
    one scale.
    """
    asked = image_of(question.get("image"))
    ckpt = store.load(model_name(question.get("model"))).calibrated_for(asked.seen.kind_of_view)
    target = class_index(question.get("target"))
    against = question.get("against")
    others = [] if against is None else [class_index(against)]
    heat_map = maps_of(ckpt, asked.image, [target, *others], question)[0]
    check = gpu.compute(faithfulness, ckpt, asked.image, heat_map)
    return {
        "fractions": list(FRACTIONS),
        "deletion": check.deletion[0].tolist(),
        "insertion": check.insertion[0].tolist(),
        "random_deletion": _band(check.deletion[1:]),
        "random_insertion": _band(check.insertion[1:]),
        "road": float(check.road[0]),
        "random_road": float(np.abs(check.road[1:]).max()),
        **{key: getattr(check, key) for key in ("control", "occlusion", "verdict", "sentence")},
    }


def _band(curves: np.ndarray) -> dict:
    """Return mean, minimum and maximum of curves (R, F) at each fraction."""
    return {
        "mean": curves.mean(0).tolist(),
        "low": curves.min(0).tolist(),
        "high": curves.max(0).tolist(),
    }


@report_errors
def probes(question: dict) -> dict:
    """Return predictions for an image changed in steps, and the first changes that flip them."""
    asked = image_of(question.get("image"))
    ckpt = store.load(model_name(question.get("model"))).calibrated_for(asked.seen.kind_of_view)
    return gpu.compute(_run_probes, ckpt, asked.image)


def _run_probes(ckpt: Checkpoint, image: np.ndarray) -> dict:
    results = sweeps(ckpt, image)
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
            for sweep in results
        ],
        "flips": [
            {
                "name": flip.probe.name,
                "setting": flip.setting,
                "words": flip.words,
                "becomes": flip.becomes,
                "change": round(flip.change, 2),
            }
            for flip in flips(results)
        ],
    }


@report_errors
def bundle(question: dict) -> dict:
    """Return a zip file with the results for an image, and the data to reproduce them."""
    name = model_name(question.get("model"))
    ckpt = store.load(name)
    given = question.get("image")
    asked = image_of(given)
    answer = classify(ckpt, asked.seen)
    ckpt = ckpt.calibrated_for(asked.seen.kind_of_view)
    maps = maps_of(ckpt, asked.image, _classes(question) or [answer.predicted], question)
    strength = fraction(question.get("strength", STRENGTH), "heat map strength")
    original, view = _original(question, asked) if question.get("path") else (None, None)
    index = given.get("index") if isinstance(given, dict) else None
    content = as_zip(
        Evidence(
            ckpt,
            asked.image,
            asked.seen.views,
            answer,
            maps,
            [gpu.compute(faithfulness, ckpt, asked.image, heat_map) for heat_map in maps],
            strength=strength,
            smooth=question.get("smooth") is not False,
            original=original,
            view=view,
            index=index,
            label=asked.label,
        )
    )
    stem = "picture" if index is None else f"test-{index}"
    return {
        "name": f"cifar-lens-{stem}-{name}.zip",
        "data": base64.b64encode(content).decode(),
    }


def _original(question: dict, asked: Asked) -> tuple[tuple[str, bytes], dict]:
    """Return name and content of the picture that an image was made from, and its fit, box, look.

    Raises LensError if the picture does not give exactly this image.
    """
    path = uploaded(question["path"])
    fit = choice(question.get("fit"), FITS, "way to make a picture square")
    box = question.get("box")
    if not np.array_equal(see(open_image(path), fit, box).views, asked.seen.views):
        raise LensError("The picture has been cut in another way meanwhile: save it again.")
    return (f"input{path.suffix.lower()}", path.read_bytes()), {
        "fit": fit,
        "box": box,
        "look": asked.look,
    }


def _classes(question: dict) -> list[int]:
    """Return the classes of a question; an empty list if it names none."""
    classes = question.get("classes") or []
    if not isinstance(classes, list) or len(classes) > MAX_CLASSES:
        raise LensError(f"Ask for the evidence of at most {MAX_CLASSES} classes.")
    return [class_index(one) for one in classes]


def maps_of(
    ckpt: Checkpoint, image: np.ndarray, classes: list[int], question: dict
) -> list[HeatMap]:
    """Return heat maps of one or two classes, by the question's method and layers or the default.

    FinerCAM contrasts two classes with each other.
    """
    method, layers = default_choice(ckpt)
    if question.get("method") is not None:
        method = choice(question["method"], METHODS, "method")
    if problem := refusal(ckpt, method):
        raise LensError(problem)
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
