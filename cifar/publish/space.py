"""Publish the app as a Space on the Hugging Face Hub.

    python -m cifar deploy USER/NAME

A Gradio Space is a folder with the app, the package and the checkpoints, in two variants: for CPUs,
and for ZeroGPU, which lends GPUs (see `cifar.ui.gpu`) and supports only some versions of Python and
PyTorch. A static Space is the site of `static_site`.
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
from cifar.evaluation import recorded_answers
from cifar.explore import store
from cifar.models import checkpoint, hub
from cifar.models.facts import ONNX
from cifar.models.figure_files import weights_of
from cifar.publish.upload import publish

# The app computes on the CPU, so a rented GPU would be idle.
Hardware = Literal["cpu-basic", "cpu-upgrade", "zero-a10g"]
ZEROGPU: Hardware = "zero-a10g"
# Versions listed on https://huggingface.co/docs/hub/spaces-zerogpu.
ZEROGPU_PYTHON = "3.12.12"
ZEROGPU_PINS = {"torch": "2.11.0", "torchvision": "0.26.0"}  # released together
# Not pinned: it must match the current ZeroGPU service.
SPACES = "spaces>=0.51,<1"

TITLE = "CIFAR Lens"  # identifies a Space as an earlier upload
TEMPLATE = Path(__file__).parent / "templates" / "space.md"
SCREENSHOT = ASSETS / "screenshot.png"
THUMBNAIL = "thumbnail.png"

# The start of pre-requirements.txt, which only a Space reads, before requirements.txt. There, pip
# would query this index for every package, which hangs if the index is unreachable.
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
    """Publish the app as a Space and return its address on the Hub.

    repo_id: USER/NAME; optional for a static site that is written to a folder. hardware: of the
    Space; "cpu-basic" by default. zerogpu: the same as "zero-a10g". static: publish the static site
    instead of the app. models: names of models on the Hub that the Space links to. out: write the
    Space's content into this folder instead, and return its path. The site needs ONNX Runtime Web,
    which is downloaded unless it is in the cache. Raises LensError for contradictory options,
    invalid or missing names, checkpoints that the app cannot use, a folder that is not empty, and
    errors of the Hub.
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
    """Return the hardware that the options select, None for a static Space.

    It is never left to the Hub, because an app built for other hardware would not start. Raises
    LensError for contradictory options.
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
    """Write the content of a Space into an empty folder; a static one if hardware is None."""
    if hardware is None:
        from cifar.publish import static_site

        static_site.build(folder, space=repo_id)
    else:
        build(folder, repo_id, hardware)
    if models:
        readme = folder / "README.md"
        metadata_save(readme, (metadata_load(readme) or {}) | {"models": list(models)})


def build(folder: Path, repo_id: str, hardware: Hardware = "cpu-basic") -> None:
    """Write a Gradio Space into an empty folder; the same project gives the same bytes.

    Raises LensError for checkpoints that the app cannot use, and for packages of requirements.txt
    that are not installed.
    """
    zerogpu = hardware == ZEROGPU
    store.check_all()
    titles = [title for title, _ in store.choices()]
    names = sorted(name for _, name in store.choices())
    weights = {store.load(name).sha256 for name in names}
    files = [
        PROJECT / "app.py",
        *(
            path
            for name in names
            for file in checkpoint.files_of(store.load(name).config)
            if file != "history.jsonl" and (path := checkpoint.ROOT / name / file).exists()
        ),
        *(
            checkpoint.ROOT / name / file
            for name in recorded_answers.available()
            for file in (recorded_answers.FILE, recorded_answers.PROBABILITIES)
        ),
        TEST_FILE,
        *sorted(ANNOTATIONS.iterdir()),
        *(
            path
            for path in sorted(ASSETS.glob("*.png"))
            if path != SCREENSHOT and weights_of(path) <= weights
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
    if any(store.load(name).network == ONNX for name in names):
        pins.append(f"onnxruntime=={version('onnxruntime')}")
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
    """Return requirements.txt pinned to the installed versions, or to `others` by name.

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
    """Return the metadata of a Space.

    Source: https://huggingface.co/docs/hub/spaces-config-reference.
    """
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
    """Return the lines of the app, with `spaces` imported first."""
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
