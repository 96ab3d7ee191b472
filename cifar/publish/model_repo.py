"""Publish an evaluated checkpoint as a model repository on the Hugging Face Hub.

    python -m cifar push basenet USER/NAME

The repository is the checkpoint's folder, with figures and with a card that gives the measurements
and the usage, also as metadata. `checkpoint.load("USER/NAME")` reads it back.
"""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from huggingface_hub import (
    EvalResult,
    EvalResultEntry,
    ModelCardData,
    eval_result_entries_to_yaml,
)
from huggingface_hub.utils import yaml_dump

from cifar import __version__
from cifar.data.release import DATASET, REVISION
from cifar.evaluation.predictions import load_predictions
from cifar.models import checkpoint, hub, model_card
from cifar.models.checkpoint import Checkpoint
from cifar.models.facts import TITLES
from cifar.models.figure_files import drawn
from cifar.publish.upload import publish
from cifar.report import figures

EVAL_RESULTS = Path(".eval_results") / "cifar10.yaml"
FIGURE_CAPTIONS = {
    "misclassified": "The most confident mistakes, each beside its heat map",
    "confusion_matrix": "Which classes are taken for which",
    "reliability": "How often it is right at each confidence",
}
FROM_METRICS = {
    "confusion_matrix": figures.confusion_matrix,
    "reliability": figures.reliability,
}


def push(ckpt: Checkpoint, repo_id: str, *, private: bool = False, out: Path | None = None) -> str:
    """Publish a checkpoint as a model and return its address on the Hub.

    out: write the repository's content into this folder instead, without any network, and return
    its path. Raises LensError for an invalid name, a checkpoint that was not evaluated, a folder
    that is not empty, and errors of the Hub.
    """
    hub.check_repo_id(repo_id)
    message = f"{ckpt.title} by CIFAR Lens {__version__}, weights {ckpt.sha256}"
    write = partial(write_folder, ckpt, repo_id)
    return publish(write, repo_id, "model", out=out, message=message, private=private)


def write_folder(ckpt: Checkpoint, repo_id: str, folder: Path) -> None:
    """Write the files of the repository. Raises CheckpointError if there are no measurements."""
    metrics = ckpt.measured
    load_predictions(ckpt)
    if ckpt.training:
        checkpoint.read_history(ckpt.path)
    for name in checkpoint.files_of(ckpt.config):
        if name != "README.md":
            shutil.copyfile(ckpt.path / name, folder / name)
    captions = {}
    for kind, write in _figures(ckpt).items():
        captions[f"assets/{kind}.png"] = FIGURE_CAPTIONS[kind]
        (folder / "assets").mkdir(exist_ok=True)
        write(folder / "assets" / f"{kind}.png")
    if metrics["official"]:
        (folder / EVAL_RESULTS).parent.mkdir()
        (folder / EVAL_RESULTS).write_text(eval_results(ckpt), encoding="utf-8")
    text = hub_card(ckpt.config, metrics, repo_id, captions)
    (folder / "README.md").write_text(text, encoding="utf-8")


def _figures(ckpt: Checkpoint) -> dict[str, Callable[[Path], object]]:
    """Return a function that writes each figure to a path.

    It copies the figure that `python -m cifar figures` drew of these weights, or else draws it from
    the metrics. The figure of mistakes, which needs the test images, is only ever copied.
    """
    title = ckpt.title
    writers: dict[str, Callable[[Path], object]] = {}
    for kind in FIGURE_CAPTIONS:
        if path := drawn(ckpt, kind):
            writers[kind] = partial(_copy, path)
        elif draw := FROM_METRICS.get(kind):
            writers[kind] = figures.to_image(draw(ckpt.metrics, title)).save
    return writers


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def eval_results(ckpt: Checkpoint) -> str:
    """Return the accuracy as YAML for the Hub, which shows it on the model's and dataset's pages.

    See https://huggingface.co/docs/hub/eval-results; `model-index` in the card is the older way.
    """
    accuracy = ckpt.measured["test"]["accuracy"]
    entry = EvalResultEntry(
        dataset_id=DATASET,
        task_id="test",
        value=accuracy["value"],
        dataset_revision=REVISION,
        notes=f"plain accuracy, n = {accuracy['n']:,}, weights sha256 {ckpt.sha256}",
    )
    return yaml_dump(eval_result_entries_to_yaml([entry]))


def hub_card(config: dict, metrics: dict, repo_id: str, captions: dict[str, str]) -> str:
    """Return the model card for the Hub: with the accuracy as metadata, usage and figures.

    captions: of the figures, by path relative to the card.
    """
    accuracy = EvalResult(
        task_type="image-classification",
        dataset_type=DATASET,
        dataset_name="CIFAR-10" if metrics["official"] else "a copy of CIFAR-10 that differs",
        dataset_split="test",
        metric_type="accuracy",
        metric_name="Test accuracy, plain",
        metric_value=metrics["test"]["accuracy"]["value"],
    )
    front = ModelCardData(
        license="mit" if "training" in config else None,  # of a brought one, only its owner knows
        library_name="pytorch",
        pipeline_tag="image-classification",
        datasets=[DATASET],
        metrics=["accuracy"],
        tags=["cifar10", "image-classification", "cifar-lens"],
        model_name=f"{checkpoint.title(config)} on CIFAR-10",
        eval_results=[accuracy],
    )
    extra = _usage(config, repo_id)
    if captions:
        extra += ["## Figures", ""]
        for path, caption in captions.items():
            extra += [f"![{caption}]({path})", ""]
    return "\n".join(["---", front.to_yaml(), "---", "", *model_card.body(config, metrics, extra)])


def _usage(config: dict, repo_id: str) -> list[str]:
    """Return the section on usage as lines of Markdown; a test runs its code."""
    usage = f"""\
## Use it

In the folder of CIFAR Lens, the project that this model is from:

```sh
python -m cifar predict photo.jpg --checkpoint {repo_id}@main
```

It says which commit and which weights answered; name the commit in place of `main` to have the
same weights for good. In Python:

```python
from cifar.data.pictures import open_image, see
from cifar.evaluation import classifier
from cifar.models import checkpoint

model = checkpoint.load("{repo_id}@main")
seen = see(open_image("photo.jpg"))  # what the network sees: looks of 32x32 pixels
print(classifier.classify(model, seen).top(3))  # calibrated probabilities
```
"""
    if "training" in config:
        usage += _bare_usage(config["network"], repo_id)
    return usage.split("\n")


def _bare_usage(module: str, repo_id: str) -> str:
    network = TITLES[module]
    return f"""
Or for the logits alone, where `strict=True` refuses weights that do not fit:

```python
import torch
from huggingface_hub import PyTorchModelHubMixin

from cifar.models.{module} import {network}
from cifar.models.staged import normalize


class Published({network}, PyTorchModelHubMixin):
    pass


model = Published.from_pretrained("{repo_id}", strict=True)
pixels = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)  # RGB
print(model(normalize(pixels)))
```
"""
