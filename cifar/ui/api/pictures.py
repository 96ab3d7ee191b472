"""Calls about any picture: which class it shows, and a heat map for a class.

PyTorch is imported when the first of them is made, see `cifar.ui.network_thread`.
"""

import numpy as np

from cifar import CLASSES
from cifar.data.pictures import FITS, network_view, open_image
from cifar.explain.drawing import STRENGTH, ZOOM, overlay
from cifar.ui.api.values import DECIMALS, checkpoint_of, number, rounded, shares, who
from cifar.ui.security.remote_pictures import picture_file
from cifar.ui.validation import choice


def classify(image: dict, model: str, top_k: int = 3, fit: str = "crop") -> dict:
    """Say which of the ten CIFAR-10 classes a picture shows, with calibrated probabilities.

    Args:
        image: The picture: PNG, JPEG, WEBP, GIF or BMP, at most 20 MB.
        model: The network that is asked.
        top_k: How many classes to give, the most probable first.
        fit: What makes it square: its middle (crop), plain ground (fit) or being stretched.

    Returns:
        model and weights_sha256
        predicted class and its confidence, 0 to 1
        probabilities of the top_k classes
        notices of what puts the answer in doubt (unlike CIFAR-10; not sure), empty without a doubt
    """
    from cifar.evaluation.classifier import classify as answer_of
    from cifar.ui.evidence import notices

    ckpt = checkpoint_of(model)
    count = number("top_k", top_k, 1, len(CLASSES))
    answer = answer_of(ckpt, _seen(image, fit))
    return {
        **who(ckpt),
        "predicted": CLASSES[answer.predicted],
        "confidence": rounded(answer.confidence),
        "probabilities": shares(answer.top(count)),
        "notices": notices(ckpt, answer),
    }


def explain(
    image: dict, model: str, target: str = "", method: str = "", layer: str = "", fit: str = "crop"
) -> tuple[np.ndarray, dict]:
    """Show where a network finds evidence for a class in a picture, as a heat map over it.

    Args:
        image: The picture: PNG, JPEG, WEBP, GIF or BMP, at most 20 MB.
        model: The network that is asked.
        target: The class whose evidence is wanted; the predicted one if empty.
        method: How the evidence is found; if empty, the quick one of the highest mean ROAD here.
        layer: The layer that is looked into; if empty, the one of that score.
        fit: What makes it square: its middle (crop), plain ground (fit) or being stretched.

    Returns:
        the heat map over what the network saw (256x256, PNG)
        model and weights_sha256
        predicted class and target class
        method, layers and unit of the evidence
        values: rows of the map from the top
        peak: the largest value, drawn brightest
    """
    from cifar.evaluation.classifier import classify as answer_of
    from cifar.ui.evidence import maps_of

    ckpt, seen = checkpoint_of(model), _seen(image, fit)
    predicted = answer_of(ckpt, seen).predicted
    wanted = CLASSES.index(choice(target, CLASSES, "class")) if target else predicted
    question = {"method": method or None, "layers": [layer] if layer else None}
    (heat,) = maps_of(ckpt, seen, [wanted], question)
    large = seen.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    return overlay(large, heat, strength=STRENGTH), {
        **who(ckpt),
        "predicted": CLASSES[predicted],
        "target": CLASSES[wanted],
        "method": heat.method,
        "layers": [one.name for one in heat.layers],
        "unit": heat.unit,
        "peak": rounded(heat.peak),
        "values": heat.values.astype(np.float64).round(DECIMALS).tolist(),
    }


def _seen(image: object, fit: object) -> np.ndarray:
    """What a network sees of a picture: uint8 (32, 32, 3)."""
    way = choice(fit, FITS, "way to make a picture square")
    with picture_file(image) as path:
        return network_view(open_image(path), way)
