"""The command line: `python -m cifar VERB`; each verb calls one function of the package.

Heavy imports stay inside the verbs, so that `--help` answers at once.
"""

import errno
import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from cifar import CLASSES, LensError
from cifar.training.recipe import PRESETS, Recipe, stretched


def summary(network: Literal["resnet", "basenet"], /) -> None:
    """Print the layer table of `resnet` or `basenet`."""
    from cifar.models.networks import create_model
    from cifar.models.summary import summary as table

    print(table(create_model(network)))


# `train resnet --lr 0.5`: a preset by name, any of its fields by flag.
if TYPE_CHECKING:
    Preset = Recipe
else:
    Preset = tyro.extras.subcommand_type_from_defaults(PRESETS)


def app(mcp: bool = False) -> None:
    """Serve the web app on http://127.0.0.1:7860, or the next free port.

    Args:
        mcp: Answer MCP clients too, at /gradio_api/mcp/ (needs pip install "gradio[mcp]").
    """
    from cifar.ui.app import build, serve

    serve(build(), mcp=mcp)


def train(
    recipe: Annotated[Preset, tyro.conf.arg(name="")],
    run: Path | None = None,
    resume: bool = False,
    data: Path | None = None,
) -> None:
    """Train a network; the checkpoint is written to RUN/checkpoint at the end.

    Args:
        recipe: The preset's hyper-parameters, each of which can be changed.
        run: Folder of the run, runs/NETWORK if left out.
        resume: Go on where the run in this folder stopped.
        data: Where torchvision left the training images (cifar-10-batches-py, the folder that holds
            it, or its .tar.gz); CIFAR_DATA or the Hugging Face Hub if left out.
    """
    from cifar.training.distributed import end_process
    from cifar.training.loop import train as run_training

    folder = run or Path("runs") / recipe.network
    run_training(stretched(recipe), folder, resume=resume, source=data)
    end_process()


def recipes(comparisons: tuple[Path, ...] = (), /) -> None:
    """Put comparisons of recipes on record, and write checkpoints/RECIPES.md.

    Args:
        comparisons: Folders of finished runs, one of them named baseline; none: only rewrite.
    """
    from cifar.training.ablations import write

    print(write(comparisons))


def evaluate(
    checkpoint: str, /, explain: bool = False, images: int = 500, data: Path | None = None
) -> None:
    """Measure a checkpoint, and write its predictions, metrics and model card into its folder.

    Args:
        checkpoint: A name under checkpoints/ or a folder.
        explain: Score heat maps only, every method and layer; needs the plain evaluation before.
        images: On how many test images heat maps are scored.
        data: Where torchvision left the training images (cifar-10-batches-py, the folder that holds
            it, or its .tar.gz); CIFAR_DATA or the Hugging Face Hub if left out.
    """
    from cifar.models.model_card import percent, scores_table

    if explain:
        from cifar.explain.method_scores import score

        print(scores_table(score(checkpoint, images)["explain"]))
        return
    from cifar.evaluation.evaluate import evaluate as measure

    test = measure(checkpoint, data)["test"]
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
    """Classify pictures; the exit code is 1 if there were some that could not be found or read.

    Args:
        pictures: Files, folders (with all that is below them) and globs.
        checkpoint: A name under checkpoints/, a folder, or USER/NAME@REVISION on the Hub.
        top_k: How many classes to give, 1 to 10.
        out: Write a CSV table to this file instead of printing a line a picture.
        heatmaps: Also save what speaks for each answer, as pictures in this folder.
    """
    from cifar import predict as many
    from cifar.models.checkpoint import load

    if not 1 <= top_k <= len(CLASSES):
        raise LensError(f"--top-k is {top_k}: choose 1 to {len(CLASSES)}.")
    ckpt = load(checkpoint)
    say(ckpt.origin)
    if not many.run(ckpt, pictures, top_k=top_k, out=out, heatmaps=heatmaps):
        sys.exit(1)


def push(
    checkpoint: str,
    name: str,
    /,
    private: bool = False,
    dry_run: bool = False,
    out: Path | None = None,
) -> None:
    """Publish an evaluated checkpoint as a model on the Hugging Face Hub.

    Args:
        checkpoint: A name under checkpoints/, a folder, or USER/NAME@REVISION on the Hub.
        name: What it is called on the Hub, USER/NAME.
        private: Create it so that only you can see it.
        dry_run: Upload nothing; write what would be uploaded into the folder --out.
        out: That folder, empty or not there yet.
    """
    from cifar.models.checkpoint import load
    from cifar.publish.model_repo import push as publish

    check_dry_run(dry_run, out)
    ckpt = load(checkpoint)
    say(ckpt.origin)
    print(publish(ckpt, name, private=private, out=out))


def deploy(
    name: str = "",
    /,
    private: bool = False,
    hardware: Literal["cpu-basic", "cpu-upgrade", "zero-a10g"] | None = None,
    zerogpu: bool = False,
    static: bool = False,
    models: tuple[str, ...] = (),
    dry_run: bool = False,
    out: Path | None = None,
) -> None:
    """Publish the app with the checkpoints as a Space on the Hugging Face Hub.

    Args:
        name: What it is called on the Hub, USER/NAME; a dry run of --static can do without.
        private: Create it so that only you can see it.
        hardware: What it runs on, cpu-basic if left out.
        zerogpu: Build it for ZeroGPU, which lends GPUs; the same as --hardware zero-a10g.
        static: Publish a site that runs in the visitor's browser alone, without a server.
        models: Models on the Hub that it is linked with, USER/NAME each.
        dry_run: Upload nothing; write what would be uploaded into the folder --out.
        out: That folder, empty or not there yet.
    """
    from cifar.publish.space import deploy as publish

    check_dry_run(dry_run, out)
    print(
        publish(
            name,
            private=private,
            hardware=hardware,
            zerogpu=zerogpu,
            static=static,
            models=models,
            out=out,
        )
    )


def say(origin: str) -> None:
    """On stderr, which commit and weights a checkpoint from the Hub is; nothing of a local one."""
    if origin:
        print(origin, file=sys.stderr)


def check_dry_run(dry_run: bool, out: Path | None) -> None:
    """Raises LensError where one of --dry-run and --out stands without the other."""
    if dry_run != (out is not None):
        raise LensError("--dry-run and --out DIR go together: what would be uploaded goes to DIR.")


def assets(sources: Path | None = None, out: Path | None = None) -> None:
    """Make the shipped test images and annotations anew from what others published.

    Args:
        sources: Folder with the published files; those that it lacks are downloaded into it.
        out: Write into this folder instead of the project's assets/.
    """
    from cifar import ASSETS
    from cifar.data.shipped import make

    make(sources, out or ASSETS)


def figures(screenshot: bool = True) -> None:
    """Draw the pictures under assets/ and refresh README's results table.

    Args:
        screenshot: Also serve the app, photograph it and run README's calls (needs
            requirements-dev.txt and Chromium).
    """
    from cifar import ASSETS
    from cifar.report import figures as pictures
    from cifar.report import readme_calls
    from cifar.report import screenshot as camera
    from cifar.report.readme_tables import README

    pictures.draw_all()
    if screenshot:
        camera.draw(ASSETS / "screenshot.png")
        readme_calls.refresh(README)


def bench(
    suite: Literal["train", "app", "explain", "network", "start"],
    /,
    json: bool = False,
    record: bool = False,
) -> None:
    """Measure us beside a reference; the exit code is 1 where a bar was missed.

    Args:
        suite: What to measure; train: images a second of a training step, in about four minutes;
            app: what a visitor waits for, in two; explain: heat maps a second, in half of one;
            network: what we add to a network's own work, in four; start: how long the app takes to
            its first page, in five.
        json: Print one JSON object instead of a table.
        record: Keep what was found under assets/ and show it in README.
    """
    from cifar.bench import suites as benchmark
    from cifar.report.readme_tables import README

    report = benchmark.measure(suite)
    print(benchmark.as_json(report) if json else benchmark.as_table(report))
    if record:
        benchmark.record(report, README)
    if not benchmark.held(report):
        sys.exit(1)


# A disk that is full, by room or by quota, or that nothing may be written to.
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES)


VERBS: dict[str, Callable[..., None]] = {
    verb.__name__: verb
    for verb in (
        *(app, summary, train, recipes, evaluate, predict),
        *(push, deploy, assets, figures, bench),
    )
}


def main() -> None:
    """Run the verb that the command line names; the exit code is 1 for an error."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be any bytes
    try:
        try:
            tyro.extras.subcommand_cli_from_dict(
                VERBS,
                prog="python -m cifar",
                description=__doc__,
                config=(tyro.conf.CascadeSubcommandArgs,),
            )
        except SystemExit:
            sys.stdout.flush()
            raise
        sys.stdout.flush()
    except LensError as error:
        # Of several processes that train together, one on each machine says it.
        silent = int(os.environ.get("LOCAL_RANK", 0)) > 0
        sys.exit(1 if silent else f"python -m cifar: {error}")
    except BrokenPipeError:  # whoever reads has seen enough: `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.errno not in DISK:
            raise
        where = f": {error.filename}" if error.filename else ""
        sys.exit(
            f"python -m cifar: A file cannot be written ({error.strerror}{where}): see to its "
            "disk and run the command again; what was there before is kept."
        )
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
