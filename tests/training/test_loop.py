import json
import signal
from dataclasses import asdict, replace

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from cifar import files
from cifar.data import cifar10
from cifar.models import checkpoint
from cifar.models.networks import create_model
from cifar.models.staged import normalize
from cifar.models.summary import multiply_adds
from cifar.training.batches import batch
from cifar.training.loop import Training, score, train
from cifar.training.recipe import Recipe
from cifar.training.run_folder import TrainingError
from cifar.training.setup import create_optimizers, initialize
from tests.busy import BUSY

HISTORY_KEYS = {
    "epoch",
    "size",
    "images",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_accuracy",
    "seconds",
    "images_per_second",
    "petaflop",
    "hardware",
    "torch",
}


def go(recipe, run, split, **options):
    return train(recipe, run, train_split=split, val_split=split, progress=False, **options)


def weights(run):
    """Every tensor of the last saved state, in full precision, and those of the checkpoint."""
    state = torch.load(run / "state.pt", weights_only=True)
    tensors = {
        f"{part} {name}": state[part][name] for part in ("model", "slow") for name in state[part]
    }
    for i, optimizer in enumerate(state["optimizers"]):
        for parameter, moved in optimizer["state"].items():
            tensors |= {f"optimizer {i} {parameter} {name}": moved[name] for name in moved}
    return tensors | load_file(run / "checkpoint" / "model.safetensors")


def history(run):
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


def timeless(lines):
    return [
        {key: line[key] for key in line if key not in ("seconds", "images_per_second")}
        for line in lines
    ]


def assert_same_tensors(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name


def all_finite(state):
    return all(value.isfinite().all() for value in state["model"].values())


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, tiny_split):
    """The run folder of BUSY, run to its end without a stop."""
    run = tmp_path_factory.mktemp("uninterrupted") / "run"
    assert go(BUSY, run, tiny_split(64))
    return run


def test_64_images_are_learned_by_heart(tmp_path, tiny_split):
    split = tiny_split(64)
    recipe = Recipe("basenet", epochs=20, batch_size=16, lr=0.1, shift=0, flip=False)
    go(recipe, tmp_path, split)
    model = checkpoint.load(tmp_path / "checkpoint").model
    assert score(model, split, torch.device("cpu"))[1] == 1.0


# Within an epoch, and at the ends of the first two epochs.
@pytest.mark.parametrize("step", [1, 4, 7])
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, tiny_split, uninterrupted, step):
    split = tiny_split(64)
    assert not go(BUSY, tmp_path, split, stop_at_step=step)
    assert not (tmp_path / "checkpoint").exists()
    assert go(BUSY, tmp_path, split, resume=True)
    assert_same_tensors(weights(tmp_path), weights(uninterrupted))
    assert timeless(history(tmp_path)) == timeless(history(uninterrupted))


def test_a_run_may_be_stopped_after_every_step(tmp_path, tiny_split, uninterrupted):
    split = tiny_split(64)
    for step in range(1, 9):  # of 4 + 3 + 2, easy images being skipped
        assert not go(BUSY, tmp_path, split, stop_at_step=step, resume=step > 1)
    assert go(BUSY, tmp_path, split, resume=True)
    assert_same_tensors(weights(tmp_path), weights(uninterrupted))
    assert timeless(history(tmp_path)) == timeless(history(uninterrupted))


def test_another_seed_gives_other_weights(tmp_path, tiny_split, uninterrupted):
    go(replace(BUSY, seed=1), tmp_path, tiny_split(64))
    ours, theirs = weights(tmp_path), weights(uninterrupted)
    assert not torch.equal(ours["head.weight"], theirs["head.weight"])


def test_a_complete_run_resumed_writes_the_same_checkpoint(tmp_path, tiny_split):
    split = tiny_split(32)
    recipe = replace(BUSY, epochs=1)
    go(recipe, tmp_path, split)
    before = weights(tmp_path)
    assert go(recipe, tmp_path, split, resume=True)
    assert_same_tensors(before, weights(tmp_path))


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_ends_well(tmp_path, tiny_split, monkeypatch, capsys, signum):
    advance = Training.advance

    def interrupted(training, *given):
        if training.step == 2:
            signal.raise_signal(signum)
        return advance(training, *given)

    monkeypatch.setattr(Training, "advance", interrupted)
    split = tiny_split(64)
    assert not go(BUSY, tmp_path, split)
    assert "Stopped after step 3; go on with --resume." in capsys.readouterr().out
    assert torch.load(tmp_path / "state.pt")["step"] == 3
    assert not go(BUSY, tmp_path, split, resume=True, stop_at_step=5)
    assert torch.load(tmp_path / "state.pt")["step"] == 5


@pytest.mark.parametrize(("share", "saved"), [(float("inf"), [4, 8, 12]), (1e-9, [4, 12])])
def test_of_short_epochs_as_many_are_saved_as_their_time_allows(
    tmp_path, tiny_split, monkeypatch, share, saved
):
    recipe, steps, save_state = replace(BUSY), [], Training.save

    def save(training):
        steps.append(training.step)
        save_state(training)

    monkeypatch.setattr(Training, "save", save)
    monkeypatch.setattr("cifar.training.loop.SAVING_SHARE", share)
    assert go(recipe, tmp_path, tiny_split(64))
    assert steps == saved


def test_signal_handlers_are_given_back(tmp_path, tiny_split):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    go(replace(BUSY, epochs=1), tmp_path, tiny_split(16))
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_loss_that_explodes_raises(tmp_path, tiny_split):
    with pytest.raises(TrainingError, match="lower the learning rate"):
        go(replace(BUSY, lr=1e30), tmp_path, tiny_split(64))


def test_a_loss_that_explodes_keeps_the_last_good_state(tmp_path, tiny_split, monkeypatch):
    monkeypatch.setattr(
        "cifar.training.loop.SAVING_SHARE", float("inf")
    )  # every epoch, however short
    # The warm-up ends at step 8 of 16; past it the rate climbs towards 1e30 times its peak.
    recipe = replace(BUSY, epochs=4, warmup=0.5, final_lr_factor=1e30)
    with pytest.raises(TrainingError, match="no longer a finite number"):
        go(recipe, tmp_path, tiny_split(64))
    state = torch.load(tmp_path / "state.pt")
    assert state["step"] == 8 and all_finite(state)
    assert [line["epoch"] for line in history(tmp_path)] == [1, 2]


def test_weights_that_break_in_the_last_step_of_an_epoch_are_not_saved(tmp_path, tiny_split):
    # 12 steps, the rate explodes in step 8, which ends the second epoch with a finite train loss.
    recipe = replace(BUSY, warmup=0.5, final_lr_factor=1e38, lookahead_every=0)
    with pytest.raises(TrainingError, match="no longer a finite number"):
        go(recipe, tmp_path, tiny_split(64))
    state = torch.load(tmp_path / "state.pt")
    assert state["step"] == 4 and all_finite(state)
    assert [line["epoch"] for line in history(tmp_path)] == [1]


def test_a_folder_that_holds_a_run_is_refused(tmp_path, tiny_split):
    split = tiny_split(64)
    go(BUSY, tmp_path, split, stop_at_step=1)
    before = (tmp_path / "state.pt").read_bytes()
    with pytest.raises(TrainingError, match="already holds a run"):
        go(BUSY, tmp_path, split)
    assert (tmp_path / "state.pt").read_bytes() == before


def test_resuming_with_another_recipe_names_what_differs(tmp_path, tiny_split):
    split = tiny_split(64)
    go(BUSY, tmp_path, split, stop_at_step=1)
    with pytest.raises(TrainingError, match=r"\(sizes, lr differ\)"):
        go(replace(BUSY, lr=0.2, sizes=(32,)), tmp_path, split, resume=True)


@pytest.mark.parametrize("content", ["[]", "null", "3", '"x"', "{", ""])
def test_a_recipe_of_another_kind_is_refused_in_words(tmp_path, tiny_split, content):
    split = tiny_split(64)
    go(BUSY, tmp_path, split, stop_at_step=1)
    (tmp_path / "recipe.json").write_text(content)
    with pytest.raises(TrainingError, match=r"recipe\.json .*: start anew in another --run\.$"):
        go(BUSY, tmp_path, split, resume=True)


def test_there_must_be_something_to_resume(tmp_path, tiny_split):
    with pytest.raises(TrainingError, match="nothing to resume"):
        go(BUSY, tmp_path / "new", tiny_split(64), resume=True)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["state.pt", "recipe.json"])
def test_a_damaged_run_folder_is_refused_in_words(tmp_path, tiny_split, name):
    split = tiny_split(64)
    go(BUSY, tmp_path, split, stop_at_step=1)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(TrainingError, match=name):
        go(BUSY, tmp_path, split, resume=True)


def test_a_run_with_a_restart_begins_as_one_that_ends_there(tmp_path, tiny_split, uninterrupted):
    longer = replace(BUSY, epochs=5, restart=3)
    go(longer, tmp_path, tiny_split(64), stop_at_step=14)  # in the second schedule
    go(longer, tmp_path, tiny_split(64), resume=True)
    timed = {"seconds", "images_per_second"}
    short, long = (
        [{key: line[key] for key in HISTORY_KEYS - timed} for line in history(run)]
        for run in (uninterrupted, tmp_path)
    )
    assert long[:3] == short and len(long) == 5


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"epochs": 0}, r"--epochs 0 makes no run: choose 1 or more\."),
        (
            {"restart": 3},
            r"--restart 3 is not before the end of the 3 epochs: choose a smaller one\.",
        ),
        ({"network": "vgg"}, r"There is no network 'vgg': choose resnet or basenet\."),
    ],
)
def test_a_recipe_that_makes_no_run_is_refused(tmp_path, tiny_split, fields, sentence):
    with pytest.raises(TrainingError, match=f"^{sentence}$"):
        go(replace(BUSY, **fields), tmp_path / "run", tiny_split(64))
    assert not (tmp_path / "run").exists()


def test_a_run_shorter_than_a_pull_of_the_slow_weights_is_trained(tmp_path, tiny_split):
    recipe = replace(BUSY, epochs=1)
    for folder, every in (("pulled", 5), ("never", 0)):
        go(replace(recipe, lookahead_every=every), tmp_path / folder, tiny_split(64))
    pulled, never = (
        load_file(tmp_path / folder / "checkpoint" / "model.safetensors")
        for folder in ("pulled", "never")
    )
    assert_same_tensors(pulled, never)


def test_all_work_is_counted_however_small(tmp_path, tiny_split):
    go(replace(BUSY, sizes=(16,)), tmp_path, tiny_split(64))
    work = (
        6 * multiply_adds(create_model("basenet"), 16) * 64 / 1e15
    )  # three passes, two operations
    assert history(tmp_path)[0]["petaflop"] == pytest.approx(work, rel=1e-3)


def test_a_batch_larger_than_the_data_is_refused(tmp_path, tiny_split):
    with pytest.raises(TrainingError, match="A batch of 16 is more than the 15 training images"):
        go(BUSY, tmp_path, tiny_split(15))


def test_an_epoch_feeds_the_network_each_image_once(tmp_path):
    # Images of one brightness each, which the network's input gives away.
    levels = torch.arange(64) * 3
    images = levels.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 32, 32).contiguous()
    split = cifar10.Split("train", images, levels % 10, torch.arange(64), official=False)
    recipe = replace(BUSY, whiten=False, cutout=(0,), cutmix=(0.0,))
    training = Training(recipe, tmp_path, split, split, Accelerator())
    seen = []
    training.learner.network.register_forward_pre_hook(
        lambda module, inputs: seen.append(inputs[0])
    )
    table = normalize(images)[:, 0, 0, 0]
    orders = []
    for _ in range(2):
        seen.clear()
        for _ in range(training.steps_in_epoch):
            training.advance()
        values = torch.cat([inputs[:, 0, 0, 0] for inputs in seen])
        training.end_epoch()
        orders.append([int((table - value).abs().argmin()) for value in values])
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(64))
    assert orders[0] != orders[1] != list(range(64))


def test_of_a_mixed_image_each_label_counts_as_much_as_its_area(tmp_path, tiny_split):
    recipe = replace(BUSY, cutmix=(1.0,), cutout=(0,), label_smoothing=0.0)
    training = Training(recipe, tmp_path, tiny_split(64), tiny_split(16), Accelerator())
    answers = []
    training.learner.network.register_forward_hook(lambda *call: answers.append(call[-1].detach()))
    training.advance()
    plan = training.plan
    order, mirrored, draws = plan.order[:16], plan.mirrored[:16], plan.draws[:16]
    _, kept = batch(recipe, training.learner.images[order], mirrored, draws, epoch=0)
    labels, before = (
        training.learner.targets.labels[order],
        training.learner.targets.labels[order.roll(1)],
    )
    surprise = -answers[0].log_softmax(1)
    rows = torch.arange(16)
    losses = kept * surprise[rows, labels] + (1 - kept) * surprise[rows, before]
    torch.testing.assert_close(training.loss_sum, losses.mean())
    larger = torch.where(kept < 0.5, before, labels)
    assert (kept < 0.5).any() and (labels != before).any()
    assert training.correct == (answers[0].argmax(1) == larger).sum()


def test_the_history_has_a_line_an_epoch(uninterrupted):
    lines = history(uninterrupted)
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert [line["size"] for line in lines] == [16, 32, 32]
    assert all(line.keys() == HISTORY_KEYS for line in lines)
    assert all(line["seconds"] > 0 and line["images_per_second"] > 0 for line in lines)
    exported = (uninterrupted / "checkpoint" / "history.jsonl").read_text()
    assert exported == (uninterrupted / "history.jsonl").read_text()


def test_the_history_records_the_accuracy_of_the_exported_weights(uninterrupted, tiny_split):
    model = checkpoint.load(uninterrupted / "checkpoint").model
    loss, accuracy = score(model, tiny_split(64), torch.device("cpu"))
    last = history(uninterrupted)[-1]
    # float16 filters may move the loss a little, and hardly an answer.
    assert abs(last["val_loss"] - loss) < 5e-3
    assert abs(last["val_accuracy"] - accuracy) <= 1 / 64 + 5e-5


def test_the_checkpoint_says_how_it_was_trained(uninterrupted):
    config = json.loads((uninterrupted / "checkpoint" / "config.json").read_text())
    assert config["recipe"] == json.loads(json.dumps(asdict(BUSY)))
    assert config["training"]["images"] == 64 and config["training"]["epochs"] == 3
    assert config["training"]["official"] is False


def test_score_is_cross_entropy_and_accuracy_in_evaluation_mode(stirred_model, tiny_split):
    model, split = stirred_model("basenet").train(), tiny_split(30)
    loss, accuracy = score(model, split, torch.device("cpu"))
    logits = model.eval()(normalize(split.images)).detach()
    log_p = logits.double().log_softmax(1)
    assert loss == pytest.approx(-log_p[torch.arange(30), split.labels].mean().item(), abs=1e-5)
    assert accuracy == (logits.argmax(1) == split.labels).double().mean().item()


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("freeze", [False, True])
def test_every_trainable_weight_has_one_optimizer(stirred_model, tiny_split, whiten, freeze):
    recipe = replace(BUSY, muon_lr=0.02 * whiten, whiten=whiten, freeze_norm_scale=freeze)
    model = stirred_model("resnet")
    initialize(model, recipe, tiny_split(16).images)
    moved = [
        id(p)
        for optimizer in create_optimizers(model, recipe)
        for group in optimizer.param_groups
        for p in group["params"]
    ]
    assert sorted(moved) == sorted(id(p) for p in model.parameters() if p.requires_grad)


def test_the_head_starts_scaled_down(stirred_model, tiny_split):
    model, recipe = stirred_model("basenet"), replace(BUSY, logit_scale=0.125)
    before = model.head.weight.clone(), model.head.bias.clone()
    initialize(model, recipe, tiny_split(16).images)
    assert torch.equal(model.head.weight, before[0] / 8)
    assert torch.equal(model.head.bias, before[1] / 8)


@pytest.mark.parametrize(
    "precision, fast, bfloat16",
    [("auto", True, True), ("auto", False, False), ("float32", True, False)]
    + [("bfloat16", False, True)],
)
def test_bfloat16_is_used_where_it_is_fast_or_asked_for(
    tmp_path, tiny_split, monkeypatch, precision, fast, bfloat16
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": fast}, raising=False)
    go(replace(BUSY, epochs=1, precision=precision), tmp_path, tiny_split(16))
    (line,) = history(tmp_path)
    assert line["hardware"].endswith(", bfloat16") == bfloat16
    assert {value.dtype for value in weights(tmp_path).values()} >= {torch.float32}
    config = files.read_json(tmp_path / "checkpoint" / "config.json")
    assert config["training"]["hardware"] == line["hardware"]


def test_a_run_in_bfloat16_is_resumed_bit_for_bit(tmp_path, tiny_split):
    recipe = replace(BUSY, epochs=2, precision="bfloat16")
    go(recipe, tmp_path / "whole", tiny_split(32))
    go(recipe, tmp_path / "stopped", tiny_split(32), stop_at_step=3)
    go(recipe, tmp_path / "stopped", tiny_split(32), resume=True)
    assert_same_tensors(weights(tmp_path / "stopped"), weights(tmp_path / "whole"))


def test_a_run_names_every_machine_and_version_that_it_was_on(tmp_path, tiny_split, monkeypatch):
    split = tiny_split(32)
    go(BUSY, tmp_path, split, stop_at_step=3)  # in the second epoch
    first = history(tmp_path)[0]["hardware"]
    version = torch.__version__
    monkeypatch.setattr("cifar.training.step.describe", lambda device: "another machine")
    monkeypatch.setattr(torch, "__version__", "2.99")
    go(BUSY, tmp_path, split, resume=True)
    config = files.read_json(tmp_path / "checkpoint" / "config.json")
    assert config["training"]["hardware"] == f"{first}; another machine"
    assert config["training"]["torch"] == f"{version}; 2.99"
