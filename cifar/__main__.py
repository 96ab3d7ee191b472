"""The command line: `python -m cifar VERB`; each verb calls one function of the package.

Heavy imports stay inside the verbs, so that `--help` answers at once.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import tyro

from cifar import CLASSES, LensError
from cifar.recipe import PRESETS


def summary(network: Literal["resnet", "basenet"], /) -> None:
    """Print the layer table of `resnet` or `basenet`."""
    from cifar.model import create_model
    from cifar.model import summary as table

    print(table(create_model(network)))


# `train resnet --epochs 40`: a preset by name, any of its fields by flag.
Preset = tyro.extras.subcommand_type_from_defaults(PRESETS)


def train(
    recipe: Annotated[Preset, tyro.conf.arg(name="")],
    run: Path | None = None,
    resume: bool = False,
) -> None:
    """Train a network; the checkpoint is written to RUN/checkpoint at the end.

    Args:
        recipe: The preset's hyper-parameters, each of which can be changed.
        run: Folder of the run, runs/NETWORK if left out.
        resume: Go on where the run in this folder stopped.
    """
    from cifar.train import train as run_training

    run_training(recipe, run or Path("runs") / recipe.network, resume=resume)


def recipes(comparisons: tuple[Path, ...] = (), /) -> None:
    """Put comparisons of recipes on record, and write checkpoints/RECIPES.md.

    Args:
        comparisons: Folders of finished runs, one of them named baseline; none: only rewrite.
    """
    from cifar.comparisons import write

    print(write(comparisons))


def evaluate(checkpoint: str, /, explain: bool = False, images: int = 500) -> None:
    """Measure a checkpoint: predictions.npz, metrics.json and the model card in its folder.

    Args:
        checkpoint: A name under checkpoints/ or a folder.
        explain: Score heat maps only, every method and layer; needs the plain evaluation before.
        images: On how many test images heat maps are scored.
    """
    from cifar.card import percent, scores_table

    if explain:
        from cifar.explain.scores import score

        print(scores_table(score(checkpoint, images)["explain"]))
        return
    from cifar.evaluate import evaluate as measure

    test = measure(checkpoint)["test"]
    print(f"Test accuracy, plain: {percent(test['accuracy'])}, n = {test['accuracy']['n']:,}")
    print(f"with the mirrored image averaged in: {percent(test['mirrored'])}")


def predict(
    pictures: list[str],
    /,
    checkpoint: str = "resnet",
    top_k: int = 3,
    out: Path | None = None,
    heatmaps: Path | None = None,
) -> None:
    """Classify pictures; the exit code is 1 if there were some that could not be read.

    Args:
        pictures: Files, folders (with all that is below them) and globs.
        checkpoint: A name under checkpoints/ or a folder.
        top_k: How many classes to give, 1 to 10.
        out: Write a CSV table to this file instead of printing a line a picture.
        heatmaps: Also save what speaks for each answer, as pictures in this folder.
    """
    from cifar import predict as many
    from cifar.checkpoint import load

    if not 1 <= top_k <= len(CLASSES):
        raise LensError(f"--top-k is {top_k}: choose 1 to {len(CLASSES)}.")
    if not many.run(load(checkpoint), pictures, top_k=top_k, out=out, heatmaps=heatmaps):
        sys.exit(1)


def figures(screenshot: bool = True) -> None:
    """Draw the pictures under assets/ and refresh README's results table.

    Args:
        screenshot: Also serve the app and photograph it (needs requirements-dev.txt and Chromium).
    """
    from cifar import figures as pictures
    from cifar import screenshot as camera
    from cifar.results import ASSETS

    pictures.draw_all()
    if screenshot:
        camera.draw(ASSETS / "screenshot.png")


def bench(suite: Literal["train", "app", "explain"], /, json: bool = False) -> None:
    """Measure us beside a reference; the exit code is 1 where a bar was missed.

    Args:
        suite: What to measure; train: images a second of a training step, in about four minutes;
            app: what a visitor waits for, in one; explain: heat maps a second, in half of one.
        json: Print one JSON object instead of a table.
    """
    from cifar import bench as benchmark

    report = benchmark.measure(suite)
    print(benchmark.as_json(report) if json else benchmark.as_table(report))
    if not benchmark.held(report):
        sys.exit(1)


def main() -> None:
    verbs = (summary, train, recipes, evaluate, predict, figures, bench)
    verbs = {verb.__name__: verb for verb in verbs}
    try:
        tyro.extras.subcommand_cli_from_dict(
            verbs,
            prog="python -m cifar",
            description=__doc__,
            config=(tyro.conf.CascadeSubcommandArgs,),
        )
    except LensError as error:
        # Of several processes that train together, one on each machine says it.
        silent = int(os.environ.get("LOCAL_RANK", 0)) > 0
        sys.exit(1 if silent else f"python -m cifar: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
