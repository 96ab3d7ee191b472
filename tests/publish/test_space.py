"""The folder of a Gradio Space, for a processor and for ZeroGPU, and how it gets to the Hub."""

import ast
import re
from importlib.metadata import version
from pathlib import Path

import pytest
from huggingface_hub import SpaceCardData, metadata_load
from packaging.requirements import Requirement

from cifar import PROJECT, LensError
from cifar.data.annotations import FOLDER
from cifar.explore import store
from cifar.models import checkpoint
from cifar.models.facts import TITLES
from cifar.models.figure_files import DARK, drawn
from cifar.publish import static_site
from cifar.publish.space import ZEROGPU, build, check, deploy
from cifar.report.readme_tables import README

# https://huggingface.co/docs/hub/spaces-config-reference
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
KEYS = {
    *("title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file"),
    *("header", "short_description", "thumbnail", "license", "models", "datasets", "tags"),
    *("suggested_hardware", "startup_duration_timeout"),
}


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def requirements(folder):
    lines = (folder / "requirements.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


@pytest.fixture(scope="module")
def cpu(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cpu")
    build(folder, "me/lens")
    return folder


@pytest.fixture(scope="module")
def zero(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zero")
    build(folder, "me/lens", ZEROGPU)
    return folder


@pytest.mark.parametrize("flavour", ["cpu", "zero"])
def test_the_front_matter_is_complete(flavour, request):
    folder = request.getfixturevalue(flavour)
    found = metadata_load(folder / "README.md")
    assert found.keys() == KEYS - {"models"}
    assert SpaceCardData(**found).to_dict() == found
    assert (found["title"], found["sdk"], found["app_file"]) == ("CIFAR Lens", "gradio", "app.py")
    assert {found["colorFrom"], found["colorTo"]} <= COLOURS
    assert found["license"] == "mit" and "MIT License" in (folder / "LICENSE").read_text()
    assert 0 < len(found["short_description"]) <= 60
    assert found["datasets"] == ["uoft-cs/cifar10"] and "grad-cam" in found["tags"]
    name = "https://huggingface.co/spaces/me/lens/resolve/main/"
    assert found["thumbnail"].startswith(name)
    picture = (folder / found["thumbnail"].removeprefix(name)).read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert re.fullmatch(r"\d+m", found["startup_duration_timeout"])


@pytest.mark.parametrize("flavour", ["cpu", "zero"])
def test_the_folder_holds_what_the_app_reads_and_nothing_else(flavour, request):
    folder = request.getfixturevalue(flavour)
    files = content(folder)
    app = {"app.py"} | {
        path.relative_to(PROJECT).as_posix()
        for path in (PROJECT / "cifar").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    shown = {"config.json", "model.safetensors", "metrics.json", "predictions.npz"}
    shown |= {"neighbors.parquet", "README.md"}
    kept = {f"checkpoints/{name}/{file}" for name in TITLES for file in shown}
    figures = {
        path.relative_to(PROJECT).as_posix()
        for name in TITLES
        for kind in ("confusion_matrix", "reliability", "misclassified")
        for dark in (False, True)
        if (path := drawn(store.load(name), kind, dark=dark))
    }
    figures |= {
        f"assets/training_{kind}{theme}.png"
        for kind in ("curves", "images")
        for theme in ("", DARK)
    }
    shipped = {"assets/cifar10-test.parquet"}
    shipped |= {f"assets/annotations/{path.name}" for path in FOLDER.iterdir()}
    own = {"README.md", "LICENSE", "requirements.txt", "thumbnail.png"}
    own |= {"pre-requirements.txt"} if flavour == "cpu" else set()
    assert files.keys() == app | kept | figures | shipped | own
    changed = own | {"app.py"} if flavour == "zero" else own
    for name in files.keys() - changed:
        assert files[name] == (PROJECT / name).read_bytes()
    assert 40_000_000 < sum(map(len, files.values())) < 56_000_000


def test_this_repository_is_a_space_too():
    """README's front matter is that of the Space that `hf upload` makes of a clone."""
    found = metadata_load(README)
    assert found.keys() == KEYS - {"startup_duration_timeout"}
    assert SpaceCardData(**found).to_dict() == found
    assert (found["sdk"], found["license"]) == ("gradio", "mit")
    assert 0 < len(found["short_description"]) <= 60
    root = README.parent
    assert (root / found["app_file"]).is_file() and (root / found["thumbnail"]).is_file()
    lines = (root / "requirements.txt").read_text().splitlines()
    (gradio,) = (Requirement(line) for line in lines if re.match(r"gradio\W", line))
    assert found["sdk_version"] in gradio.specifier
    assert found["python_version"] in ("3.11", "3.12", "3.13")


def test_the_same_project_gives_the_same_bytes(cpu, tmp_path):
    build(tmp_path, "me/lens")
    assert content(tmp_path) == content(cpu)


def test_requirements_are_pinned_to_what_is_installed(cpu):
    pins = dict(line.split("==") for line in requirements(cpu))
    assert {"torch", "gradio", "numpy", "pillow", "safetensors"} <= pins.keys()
    assert len(pins) == len(requirements(PROJECT)) and "spaces" not in pins
    assert pins == {name: version(name).partition("+")[0] for name in pins}


def test_a_space_takes_pytorch_without_cuda_and_nobody_else_must(cpu):
    lines = (cpu / "pre-requirements.txt").read_text().splitlines()
    torch = [line for line in requirements(cpu) if re.match("torch(vision)?==", line)]
    assert lines[1:] == ["--index-url https://download.pytorch.org/whl/cpu", *torch]
    assert "download.pytorch.org" not in (cpu / "requirements.txt").read_text()


def test_zerogpu_gets_the_versions_that_it_knows(cpu, zero):
    found = metadata_load(zero / "README.md")
    assert (found["python_version"], found["suggested_hardware"]) == ("3.12.12", "zero-a10g")
    mine, theirs = set(requirements(cpu)), set(requirements(zero))
    assert theirs - mine == {"torch==2.11.0", "torchvision==0.26.0", "spaces>=0.51,<1"}
    assert {line.partition("==")[0] for line in mine - theirs} == {"torch", "torchvision"}


def test_on_zerogpu_spaces_is_imported_before_all_else(cpu, zero):
    tree = ast.parse((zero / "app.py").read_text())
    first = next(node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))
    assert ast.unparse(first) == "import spaces"
    tree.body.remove(first)
    assert ast.dump(tree) == ast.dump(ast.parse((cpu / "app.py").read_text()))


@pytest.mark.parametrize("flavour", ["cpu", "zero"])
def test_the_readme_speaks_of_what_runs(flavour, request):
    text = (request.getfixturevalue(flavour) / "README.md").read_text(encoding="utf-8")
    for title, _ in store.choices():
        assert f"- {title}\n" in text
    assert ("borrows a GPU" in text) == (flavour == "zero")
    assert 'Client("me/lens")' in text and "https://huggingface.co/spaces/me/lens cifar" in text
    assert "{{" not in text and "{%" not in text


@pytest.mark.parametrize(
    ("hardware", "zerogpu", "static", "words"),
    [
        (None, True, True, "runs on no hardware: leave --zerogpu or --static out"),
        ("cpu-basic", False, True, "runs on no hardware: leave --hardware or --static out"),
        ("cpu-basic", True, False, "ZeroGPU is the hardware zero-a10g, not cpu-basic: leave"),
        ("t4-small", False, False, "no use of t4-small: choose one of cpu-basic, cpu-upgrade, ze"),
    ],
)
def test_contradictions_are_refused(hardware, zerogpu, static, words):
    with pytest.raises(LensError, match=words):
        check(hardware, zerogpu, static)


@pytest.mark.parametrize("given", [(None, True), ("zero-a10g", False), ("zero-a10g", True)])
def test_zerogpu_has_two_names(given):
    assert check(*given, static=False) == ZEROGPU


def test_hardware_is_always_said_where_there_is_any():
    assert check(None, False, static=False) == "cpu-basic"
    assert check("cpu-upgrade", False, static=False) == "cpu-upgrade"
    assert check(None, False, static=True) is None


def test_no_checkpoint_is_missing_from_a_space_unnoticed(make_checkpoint, monkeypatch, tmp_path):
    root = make_checkpoint(name="checkpoints/unmeasured").parent
    (root / "resnet").symlink_to(checkpoint.ROOT / "resnet")
    monkeypatch.setattr(checkpoint, "ROOT", root)
    for static in (False, True):
        with pytest.raises(LensError, match="unmeasured"):
            deploy("me/lens", static=static, out=tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoints"]


def test_names_are_checked_before_anything_is_written(tmp_path):
    for name, models in (("lens", ()), ("me/lens", ("resnet",)), ("", ("",))):
        with pytest.raises(LensError, match="is not a name on the Hub"):
            deploy(name, models=models, static=not name, out=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [{"static": True}, {"out": Path("out")}, {}])
def test_only_a_site_in_a_folder_needs_no_name(options):
    with pytest.raises(LensError, match=r"^Say what the Space is called, USER/NAME: only a dry"):
        deploy(**options)


def test_a_site_in_a_folder_is_for_no_space_in_particular(tmp_path, monkeypatch):
    def write(folder, space):
        (folder / "space").write_text(space)

    monkeypatch.setattr(static_site, "build", write)
    assert deploy(static=True, out=tmp_path / "out") == str(tmp_path / "out")
    assert (tmp_path / "out" / "space").read_text() == ""


def test_the_space_links_to_models(tmp_path, cpu):
    deploy("me/lens", models=("me/resnet", "me/basenet"), out=tmp_path / "out")
    found = metadata_load(tmp_path / "out" / "README.md")
    assert found == metadata_load(cpu / "README.md") | {"models": ["me/resnet", "me/basenet"]}
    body = [
        (path / "README.md").read_text().split("---\n", 2)[2] for path in (tmp_path / "out", cpu)
    ]
    assert body[0] == body[1]


def test_deploy_publishes_what_the_dry_run_shows(hub, on_hub, tmp_path):
    done = on_hub("-m", "cifar", "deploy", "me/lens", "--dry-run", "--out", "dry")
    assert done.stdout == "dry\n" and hub.requests == []
    done = on_hub("-m", "cifar", "deploy", "me/lens", "--private", "--hardware", "cpu-upgrade")
    assert done.stdout == f"{hub.url}/spaces/me/lens\n" and done.returncode == 0
    repo = hub.space("me/lens")
    assert (repo.private, repo.sdk, repo.hardware) == (True, "gradio", "cpu-upgrade")
    dry = content(tmp_path / "dry")
    assert dry.pop("README.md") == repo.files["README.md"].replace(b": cpu-upgrade", b": cpu-basic")
    assert dry == {name: data for name, data in repo.files.items() if name != "README.md"}
    on_hub("-m", "cifar", "deploy", "me/lens", "--hardware", "cpu-upgrade")
    assert len(repo.commits) == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--static", "--zerogpu"], "runs on no hardware: leave --zerogpu or --static out."),
        (["--out", "dry"], "--dry-run and --out DIR go together"),
        (["--dry-run"], "--dry-run and --out DIR go together"),
    ],
)
def test_the_command_line_refuses_in_one_sentence(hub, on_hub, tmp_path, options, words):
    done = on_hub("-m", "cifar", "deploy", "me/lens", *options)
    assert done.returncode == 1 and done.stderr.startswith("python -m cifar: ")
    assert words in done.error and hub.requests == [] and not (tmp_path / "dry").exists()


def test_without_a_token_nothing_is_done(hub, on_hub):
    done = on_hub("-m", "cifar", "deploy", "me/lens", token=None)
    assert "You are not logged in to the Hub" in done.error and hub.requests == []


def test_a_static_space_is_the_site(hub, on_hub, monkeypatch):
    def write(folder, space):
        (folder / "index.html").write_text(f"the site of {space}")
        (folder / "README.md").write_text("---\ntitle: CIFAR Lens\nsdk: static\n---\n")

    monkeypatch.setattr(static_site, "build", write)
    command = ["-m", "cifar", "deploy", "me/site", "--static", "--models", "me/resnet"]
    assert on_hub(*command).returncode == 0
    repo = hub.space("me/site")
    assert (repo.sdk, repo.hardware) == ("static", None)
    assert repo.files["index.html"] == b"the site of me/site"
    assert b"me/resnet" in repo.files["README.md"]
    on_hub(*command)
    assert len(repo.commits) == 2
