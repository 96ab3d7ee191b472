"""API functions for any picture: its class, and the heat map of a class.

PyTorch is imported at the first call, see `cifar.ui.network_thread`.
"""

import numpy as np

from cifar import CLASSES
from cifar.data.pictures import FITS, network_view, open_image
from cifar.explain.drawing import STRENGTH, ZOOM, overlay
from cifar.ui.api.answers import Classification, Explanation
from cifar.ui.api.values import (
    DECIMALS,
    checkpoint_of,
    class_probabilities,
    identity,
    json_number,
    whole_number,
)
from cifar.ui.security.sent_pictures import picture_file
from cifar.ui.validation import choice


def classify(image: dict, model: str, top_k: int = 3, fit: str = "crop") -> Classification:
    """Say which of the ten CIFAR-10 classes a picture shows, with calibrated probabilities.

    Args:
        image: The picture: PNG, JPEG, WEBP, GIF or BMP, at most 20 MB.
        model: The network to ask.
        top_k: How many classes to give, the most probable first.
        fit: How to make it square: keep its middle (crop), add a plain border (fit) or stretch it.

    Returns:
        model and weights_sha256
        predicted class and its confidence, 0 to 1
        probabilities of the top_k classes
        notices: reasons to doubt the answer (unlike CIFAR-10; not sure), empty if there are none

    """
    from cifar.evaluation.classifier import classify as classify_image
    from cifar.ui.evidence import notices

    ckpt = checkpoint_of(model)
    count = whole_number("top_k", top_k, 1, len(CLASSES))
    answer = classify_image(ckpt, _network_image(image, fit))
    return {
        **identity(ckpt),
        "predicted": CLASSES[answer.predicted],
        "confidence": json_number(answer.confidence),
        "probabilities": class_probabilities(answer.top(count)),
        "notices": notices(ckpt, answer),
    }


def explain(
    image: dict, model: str, target: str = "", method: str = "", layer: str = "", fit: str = "crop"
) -> tuple[np.ndarray, Explanation]:
    """Show where a network finds evidence for a class in a picture, as a heat map over it.

    Args:
        image: The picture: PNG, JPEG, WEBP, GIF or BMP, at most 20 MB.
        model: The network to ask.
        target: The class to show evidence for; the predicted one if empty.
        method: The heat map method; if empty, the quick one with the highest mean ROAD score here.
        layer: The layer to look into; if empty, the one with that score.
        fit: How to make it square: keep its middle (crop), add a plain border (fit) or stretch it.

    Returns:
        the heat map over what the network saw (256x256, PNG)
        model and weights_sha256
        predicted class and target class
        method, layers and unit of the evidence
        values: rows of the map from the top
        peak: the largest value, drawn brightest

    """
    from cifar.evaluation.classifier import classify as classify_image
    from cifar.ui.evidence import maps_of

    ckpt, pixels = checkpoint_of(model), _network_image(image, fit)
    predicted = classify_image(ckpt, pixels).predicted
    label = CLASSES.index(choice(target, CLASSES, "class")) if target else predicted
    question = {"method": method or None, "layers": [layer] if layer else None}
    (heat_map,) = maps_of(ckpt, pixels, [label], question)
    large = pixels.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    return overlay(large, heat_map, strength=STRENGTH), {
        **identity(ckpt),
        "predicted": CLASSES[predicted],
        "target": CLASSES[label],
        "method": heat_map.method,
        "layers": [one.name for one in heat_map.layers],
        "unit": heat_map.unit,
        "peak": json_number(heat_map.peak),
        "values": heat_map.values.astype(np.float64).round(DECIMALS).tolist(),
    }


def _network_image(image: object, fit: object) -> np.ndarray:
    """Return the pixels that a network sees of a picture: uint8 (32, 32, 3)."""
    known_fit = choice(fit, FITS, "way to make a picture square")
    with picture_file(image) as path:
        return network_view(open_image(path), known_fit)
