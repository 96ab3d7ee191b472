"""The app becomes a Space on the Hugging Face Hub.

    python -m cifar deploy USER/NAME

A Gradio Space is a folder with the app, the package and the checkpoints.
There are two: one for a processor, and one for ZeroGPU, which lends GPUs (see `cifar.ui.gpu`) and
knows only some versions of Python and PyTorch. A static Space is the site of `static_site`.
"""

import ast
import re
import shutil
import sys
from collections.abc import Mapping
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal, get_args

from huggingface_hub import HfApi, SpaceCard, SpaceCardData, metadata_load, metadata_save

from cifar import ASSETS, PACKAGE, PROJECT, LensError, __version__
from cifar.data.annotations import FOLDER as ANNOTATIONS
from cifar.data.release import DATASET, TEST_FILE
from cifar.explore import store
from cifar.models import checkpoint, hub
from cifar.models.figure_files import weights_of
from cifar.publish.upload import publish

# The app computes on the processor, so other GPUs would be paid for and stand idle.
Hardware = Literal["cpu-basic", "cpu-upgrade", "zero-a10g"]
ZEROGPU: Hardware = "zero-a10g"
# Of https://huggingface.co/docs/hub/spaces-zerogpu; both must be among those listed there.
ZEROGPU_PYTHON = "3.12.12"
ZEROGPU_PINS = {"torch": "2.11.0", "torchvision": "0.26.0"}  # which belong together
# Not pinned to a version: it has to understand the ZeroGPU of the day.
SPACES = "spaces>=0.51,<1"

TITLE = "CIFAR Lens"  # by which a Space is known as one of ours
TEMPLATE = Path(__file__).parent / "templates" / "space.md"
# What the app reads of a checkpoint.
CHECKPOINT_FILES = (
    "config.json",
    "model.safetensors",
    "metrics.json",
    "predictions.npz",
    "neighbors.parquet",
    "README.md",
)
SCREENSHOT = ASSETS / "screenshot.png"
THUMBNAIL = "thumbnail.png"

# The start of pre-requirements.txt, which a Space installs before requirements.txt and nobody else
# looks at. In requirements.txt this index would be asked about every package, which takes forever
# where it cannot be reached.
CPU_TORCH = (
    "# PyTorch without CUDA, a tenth of the size of the one on PyPI.",
    "--index-url https://download.pytorch.org/whl/cpu",
)


def deploy(
    repo_id: str = "",
    *,
    private: bool = False,
    hardware: Hardware | None = None,
    zerogpu: bool = False,
    static: bool = False,
    models: tuple[str, ...] = (),
    out: Path | None = None,
) -> str:
    """Publish the app as a Space; returns its address on the Hub.

    repo_id: USER/NAME; only the static site into a folder can do without. hardware: what the Space
    runs on, of Hardware; "cpu-basic" if left out. zerogpu: the same as "zero-a10g". static: the
    site without a server instead of the app. models: names of models on the Hub that the Space
    links to. out: write the Space's content into this folder instead, and return its path. The site
    needs ONNX Runtime Web, which is downloaded unless it is in the cache. Raises LensError: for
    options that contradict each other, names that cannot be or are missing, checkpoints that the
    app could not start with, a folder that is not empty, and whatever the Hub has against it.
    """
    hardware = check(hardware, zerogpu, static)
    if not repo_id and not (static and out is not None):
        raise LensError(
            "Say what the Space is called, USER/NAME: only a dry run of --static can do without."
        )
    for name in (repo_id, *models) if repo_id else models:
        hub.check_repo_id(name)
    return publish(
        partial(write_folder, repo_id, hardware, models),
        repo_id,
        "space",
        out=out,
        message=f"CIFAR Lens {__version__}",
        private=private,
        sdk="static" if static else "gradio",
        hardware=hardware,
    )


def check(hardware: Hardware | None, zerogpu: bool, static: bool) -> Hardware | None:
    """The hardware that is meant, None for a static Space.

    It is always said, for an app that was built for other hardware than its Space has would not
    start. Raises LensError for options that contradict each other.
    """
    if hardware is not None and hardware not in get_args(Hardware):
        known = ", ".join(get_args(Hardware))
        raise LensError(f"The app makes no use of {hardware}: choose one of {known}.")
    if static and (zerogpu or hardware):
        given = "--zerogpu" if zerogpu else "--hardware"
        raise LensError(f"A static Space runs on no hardware: leave {given} or --static out.")
    if zerogpu and hardware not in (None, ZEROGPU):
        raise LensError(
            f"ZeroGPU is the hardware {ZEROGPU}, not {hardware}: leave --zerogpu or --hardware out."
        )
    if static:
        return None
    return ZEROGPU if zerogpu else hardware or "cpu-basic"


def write_folder(
    repo_id: str, hardware: Hardware | None, models: tuple[str, ...], folder: Path
) -> None:
    """Write the content of a Space, a static one without hardware, into an empty folder."""
    if hardware is None:
        from cifar.publish import static_site

        static_site.build(folder, space=repo_id)
    else:
        build(folder, repo_id, hardware)
    if models:
        readme = folder / "README.md"
        metadata_save(readme, (metadata_load(readme) or {}) | {"models": list(models)})


def build(folder: Path, repo_id: str, hardware: Hardware = "cpu-basic") -> None:
    """Write a Gradio Space into an empty folder. The same project gives the same bytes.

    Raises LensError for checkpoints that the app could not start with, and packages that it imports
    but requirements.txt does not name.
    """
    zerogpu = hardware == ZEROGPU
    titles = [title for title, _ in store.choices()]
    names = checkpoint.available()
    for name in names:
        store.predictions(name)  # none is published that is broken or of other weights
    shown = {store.load(name).sha256 for name in names}
    files = [
        PROJECT / "app.py",
        *(
            path
            for name in names
            for file in CHECKPOINT_FILES
            if (path := checkpoint.ROOT / name / file).exists()
        ),
        TEST_FILE,
        *sorted(ANNOTATIONS.iterdir()),
        *(
            path
            for path in sorted(ASSETS.glob("*.png"))
            if path != SCREENSHOT and weights_of(path) <= shown
        ),
        PROJECT / "LICENSE",
    ]
    copies = {path: folder / path.relative_to(PROJECT) for path in files}
    for path in filter(_is_source, sorted(PACKAGE.rglob("*"))):
        copies[path] = folder / PACKAGE.name / path.relative_to(PACKAGE)
    for path, copy in copies.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    shutil.copyfile(SCREENSHOT, folder / THUMBNAIL)

    pins = pinned(ZEROGPU_PINS if zerogpu else {})
    python = ZEROGPU_PYTHON if zerogpu else f"{sys.version_info.major}.{sys.version_info.minor}"
    _write(folder / "requirements.txt", f"# For Python {python}.", *pins, *[SPACES] * zerogpu)
    if zerogpu:
        _write(folder / "app.py", *_with_spaces(folder / "app.py"))
    else:
        torch = [pin for pin in pins if pin.partition("==")[0] in ZEROGPU_PINS]
        _write(folder / "pre-requirements.txt", *CPU_TORCH, *torch)
    address = f"{HfApi().endpoint}/spaces/{repo_id}"
    card = SpaceCard.from_template(
        front_matter(address, python, hardware),
        template_path=str(TEMPLATE),
        repo_id=repo_id,
        address=address,
        titles=titles,
        zerogpu=zerogpu,
    )
    _write(folder / "README.md", str(card).rstrip())


def _is_source(path: Path) -> bool:
    beside = PACKAGE / "project"  # in an installed package: what a clone has beside it
    return path.is_file() and "__pycache__" not in path.parts and beside not in path.parents


def pinned(others: Mapping[str, str]) -> list[str]:
    """Return requirements.txt with the versions that are installed here, or `others` by name.

    Raises LensError for a package that is not installed.
    """
    lines = (PROJECT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [re.split(r"[<>=!~; ]", line)[0] for line in lines if line[:1].isalnum()]
    try:
        return [f"{name}=={others.get(name) or version(name).partition('+')[0]}" for name in names]
    except PackageNotFoundError as error:
        raise LensError(
            f"{error.name} is not installed: pip install -r requirements.txt."
        ) from error


def front_matter(address: str, python: str, hardware: Hardware) -> SpaceCardData:
    """Of https://huggingface.co/docs/hub/spaces-config-reference."""
    return SpaceCardData(
        title=TITLE,
        emoji="🔎",
        colorFrom="yellow",
        colorTo="green",
        sdk="gradio",
        sdk_version=version("gradio"),
        python_version=python,
        app_file="app.py",
        header="mini",
        short_description="What a ResNet sees on CIFAR-10, and why it is wrong",
        thumbnail=f"{address}/resolve/main/{THUMBNAIL}",
        license="mit",
        datasets=[DATASET],
        tags=["image-classification", "interpretability", "grad-cam", "cifar10"],
        suggested_hardware=hardware,
        startup_duration_timeout="10m",
    )


def _with_spaces(app: Path) -> list[str]:
    """The lines of the app, with `spaces` imported first."""
    text = app.read_text(encoding="utf-8")
    docstring = ast.parse(text).body[0].end_lineno
    lines = text.splitlines()
    return [
        *lines[:docstring],
        "",
        "import spaces  # before anything that could start CUDA",
        *lines[docstring:],
    ]


def _write(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
