"""Checkpoints published as models on a Hub on this computer, and read back from there."""

import json
import re
import shlex
import shutil

import pytest
import torch
import yaml
from huggingface_hub import ModelCard, PyTorchModelHubMixin
from PIL import Image

from cifar import LensError
from cifar.models import checkpoint, figure_files
from cifar.models.basenet import BaseNet
from cifar.models.figure_files import figure_path
from cifar.models.hub import HubError
from cifar.models.model_card import model_card
from cifar.models.resnet import ResNet
from cifar.models.staged import normalize
from cifar.publish.model_repo import push

FILES = {
    "README.md",
    "config.json",
    "history.jsonl",
    "metrics.json",
    "model.safetensors",
    "predictions.npz",
    "neighbors.parquet",
    ".eval_results/cifar10.yaml",
}
FIGURES = {"assets/misclassified.png", "assets/confusion_matrix.png", "assets/reliability.png"}


def content(folder):
    """Every file below a folder, by its path there."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def mine(tmp_path):
    """The folder of somebody's own evaluated checkpoint."""
    return shutil.copytree(checkpoint.ROOT / "basenet", tmp_path / "mine")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What is uploaded of `basenet` as me/net."""
    out = tmp_path_factory.mktemp("push") / "out"
    assert push(checkpoint.load("basenet"), "me/net", out=out) == str(out)
    return out


@pytest.fixture
def published(hub, folder):
    """The same on the Hub."""
    return hub.add("model", "me/net", content(folder))


def test_the_accuracy_is_there_for_the_hub(folder):
    (entry,) = yaml.safe_load((folder / ".eval_results" / "cifar10.yaml").read_text())
    accuracy = json.loads((folder / "metrics.json").read_text())["test"]["accuracy"]["value"]
    assert entry["value"] == accuracy and entry["dataset"]["id"] == "uoft-cs/cifar10"


def test_the_folder_has_the_checkpoint_and_its_figures(folder):
    files = content(folder)
    assert files.keys() == FILES | FIGURES
    for name in FILES - {"README.md", ".eval_results/cifar10.yaml"}:
        assert files[name] == (checkpoint.ROOT / "basenet" / name).read_bytes(), name
    for name in FIGURES:
        kind = name.removeprefix("assets/").removesuffix(".png")
        assert files[name] == figure_path("basenet", kind).read_bytes(), name


def test_the_folder_is_a_checkpoint(folder):
    again, ckpt = checkpoint.load(folder), checkpoint.load("basenet")
    assert (again.sha256, again.metrics, again.config) == (ckpt.sha256, ckpt.metrics, ckpt.config)


def test_the_card_tells_machines_the_accuracy(folder):
    data = ModelCard.load(folder / "README.md").data
    (result,) = data.eval_results
    metrics = json.loads((folder / "metrics.json").read_text())
    assert result.metric_value == metrics["test"]["accuracy"]["value"] > 0.85
    assert (result.metric_type, result.task_type) == ("accuracy", "image-classification")
    assert (result.dataset_type, result.dataset_split) == ("uoft-cs/cifar10", "test")
    assert (data.license, data.library_name) == ("mit", "pytorch")
    assert data.pipeline_tag == "image-classification" and data.metrics == ["accuracy"]
    assert data.datasets == ["uoft-cs/cifar10"] and "cifar-lens" in data.tags


def test_the_card_says_what_the_local_card_says_and_shows_the_figures(folder):
    text = ModelCard.load(folder / "README.md").text
    ckpt = checkpoint.load("basenet")
    local = model_card(ckpt.config, ckpt.metrics).split("---\n", 2)[2]
    assert [line for line in local.splitlines() if line not in text.splitlines()] == []
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    assert set(shown) == FIGURES and all((folder / name).is_file() for name in shown)


def test_a_copy_of_the_dataset_is_not_called_by_its_name(mine, tmp_path):
    metrics = json.loads((mine / "metrics.json").read_text()) | {"official": False}
    (mine / "metrics.json").write_text(json.dumps(metrics))
    push(checkpoint.load(mine), "me/net", out=tmp_path / "out")
    (result,) = ModelCard.load(tmp_path / "out" / "README.md").data.eval_results
    assert result.dataset_name == "a copy of CIFAR-10 that differs"


def test_the_figures_of_somebody_elses_checkpoint_are_its_own(mine, tmp_path):
    # The name alone makes it no checkpoint of the project, whose figures lie in assets/.
    mine = mine.rename(tmp_path / "basenet")
    push(checkpoint.load(mine), "me/net", out=tmp_path / "out")
    files = content(tmp_path / "out")
    assert files.keys() == FILES | FIGURES - {"assets/misclassified.png"}
    assert files["assets/reliability.png"] != figure_path("basenet", "reliability").read_bytes()
    with Image.open(tmp_path / "out" / "assets" / "confusion_matrix.png") as image:
        assert image.format == "PNG" and image.width > 1000
    assert "misclassified" not in files["README.md"].decode()


def test_figures_of_other_weights_are_not_published(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(figure_files, "weights_of", lambda path: {"those of last week"})
    push(checkpoint.load("basenet"), "me/net", out=tmp_path / "out")
    files = content(tmp_path / "out")
    assert files.keys() == FILES | FIGURES - {"assets/misclassified.png"}
    assert files["README.md"] != (folder / "README.md").read_bytes()


@pytest.mark.parametrize("network", [ResNet, BaseNet])
def test_the_mixin_of_the_hub_reads_it_strictly(network, tmp_path):
    class Theirs(network, PyTorchModelHubMixin):
        pass

    ckpt = checkpoint.load(network.__name__.lower())
    push(ckpt, "me/net", out=tmp_path / "out")
    model = Theirs.from_pretrained(tmp_path / "out", strict=True)
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (4, 3, 32, 32), generator=generator).to(torch.uint8)
    with torch.no_grad():
        inputs = normalize(pixels)
        torch.testing.assert_close(model(inputs), ckpt.model(inputs), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("metrics.json", "mine was not measured yet: run `python -m cifar evaluate .*/mine`"),
        ("predictions.npz", r"predictions\.npz cannot be read .*: run `python -m cifar evaluate"),
        ("history.jsonl", r"history\.jsonl cannot be read"),
    ],
)
def test_what_is_missing_is_named(mine, tmp_path, name, words):
    (mine / name).unlink()
    with pytest.raises(LensError, match=words):
        push(checkpoint.load(mine), "me/net", out=tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_names_and_folders_are_checked(mine, tmp_path):
    with pytest.raises(HubError, match="'net' is not a name on the Hub"):
        push(checkpoint.load(mine), "net", out=tmp_path / "out")
    with pytest.raises(LensError, match="mine is not empty"):
        push(checkpoint.load(mine), "me/net", out=mine)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_push_publishes_what_the_dry_run_shows(hub, on_hub, folder, tmp_path):
    done = on_hub("-m", "cifar", "push", "basenet", "me/net", "--dry-run", "--out", "dry")
    assert done.stdout == "dry\n" and hub.requests == []
    assert content(tmp_path / "dry") == content(folder)
    done = on_hub("-m", "cifar", "push", "basenet", "me/net", "--private")
    assert done.stdout == f"{hub.url}/me/net\n" and done.returncode == 0
    repo = hub.model("me/net")
    assert repo.files == content(folder) and repo.private
    assert checkpoint.load("basenet").sha256 in repo.head.title
    on_hub("-m", "cifar", "push", "basenet", "me/net")
    assert len(repo.commits) == 2


@pytest.mark.parametrize("options", [["--dry-run"], ["--out", "dry"]])
def test_a_dry_run_goes_into_a_folder(hub, on_hub, tmp_path, options):
    done = on_hub("-m", "cifar", "push", "basenet", "me/net", *options)
    assert "--dry-run and --out DIR go together" in done.error
    assert hub.requests == [] and not (tmp_path / "dry").exists()


def test_a_published_model_is_published_again_under_another_name(hub, on_hub, published):
    done = on_hub("-m", "cifar", "push", "me/net@main", "me/copy")
    assert done.returncode == 0 and done.stdout == f"{hub.url}/me/copy\n"
    assert f"me/net@main at commit {published.head.oid}, weights sha256 " in done.stderr
    files, copy = published.files, hub.model("me/copy").files
    assert copy.keys() == files.keys() - {"assets/misclassified.png"}
    assert copy["model.safetensors"] == files["model.safetensors"]
    assert b"--checkpoint me/copy@main" in copy["README.md"]


def test_what_the_card_says_about_its_use_is_true(hub, on_hub, published, tmp_path):
    Image.new("RGB", (60, 40), "red").save(tmp_path / "photo.jpg")
    card = published.files["README.md"].decode()
    blocks = re.findall(r"```(sh|python)\n(.*?)```", card, re.DOTALL)
    assert [language for language, _ in blocks] == ["sh", "python", "python"]
    printed = []
    for language, text in blocks:
        if language == "python":
            commands = [["-c", text]]
        else:
            commands = [shlex.split(line) for line in text.splitlines()]
            assert all(words.pop(0) == "python" for words in commands)
        for command in commands:
            done = on_hub(*command)
            assert done.returncode == 0, done
            printed.append(done.stdout)
    line, classified, logits = printed
    assert classified.count("(") == 3 and line.startswith("photo.jpg: ")
    assert re.search(r"\('(\w+)'", classified)[1] == line.split()[1]
    assert logits.startswith("tensor([[") and logits.count(",") >= 9
