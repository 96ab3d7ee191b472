"""A zip file of everything that was shown of one image, so that others can check it.

manifest.json         network, versions, method, layers, classes, scores; contents of each file
input.*               the uploaded picture, if there was one
view.png              the 32x32 pixels whose evidence is here
looks.png             all looks at the picture side by side, if there are several
probabilities.csv     class, calibrated probability, logit
maps/CLASS.npy        evidence, float32 (h, w), as computed: `unit` in the manifest
overlays/CLASS.png    the same over the image, all maps on one scale
contrast.npy, .png    the first class's evidence minus the second's, if there are two
"""

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import PIL
import torch
from PIL import Image

from cifar import CLASSES, __version__
from cifar.data.pictures import SIZE
from cifar.evaluation.classifier import Answer
from cifar.explain.drawing import STRENGTH, ZOOM, draw_contrast, overlay
from cifar.explain.faithfulness import Faithfulness
from cifar.explain.methods import HeatMap, contrast
from cifar.explain.trust import FRACTIONS
from cifar.models.checkpoint import Checkpoint

SCHEMA_VERSION = 1
# A constant file time in the zip: the same evidence gives the same bytes.
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Evidence:
    """Everything that was shown of one image.

    image: uint8 (32, 32, 3), one of the `views`, uint8 (L, 32, 32, 3), that gave the answer.
    checks: one per heat map, in the same order. strength, smooth: how the maps are drawn, see
    `overlay`. original: name and content of the uploaded picture that the views were made from;
    view: the arguments of `pictures.see` that made them, and which one `image` is. index: of a test
    image; label: its class, 0 to 9.
    """

    checkpoint: Checkpoint
    image: np.ndarray
    views: np.ndarray
    answer: Answer
    heats: Sequence[HeatMap]
    checks: Sequence[Faithfulness]
    strength: float = STRENGTH
    smooth: bool = True
    original: tuple[str, bytes] | None = None
    view: dict | None = None
    index: int | None = None
    label: int | None = None


def as_zip(evidence: Evidence) -> bytes:
    """Return the content of the zip file. The same evidence gives the same bytes."""
    files = _files(evidence)
    descriptions = {name: description for name, (description, _) in files.items()}
    manifest = json.dumps(_manifest(evidence) | {"files": descriptions}, indent=2)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "manifest.json", manifest.encode())
        for name, (_, content) in files.items():
            _add(archive, name, content)
    return buffer.getvalue()


def _files(evidence: Evidence) -> dict[str, tuple[str, bytes]]:
    """Return a description and the content of each file, by its name."""
    heats, strength, smooth = evidence.heats, evidence.strength, evidence.smooth
    scale = max(heat.peak for heat in heats)
    large = evidence.image.repeat(ZOOM, axis=0).repeat(ZOOM, axis=1)
    files = {
        "view.png": ("the pixels whose evidence is here", _png(evidence.image)),
        "probabilities.csv": ("calibrated probabilities and logits", _table(evidence.answer)),
    }
    if len(evidence.views) > 1:
        row = np.concatenate(list(evidence.views), axis=1)
        files["looks.png"] = ("what the network saw, also mirrored: its means count", _png(row))
    if evidence.original:
        name, content = evidence.original
        files[name] = ("the picture as it was uploaded", content)
    for heat in heats:
        name = CLASSES[heat.target]
        files[f"maps/{name}.npy"] = (f"evidence for {name}, {heat.unit}", _npy(heat.values))
        files[f"overlays/{name}.png"] = (
            f"evidence for {name} over the image, strength {strength:g}, scale 0 to {scale:.6g}",
            _png(overlay(large, heat, scale=scale, strength=strength, smooth=smooth)),
        )
    if len(heats) == 2 and heats[0].target != heats[1].target:
        first, second = (CLASSES[heat.target] for heat in heats)
        difference = contrast(*heats)
        end = float(np.abs(difference).max())
        files["contrast.npy"] = (f"evidence for {first} minus {second}", _npy(difference))
        files["contrast.png"] = (
            f"the same, scale {-end:.6g} to {end:.6g}",
            _png(draw_contrast(difference, SIZE * ZOOM, scale=end, smooth=smooth)),
        )
    return files


def _manifest(evidence: Evidence) -> dict:
    ckpt, heats, label = evidence.checkpoint, evidence.heats, evidence.label
    return {
        "schema_version": SCHEMA_VERSION,
        "made_by": f"CIFAR Lens {__version__}",
        "checkpoint": {
            "name": ckpt.name,
            "network": ckpt.network,
            "weights_sha256": ckpt.sha256,
            "temperature": ckpt.calibrated_for(evidence.answer.kind).temperature,
        },
        "versions": {
            "torch": torch.__version__,
            "numpy": np.__version__,
            "pillow": PIL.__version__,
            "matplotlib": matplotlib.__version__,
        },
        "image": {
            "test_index": evidence.index,
            "view": evidence.view,
            "label": None if label is None else CLASSES[label],
            "predicted": CLASSES[evidence.answer.predicted],
            "confidence": evidence.answer.confidence,
        },
        "method": heats[0].method,
        "layers": [layer.name for layer in heats[0].layers],
        "unit": heats[0].unit,
        "temperature_of_checks": ckpt.temperature,
        "drawing": {"strength": evidence.strength, "smooth": evidence.smooth},
        "maps": [
            {
                "class": CLASSES[heat.target],
                "against": None if heat.against is None else CLASSES[heat.against],
                "peak": heat.peak,
                **_scores(check),
            }
            for heat, check in zip(heats, evidence.checks, strict=True)
        ],
    }


def _scores(check: Faithfulness) -> dict:
    """Return a check as values for JSON."""
    return {
        "verdict": check.verdict,
        "sentence": check.sentence,
        "p_value": check.p_value,
        "control": check.control,
        "occlusion": check.occlusion,
        "fractions": list(FRACTIONS),
        **{
            measure: {"map": values[0].tolist(), "random_maps": values[1:].tolist()}
            for measure in ("deletion", "insertion", "road")
            for values in [getattr(check, measure)]
        },
    }


def _table(answer: Answer) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("class", "probability", "logit"))
    writer.writerows(zip(CLASSES, answer.probabilities, answer.logits, strict=True))
    return text.getvalue().encode()


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def _npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)
