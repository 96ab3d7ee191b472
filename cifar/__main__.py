"""The command line: `python -m cifar VERB`; each verb calls one function of the package.

Heavy imports stay inside the verbs, so that `--help` answers at once.
"""

import errno
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
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
        mcp: Also serve MCP clients, at /gradio_api/mcp/ (needs pip install "gradio[mcp]").

    """
    from cifar.ui.app import build, serve

    serve(build(), mcp=mcp)


def train(
    recipe: Annotated[Preset, tyro.conf.arg(name="")],
    run: Path | None = None,
    resume: bool = False,
    data: Path | None = None,
) -> None:
    """Train a network and write the checkpoint to RUN/checkpoint.

    Args:
        recipe: Hyper-parameters of the preset; each can be changed.
        run: Folder of the run, runs/NETWORK if left out.
        resume: Continue the run in this folder where it stopped.
        data: Training images downloaded by torchvision (cifar-10-batches-py, its parent folder, or
            its .tar.gz); CIFAR_DATA or the Hugging Face Hub if left out.

    """
    from cifar.training.distributed import end_process
    from cifar.training.loop import train as run_training

    folder = run or Path("runs") / recipe.network
    run_training(stretched(recipe), folder, resume=resume, source=data)
    end_process()


def recipes(comparisons: tuple[Path, ...] = (), /) -> None:
    """Record comparisons of recipes, and write checkpoints/RECIPES.md.

    Args:
        comparisons: Folders of finished runs, one of them named baseline; without any, the file
            is only rewritten.

    """
    from cifar.training.ablations import write

    print(write(comparisons))


def evaluate(
    checkpoint: str,
    /,
    explain: bool = False,
    trust: bool = False,
    images: int | None = None,
    photos: Path | None = None,
    photos_from: str = "",
    data: Path | None = None,
) -> None:
    """Measure a checkpoint, and write its predictions, metrics and model card into its folder.

    Args:
        checkpoint: A name under checkpoints/ or a folder.
        explain: Only score heat maps, every method and layer; needs a plain evaluation first.
        trust: Only measure how often heat maps, and random ones, are called better than chance.
        images: Number of test images for --explain and --trust, 500 if left out.
        photos: Only measure photographs, for how sure the app is of pictures that it cuts or
            scales: a folder with a folder of pictures for each class (others show none of the ten),
            or a CSV file with the columns file and label.
        photos_from: Where the photographs come from, in words, for the model card.
        data: Training images downloaded by torchvision (cifar-10-batches-py, its parent folder, or
            its .tar.gz); CIFAR_DATA or the Hugging Face Hub if left out.

    """
    from cifar.models.model_card import percent, photographs_table, scores_table, trust_note

    if explain + trust + (photos is not None) > 1:
        raise LensError("--explain, --trust and --photos are three measurements: run one by one.")
    if data is not None and (explain or trust or photos is not None):
        raise LensError("--data is for a plain evaluation: the others need no training images.")
    if images is not None and not (explain or trust):
        raise LensError("--images is for --explain and --trust: the others take all images.")
    if photos is not None:
        from cifar.evaluation.photographs import evaluate as measure_photographs

        print(photographs_table(measure_photographs(checkpoint, photos, photos_from)))
        return
    if explain or trust:
        from cifar.explain.method_scores import IMAGES, score
        from cifar.explain.trust_rates import measure as measure_trust

        count = IMAGES if images is None else images
        if explain:
            print(scores_table(score(checkpoint, count)["explain"]))
        else:
            print(trust_note(measure_trust(checkpoint, count)["trust"]))
        return
    from cifar.evaluation.evaluate import evaluate as measure

    test = measure(checkpoint, data)["test"]
    print(f"Test accuracy, plain: {percent(test['accuracy'])}, n = {test['accuracy']['n']:,}")
    print(f"with the mirrored image averaged in: {percent(test['mirrored'])}")


def add(
    name: str,
    source: str,
    arguments: tuple[str, ...] = (),
    /,
    weights: Path | None = None,
    title: str = "",
    mean: tuple[float, float, float] | None = None,
    std: tuple[float, float, float] | None = None,
    size: int = 32,
    channels: Literal["RGB", "BGR"] = "RGB",
    layout: Literal["NCHW", "NHWC"] = "NCHW",
    layers: tuple[str, ...] = (),
    features: str = "",
    data: Path | None = None,
) -> None:
    """Add a network of your own: evaluate it, and show it in the app beside the others.

    Of a table of answers, 10,000 rows of ten numbers or of a class, Compare shows what can be said
    without the network.

    Args:
        name: A new name under checkpoints/.
        source: FILE.py:CLASS, PACKAGE.MODULE:FUNCTION, torchvision:NAME, timm:NAME,
            hf-hub:USER/NAME, FILE.onnx, a checkpoint's folder or USER/NAME; or a table of answers
            (.csv, .npy, .parquet and others).
        arguments: Of the class or function, KEY=VALUE each.
        weights: A .safetensors file, or one that torch.save wrote.
        title: Its name for people; the name if left out.
        mean: Mean that it subtracts from red, green and blue on the scale 0 to 1; the usual
            ones are tried if left out.
        std: What it then divides by.
        size: Side of its input in pixels; images are resized to it.
        channels: Their order in its input.
        layout: The order of its input's dimensions.
        layers: Layers to explain; the last of each map size if left out.
        features: Layer whose output are the features; the input of the last linear layer if
            left out.
        data: Training images downloaded by torchvision (cifar-10-batches-py, its parent folder, or
            its .tar.gz); CIFAR_DATA or the Hugging Face Hub if left out.

    """
    from cifar.add.add import Wanted, add_answers, shown
    from cifar.add.add import add as bring
    from cifar.evaluation.recorded_answers import is_table
    from cifar.models.model_card import percent
    from cifar.models.preprocessing import Preprocessing

    if is_table(source):
        if arguments or weights or mean or layers or features:
            raise LensError(f"{source} is a table of answers, which takes no option but --title.")
        print(add_answers(name, Path(source), title))
        print("Compare lists it: python -m cifar app")
        return
    if (mean is None) != (std is None):
        raise LensError("--mean and --std go together: give both, or neither.")
    given = Preprocessing(size=size, channels=channels, layout=layout)
    if mean is not None and std is not None:
        given = replace(given, mean=mean, std=std)
    wanted = Wanted(given, mean is not None, layers, features, title)
    command = shlex.join(["python", "-m", "cifar", *map(shown, sys.argv[1:])])
    ckpt = bring(name, source, arguments, weights, wanted, data, command)
    accuracy = ckpt.measured["test"]["accuracy"]
    print(f"Test accuracy, plain: {percent(accuracy)}, n = {accuracy['n']:,}")
    print(f"{ckpt.path} is complete; the app shows it: python -m cifar app")


def remove(name: str, /) -> None:
    """Remove a network that `add` brought.

    Args:
        name: A name under checkpoints/.

    """
    from cifar.add.add import remove as delete

    delete(name)
    print(f"{name} is removed.")


def predict(
    pictures: list[str],
    /,
    checkpoint: str = "resnet",
    top_k: int = 3,
    out: Path | None = None,
    heatmaps: Path | None = None,
) -> None:
    """Classify pictures; the exit code is 1 if any could not be found or read.

    Args:
        pictures: Files, folders (including subfolders), globs, and http or https addresses.
        checkpoint: A name under checkpoints/, a folder, or USER/NAME@REVISION on the Hub.
        top_k: Number of classes per picture, 1 to 10.
        out: Write a CSV table to this file instead of printing a line per picture.
        heatmaps: Also save a heat map of each answer in this folder.

    """
    from cifar.models.checkpoint import load
    from cifar.predict import run

    if not 1 <= top_k <= len(CLASSES):
        raise LensError(f"--top-k is {top_k}: choose 1 to {len(CLASSES)}.")
    ckpt = load(checkpoint)
    print_origin(ckpt.origin)
    if not run(ckpt, pictures, top_k=top_k, out=out, heatmaps=heatmaps):
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
        name: Name on the Hub, USER/NAME.
        private: Create it so that only you can see it.
        dry_run: Upload nothing; write the files into the folder --out instead.
        out: Folder for --dry-run, empty or new.

    """
    from cifar.models.checkpoint import load
    from cifar.publish.model_repo import push as publish

    check_dry_run(dry_run, out)
    ckpt = load(checkpoint)
    print_origin(ckpt.origin)
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
        name: Name on the Hub, USER/NAME; not needed for a dry run of --static.
        private: Create it so that only you can see it.
        hardware: Hardware of the Space, cpu-basic if left out.
        zerogpu: Build for ZeroGPU, which lends GPUs; the same as --hardware zero-a10g.
        static: Publish a site that runs only in the visitor's browser, without a server.
        models: Models on the Hub to link with the Space, USER/NAME each.
        dry_run: Upload nothing; write the files into the folder --out instead.
        out: Folder for --dry-run, empty or new.

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


def print_origin(origin: str) -> None:
    """Print the origin of a checkpoint from the Hub to stderr; it is empty for a local one."""
    if origin:
        print(origin, file=sys.stderr)


def check_dry_run(dry_run: bool, out: Path | None) -> None:
    """Raise LensError if only one of --dry-run and --out is given."""
    if dry_run != (out is not None):
        raise LensError("--dry-run and --out DIR go together: what would be uploaded goes to DIR.")


def assets(sources: Path | None = None, out: Path | None = None) -> None:
    """Rebuild the shipped test images and annotations from their published sources.

    Args:
        sources: Folder with the published files; missing ones are downloaded into it.
        out: Write into this folder instead of the project's assets/.

    """
    from cifar import ASSETS
    from cifar.data.shipped import make

    make(sources, out or ASSETS)


def figures(screenshot: bool = True) -> None:
    """Draw the pictures under assets/ and refresh the results in README.

    Args:
        screenshot: Also take a screenshot of the app and run the calls of docs/api.md (needs
            requirements-dev.txt and Chromium).

    """
    from cifar import ASSETS
    from cifar.report import figures as pictures
    from cifar.report import readme_calls
    from cifar.report import screenshot as camera
    from cifar.report.readme_tables import API

    pictures.draw_all()
    if screenshot:
        camera.draw(ASSETS)
        readme_calls.refresh(API)


def bench(
    suite: Literal["train", "app", "explain", "network", "start", "load", "explorer"],
    /,
    json: bool = False,
    record: bool = False,
) -> None:
    """Measure our speed beside a reference; the exit code is 1 if a target is missed.

    Args:
        suite: What to measure. train: images per second of a training step (about four minutes);
            app: waiting times of a visitor (two minutes); explain: heat maps per second (half a
            minute); network: our overhead over the network itself (four minutes); start: time to
            the app's first page and answer (ten minutes); load: answers a second of one process
            (two minutes); explorer: to draw another selection, in Chromium (a minute).
        json: Print one JSON object instead of a table.
        record: Save the results under assets/ and show them in docs/speed.md.

    """
    from cifar.bench import suites as benchmark
    from cifar.report.readme_tables import SPEED

    report = benchmark.measure(suite)
    print(benchmark.as_json(report) if json else benchmark.as_table(report))
    if record:
        benchmark.record(report, SPEED)
    if not benchmark.held(report):
        sys.exit(1)


# Errors of a disk that is full, over quota or not writable.
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES)


VERBS: dict[str, Callable[..., None]] = {
    verb.__name__: verb
    for verb in (
        *(app, summary, train, recipes, evaluate, predict, add, remove),
        *(push, deploy, assets, figures, bench),
    )
}


def main() -> None:
    """Run the verb of the command line; the exit code is 1 for an error."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file name may hold any bytes
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
        # In distributed training, only one process per machine prints the error.
        silent = os.environ.get("LOCAL_RANK", "0") != "0"
        sys.exit(1 if silent else f"python -m cifar: {error}")
    except BrokenPipeError:  # the reader closed the pipe: `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        where = f": {error.filename}" if error.filename else ""
        sys.exit(
            f"python -m cifar: A file cannot be written ({error.strerror}{where}): check the "
            "disk and run the command again; what was there before is kept."
        )
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
