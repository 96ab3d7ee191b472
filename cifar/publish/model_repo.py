"""An evaluated checkpoint becomes a model repository on the Hugging Face Hub.

    python -m cifar push basenet USER/NAME

The repository is the checkpoint's own folder, with figures and with a card that says, for people
and for machines, what was measured and how to use it. `checkpoint.load("USER/NAME")` reads it back.
"""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from huggingface_hub import EvalResult, ModelCardData

from cifar import __version__
from cifar.data.release import DATASET
from cifar.evaluation.predictions import load_predictions
from cifar.files import read_json_lines
from cifar.models import checkpoint, hub, model_card
from cifar.models.checkpoint import Checkpoint
from cifar.models.facts import TITLES
from cifar.models.figure_files import drawn
from cifar.publish.upload import publish
from cifar.report import figures

SHOWN = {
    "misclassified": "The most confident mistakes, each beside its heat map",
    "confusion_matrix": "Which classes are taken for which",
    "reliability": "How often it is right at each confidence",
}
FROM_METRICS = {
    "confusion_matrix": figures.confusion_matrix,
    "reliability": figures.reliability,
}


def push(ckpt: Checkpoint, repo_id: str, *, private: bool = False, out: Path | None = None) -> str:
    """Publish a checkpoint as a model; returns its address on the Hub.

    out: write the repository's content into this folder instead, and return its path; no network.
    Raises LensError: for a name that cannot be, a checkpoint that was not evaluated, a folder that
    is not empty, and whatever the Hub has against it.
    """
    hub.check_repo_id(repo_id)
    message = f"{TITLES[ckpt.network]} by CIFAR Lens {__version__}, weights {ckpt.sha256}"
    write = partial(write_folder, ckpt, repo_id)
    return publish(write, repo_id, "model", out=out, message=message, private=private)


def write_folder(ckpt: Checkpoint, repo_id: str, folder: Path) -> None:
    """What the repository consists of. Raises CheckpointError for what was not measured yet."""
    metrics = ckpt.measured()
    load_predictions(ckpt)
    read_json_lines(ckpt.path / "history.jsonl")
    for name in checkpoint.FILES:
        if name != "README.md":
            shutil.copyfile(ckpt.path / name, folder / name)
    shown = {}
    for kind, draw in _figures(ckpt).items():
        shown[f"assets/{kind}.png"] = SHOWN[kind]
        (folder / "assets").mkdir(exist_ok=True)
        draw(folder / "assets" / f"{kind}.png")
    text = hub_card(ckpt.config, metrics, repo_id, shown)
    (folder / "README.md").write_text(text, encoding="utf-8")


def _figures(ckpt: Checkpoint) -> dict[str, Callable[[Path], object]]:
    """What writes each figure: a copy of those that `python -m cifar figures` drew of these
    weights, else a drawing, but of mistakes, for which the test images would have to be fetched.
    """
    title = TITLES[ckpt.network]
    write: dict[str, Callable[[Path], object]] = {}
    for kind in SHOWN:
        if path := drawn(ckpt, kind):
            write[kind] = partial(_copy, path)
        elif draw := FROM_METRICS.get(kind):
            write[kind] = figures.to_image(draw(ckpt.metrics, title)).save
    return write


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def hub_card(config: dict, metrics: dict, repo_id: str, shown: dict[str, str]) -> str:
    """`card.model_card` for the Hub: with its accuracy for machines, its use and its figures.

    shown: what each figure shows, by its path beside the card.
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
        license="mit",
        library_name="pytorch",
        pipeline_tag="image-classification",
        datasets=[DATASET],
        metrics=["accuracy"],
        tags=["cifar10", "image-classification", "cifar-lens"],
        model_name=f"{TITLES[config['network']]} on CIFAR-10",
        eval_results=[accuracy],
    )
    extra = _usage(config, repo_id)
    if shown:
        extra += ["## Figures", ""]
        for path, what in shown.items():
            extra += [f"![{what}]({path})", ""]
    return "\n".join(["---", front.to_yaml(), "---", "", *model_card.body(config, metrics, extra)])


def _usage(config: dict, repo_id: str) -> list[str]:
    """Lines of Markdown; a test runs what is in them."""
    network = TITLES[config["network"]]
    return f"""\
## Use it

In the folder of CIFAR Lens, the project that this model is from:

```sh
python -m cifar predict photo.jpg --checkpoint {repo_id}@main
```

It says which commit and which weights answered; name the commit in place of `main` to have the
same weights for good. In Python:

```python
from cifar.data.pictures import network_view, open_image
from cifar.evaluation import classifier
from cifar.models import checkpoint

model = checkpoint.load("{repo_id}@main")
view = network_view(open_image("photo.jpg"))  # the 32x32 pixels that the network sees
print(classifier.classify(model, view).top(3))  # calibrated probabilities
```

Or for the logits alone, where `strict=True` refuses weights that do not fit:

```python
import torch
from huggingface_hub import PyTorchModelHubMixin

from cifar.models.networks import {network}, normalize


class Published({network}, PyTorchModelHubMixin):
    pass


model = Published.from_pretrained("{repo_id}", strict=True)
pixels = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)  # RGB
print(model(normalize(pixels)))
```
""".split("\n")
