"""API functions for any picture: its class, and the heat map of a class.

PyTorch is imported at the first call, see `cifar.ui.network_thread`.
"""

from collections import Counter

import numpy as np

from cifar import CLASSES
from cifar.data.pictures import FITS, Seen, open_image, see
from cifar.explain.drawing import STRENGTH, ZOOM, overlay
from cifar.explore.page_data import calibration_note
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
        image: The picture: PNG, JPEG, WEBP, GIF, BMP, AVIF, HEIF or TIFF, at most 20 MB.
        model: The network to ask.
        top_k: How many classes to give, the most probable first.
        fit: How to make it square: look at its middle in several ways (crop), add a plain border
            (fit) or stretch it.

    Returns:
        model and weights_sha256
        predicted class and its confidence, 0 to 1
        probabilities of the top_k classes
        looks: how many of the looks at the picture say each class
        calibrated: what a confidence means, and on what that was measured
        notices: reasons to doubt the answer (unlike CIFAR-10; not sure), empty if there are none

    """
    from cifar.ui.answered import classify as classify_image
    from cifar.ui.evidence import notices

    ckpt = checkpoint_of(model)
    count = whole_number("top_k", top_k, 1, len(CLASSES))
    answer = classify_image(ckpt, _seen(image, fit))
    return {
        **identity(ckpt),
        "predicted": CLASSES[answer.predicted],
        "confidence": json_number(answer.confidence),
        "probabilities": class_probabilities(answer.top(count)),
        "looks": dict(Counter(CLASSES[said] for said in answer.said.ravel())),
        "calibrated": calibration_note(ckpt, answer.kind),
        "notices": notices(ckpt, answer),
    }


def explain(
    image: dict, model: str, target: str = "", method: str = "", layer: str = "", fit: str = "crop"
) -> tuple[np.ndarray, Explanation]:
    """Show where a network finds evidence for a class in a picture, as a heat map over it.

    Args:
        image: The picture: PNG, JPEG, WEBP, GIF, BMP, AVIF, HEIF or TIFF, at most 20 MB.
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
    from cifar.ui.answered import classify as classify_image
    from cifar.ui.evidence import maps_of

    ckpt, seen = checkpoint_of(model), _seen(image, fit)
    pixels, predicted = seen.views[0], classify_image(ckpt, seen).predicted
    label = CLASSES.index(choice(target, CLASSES, "class")) if target else predicted
    question = {"method": method or None, "layers": [layer] if layer else None}
    calibrated = ckpt.calibrated_for(seen.kind_of_view)
    (heat_map,) = maps_of(calibrated, pixels, [label], question)
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


def _seen(image: object, fit: object) -> Seen:
    """Return what a network sees of a picture."""
    known_fit = choice(fit, FITS, "way to make a picture square")
    with picture_file(image) as path:
        return see(open_image(path), known_fit)
