import dataclasses
import json
import pickle
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from cifar import CLASSES, files
from cifar.models import checkpoint
from cifar.models.errors import CheckpointError
from cifar.models.hub import HubName, Snapshot


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_weights(folder, change):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


class CreatesAFile:
    """Unpickling one creates a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("network", ["resnet", "basenet"])
def test_a_checkpoint_comes_back_as_it_was_saved(make_checkpoint, stirred_model, network):
    saved, loaded = stirred_model(network, seed=3), checkpoint.load(make_checkpoint(network, 3))
    for name, value in loaded.model.state_dict().items():
        expected = saved.state_dict()[name]
        expected = expected.half().float() if expected.ndim > 1 else expected
        assert torch.equal(value, expected), name
    assert loaded.config["network"] == network and loaded.config["classes"] == list(CLASSES)
    assert loaded.metrics == {} and loaded.temperature == 1.0 and loaded.name == "net"


def test_a_loaded_network_is_float32_in_evaluation_mode_without_gradients(make_checkpoint):
    model = checkpoint.load(make_checkpoint()).model
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in model.parameters())
    assert not any(module.training for module in model.modules())


def test_saving_a_loaded_checkpoint_writes_the_same_weights(make_checkpoint, tmp_path):
    first = checkpoint.load(make_checkpoint())
    facts = {name: first.config[name] for name in ("network", "recipe", "training")}
    checkpoint.save(tmp_path / "again", first.model, **facts, history=[])
    assert checkpoint.load(tmp_path / "again").sha256 == first.sha256


def test_filters_are_stored_in_half_precision_and_batch_norm_in_full(make_checkpoint):
    tensors = load_file(make_checkpoint() / "model.safetensors")
    assert tensors["prep.conv.weight"].dtype == torch.float16
    assert tensors["prep.norm.norm.running_var"].dtype == torch.float32


def test_a_checkpoint_has_three_files_and_no_leftovers(make_checkpoint):
    folder = make_checkpoint()
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["config.json", "history.jsonl", "model.safetensors"]
    assert (folder / "history.jsonl").read_text() == '{"epoch": 1}\n{"epoch": 2}\n'


def test_a_missing_tensor_is_named(make_checkpoint):
    folder = make_checkpoint()
    edit_weights(folder, lambda tensors: tensors.pop("stage1.norm1.norm.bias"))
    with pytest.raises(CheckpointError, match=r"lacks stage1\.norm1\.norm\.bias\."):
        checkpoint.load(folder)


def test_an_extra_tensor_is_named(make_checkpoint):
    folder = make_checkpoint()
    edit_weights(folder, lambda tensors: tensors.update(extra=torch.zeros(1)))
    with pytest.raises(CheckpointError, match=r"has unknown extra\."):
        checkpoint.load(folder)


def test_a_wrong_shape_is_named(make_checkpoint):
    folder = make_checkpoint()
    edit_weights(folder, lambda tensors: tensors.update({"head.bias": torch.zeros(11)}))
    with pytest.raises(CheckpointError, match=r"head\.bias has shape \(11,\) instead of \(10,\)"):
        checkpoint.load(folder)


def test_integers_in_place_of_weights_are_named(make_checkpoint):
    folder = make_checkpoint()
    edit_weights(folder, lambda tensors: tensors.update({"head.bias": torch.zeros(10).long()}))
    with pytest.raises(CheckpointError, match=r"head\.bias is torch\.int64, not torch\.float32"):
        checkpoint.load(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format_version", 2),
        ("format_version", None),
        ("classes", list(CLASSES[::-1])),
        ("classes", list(CLASSES[:9])),
        ("mean", [0.5, 0.5, 0.5]),
        ("std", [0.25, 0.25, 0.25]),
        ("input_size", 64),
    ],
)
def test_a_wrong_config_is_named(make_checkpoint, key, value):
    folder = make_checkpoint()
    edit_config(folder, **{key: value})
    with pytest.raises(CheckpointError, match=f"config.json: {key} is .* instead of "):
        checkpoint.load(folder)


@pytest.mark.parametrize("network", ["vgg", None, ["resnet"]])
def test_an_unknown_network_is_named(make_checkpoint, network):
    folder = make_checkpoint()
    edit_config(folder, network=network)
    with pytest.raises(CheckpointError, match=r"config\.json: .*choose resnet or basenet"):
        checkpoint.load(folder)


def test_weights_of_the_other_network_are_refused(make_checkpoint):
    folder = make_checkpoint("basenet")
    edit_config(folder, network="resnet")
    with pytest.raises(CheckpointError, match=r"model\.safetensors lacks "):
        checkpoint.load(folder)


@pytest.mark.parametrize("kept", [0, 4, 500, -1])
def test_truncated_weights_are_refused(make_checkpoint, kept):
    path = make_checkpoint() / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read"):
        checkpoint.load(path.parent)


def test_a_pickle_is_refused_and_never_run(make_checkpoint, tmp_path):
    path, created = make_checkpoint() / "model.safetensors", tmp_path / "created"
    content = pickle.dumps(CreatesAFile(created))
    pickle.loads(content)
    assert created.exists()  # that is what would happen
    created.unlink()
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read"):
        checkpoint.load(path.parent)
    torch.save({"a": CreatesAFile(created)}, path)
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read"):
        checkpoint.load(path.parent)
    assert not created.exists()


def test_missing_weights_are_named(make_checkpoint):
    folder = make_checkpoint()
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read"):
        checkpoint.load(folder)


@pytest.mark.parametrize("name", ["config.json", "metrics.json"])
@pytest.mark.parametrize("content", [b"", b'{"format_version": 1,', b"\xff\xfe", b"[]", b"3"])
def test_broken_json_is_named(make_checkpoint, name, content):
    folder = make_checkpoint()
    (folder / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=name):
        checkpoint.load(folder)


def test_metrics_of_other_weights_are_refused(make_checkpoint):
    folder = make_checkpoint()
    (folder / "metrics.json").write_text('{"weights_sha256": "0", "temperature": 2.0}')
    with pytest.raises(CheckpointError, match=r"metrics\.json was measured on other weights"):
        checkpoint.load(folder)
    assert checkpoint.load(folder, measured=False).metrics == {}


def test_metrics_of_these_weights_give_the_temperature(make_checkpoint):
    folder = make_checkpoint()
    sha256 = checkpoint.load(folder).sha256
    metrics = {"weights_sha256": sha256, "temperature": 2.0}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    assert checkpoint.load(folder).temperature == 2.0


def test_an_unknown_name_lists_the_known(make_checkpoint, monkeypatch):
    folder = make_checkpoint(name="b")
    make_checkpoint(name="a")
    monkeypatch.setattr(checkpoint, "ROOT", folder.parent)
    assert checkpoint.available() == ["a", "b"]
    with pytest.raises(CheckpointError, match=r"no checkpoint 'c' \(in this project: a, b\)"):
        checkpoint.load("c")


def test_a_checkpoint_is_found_by_name_or_path(make_checkpoint, monkeypatch):
    folder = make_checkpoint()
    assert checkpoint.load(folder).path == checkpoint.load(str(folder)).path == folder
    monkeypatch.setattr(checkpoint, "ROOT", folder.parent)
    assert checkpoint.load("net").path == checkpoint.find_own("net") == folder


def test_without_checkpoints_the_message_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "ROOT", tmp_path)
    with pytest.raises(CheckpointError, match="none yet"):
        checkpoint.load("resnet")


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    files.write_json(path, {"old": 1})
    with pytest.raises(TypeError):
        files.write_json(path, {"new": object()})

    def half(partial):
        partial.write_text('{"ne')
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        files.replace(path, half)
    assert files.read_json(path) == {"old": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_the_history_has_a_dict_an_epoch(make_checkpoint):
    ckpt = checkpoint.load(make_checkpoint())
    assert files.read_json_lines(ckpt.path / "history.jsonl") == [{"epoch": 1}, {"epoch": 2}]


@pytest.mark.parametrize("content", [b"", b'{"epoch": 1}\n{"ep', b"\xff\xfe"])
def test_a_broken_history_is_named(make_checkpoint, content):
    ckpt = checkpoint.load(make_checkpoint())
    (ckpt.path / "history.jsonl").write_bytes(content)
    with pytest.raises(files.FileError, match=r"history\.jsonl"):
        files.read_json_lines(ckpt.path / "history.jsonl")


# Prints what is known of a checkpoint; a sentence where it cannot be had.
LOAD = """
import sys
from cifar import LensError
from cifar.models import checkpoint

try:
    ckpt = checkpoint.load(sys.argv[1])
except LensError as error:
    sys.exit(str(error))
print(ckpt.name, ckpt.sha256, ckpt.temperature)
print(ckpt.origin)
"""


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def measure(folder):
    """Metrics that belong to the weights."""
    sha256 = checkpoint.load(folder).sha256
    metrics = {"weights_sha256": sha256, "temperature": 2.0}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    return sha256


def test_a_local_checkpoint_has_no_origin_and_one_from_the_hub_has(make_checkpoint):
    ckpt = checkpoint.load(make_checkpoint())
    assert (ckpt.name, ckpt.origin) == ("net", "")
    snapshot = Snapshot(HubName("me/net", "v1"), ckpt.path, 40 * "a")
    ckpt = dataclasses.replace(ckpt, snapshot=snapshot)
    assert ckpt.name == "me/net@v1"
    assert ckpt.origin == f"me/net@v1 at commit {40 * 'a'}, weights sha256 {ckpt.sha256}"
    with pytest.raises(CheckpointError, match="run `python -m cifar evaluate me/net@v1`"):
        ckpt.measured()


def test_a_checkpoint_on_the_hub_is_loaded_by_its_name(hub, on_hub, make_checkpoint):
    folder = make_checkpoint()
    sha256 = measure(folder)
    commit = hub.add("model", "me/net", content(folder)).head.oid
    for name in ("me/net", "me/net@main", f"me/net@{commit}"):
        called = name if "@" in name else f"{name}@main"
        assert on_hub("-c", LOAD, name).stdout.splitlines() == [
            f"{called} {sha256} 2.0",
            f"{called} at commit {commit}, weights sha256 {sha256}",
        ]


def test_a_local_folder_wins_over_a_name_on_the_hub(hub, on_hub, make_checkpoint, tmp_path):
    hub.add("model", "me/net", content(make_checkpoint(seed=1)))
    (tmp_path / "me").mkdir()
    folder = make_checkpoint(seed=2, name="me/net")
    expected = f"net {checkpoint.load(folder).sha256} 1.0\n\n"
    assert on_hub("-c", LOAD, "me/net").stdout == expected
    assert hub.requests == []


def test_a_folder_without_a_checkpoint_is_not_looked_for_on_the_hub(hub, on_hub, tmp_path):
    (tmp_path / "runs" / "net").mkdir(parents=True)
    assert "There is no checkpoint 'runs/net'" in on_hub("-c", LOAD, "runs/net").error
    assert hub.requests == []


def test_a_repository_that_is_no_checkpoint_is_named(hub, on_hub, make_checkpoint):
    files = content(make_checkpoint())
    hub.add("model", "me/words", {"README.md": b"words"})
    hub.add("model", "me/bert", files | {"config.json": b'{"model_type": "bert"}'})
    hub.add("model", "me/old", files | {"metrics.json": b'{"weights_sha256": "0"}'})
    assert on_hub("-c", LOAD, "me/words").error.endswith("is no checkpoint: it has no config.json.")
    error = on_hub("-c", LOAD, "me/bert").error
    assert error.startswith("me/bert@main at commit ") and "format_version is None instead" in error
    error = on_hub("-c", LOAD, "me/old").error
    assert error.endswith("measured on other weights: run `python -m cifar evaluate me/old@main`.")


def test_nothing_is_measured_in_the_cache_of_the_hub(hub, on_hub, make_checkpoint, tmp_path):
    hub.add("model", "me/net", content(make_checkpoint()))
    for options in ((), ("--explain",)):
        error = on_hub("-m", "cifar", "evaluate", "me/net@main", *options).error
        assert error == (
            "me/net@main is on the Hub, and results are written beside the weights: copy "
            "it first, with `hf download me/net --revision main --local-dir ./net`, and name ./net "
            "instead."
        )
    assert hub.requests == [] and not (tmp_path / "hf" / "hub").exists()


def test_a_path_is_no_name_of_the_project(make_checkpoint, tmp_path, monkeypatch):
    make_checkpoint(name="basenet")
    monkeypatch.chdir(tmp_path)
    mine = checkpoint.find_own("./basenet")
    assert mine == checkpoint.load(mine).path == Path("basenet")
    assert checkpoint.load("basenet").path == checkpoint.ROOT / "basenet"
    (mine / "metrics.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"run `python -m cifar evaluate \./basenet`"):
        checkpoint.load("./basenet")


def test_commands_name_a_folder_by_its_path_and_tell_others_none(
    make_checkpoint, tmp_path, monkeypatch
):
    folder = make_checkpoint(name="my net")
    monkeypatch.chdir(tmp_path)
    for given, place in ((folder, f"'{folder}'"), ("my net", "'./my net'")):
        ckpt = checkpoint.load(given)
        assert (ckpt.place, ckpt.place_for_others) == (place, "FOLDER")
    own = checkpoint.load("basenet")
    assert own.place == own.place_for_others == "basenet"


def test_own_checkpoints_may_lie_behind_a_link(tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(checkpoint.ROOT)
    monkeypatch.setattr(checkpoint, "ROOT", tmp_path / "link")
    assert checkpoint.load("basenet").is_own


@pytest.mark.parametrize(
    ("name", "said"),
    [("", ""), ("resnet", "resnet"), ("me/net@v1", "me/net@v1"), ("album/net", "FOLDER")]
    + [("../a/net", "FOLDER"), ("/home/me/net", "FOLDER")],
)
def test_what_others_read_is_no_path(tmp_path, monkeypatch, name, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "album" / "net").mkdir(parents=True)
    assert checkpoint.name_for_others(name) == said


def test_what_is_written_goes_into_a_local_folder(make_checkpoint):
    folder = make_checkpoint()
    assert checkpoint.find_own(folder) == folder
    with pytest.raises(CheckpointError, match="There is no checkpoint 'nowhere'"):
        checkpoint.find_own("nowhere")


def test_predict_says_which_weights_of_the_hub_answered(hub, on_hub, make_checkpoint, tmp_path):
    folder = make_checkpoint()
    sha256, repo = measure(folder), hub.add("model", "me/net", content(folder))
    Image.new("RGB", (40, 30), "red").save(tmp_path / "red.png")
    done = on_hub("-m", "cifar", "predict", "red.png", "--checkpoint", "me/net")
    origin = f"me/net@main at commit {repo.head.oid}, weights sha256 {sha256}"
    assert done.stderr.splitlines()[-1] == origin
    assert done.stdout == on_hub("-m", "cifar", "predict", "red.png", "--checkpoint", folder).stdout
    again = on_hub("-m", "cifar", "predict", "red.png", "--checkpoint", "me/net", "--out", "a.csv")
    assert again.stderr == origin + "\n" and (tmp_path / "a.csv").exists()
