import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from cifar.evaluation.evaluate import predict
from cifar.models import checkpoint
from cifar.models.errors import CheckpointError
from cifar.models.staged import normalize
from cifar.training import distillation
from cifar.training.distillation import distances, teacher_logits
from cifar.training.loop import Training, train
from cifar.training.recipe import Recipe
from cifar.training.run_folder import TrainingError
from tests.busy import BUSY

TAUGHT = replace(BUSY, cutout=(0,), cutmix=(0.0,), teacher_weight=0.75)


def go(recipe, run, split, **options):
    return train(recipe, run, train_split=split, val_split=split, progress=False, **options)


@pytest.fixture
def knowing(make_checkpoint, tiny_split):
    """The folder of a checkpoint that tells the images apart: its answers vary from one to next."""
    folder = make_checkpoint(name="teacher")
    ckpt = checkpoint.load(folder)
    features = torch.from_numpy(predict(ckpt, tiny_split(64).images)[1])
    weight = torch.randn(10, features.shape[1], generator=torch.Generator().manual_seed(5))
    weight *= 3 / ((features - features.mean(0)) @ weight.T).std()
    ckpt.model.head.weight.copy_(weight)
    ckpt.model.head.bias.copy_(-weight @ features.mean(0))
    facts = {key: ckpt.config[key] for key in ("network", "recipe", "training")}
    checkpoint.save(folder, ckpt.model, **facts, history=[{"epoch": 1}])
    return folder


@pytest.fixture
def looks(monkeypatch):
    """Counts how often the teacher goes through the images."""
    seen = SimpleNamespace(count=0)

    def counted(*arguments, **options):
        seen.count += 1
        return predict(*arguments, **options)

    monkeypatch.setattr(distillation, "predict", counted)
    return seen


@pytest.fixture
def logits():
    """Two sets of answers to 50 images, some of them very sure."""
    generator = torch.Generator().manual_seed(0)
    ours, theirs = torch.randn(2, 50, 10, generator=generator)
    return 3 * ours, 8 * theirs


def divergence(theirs, ours, temperature):
    """Sum of p log(p / q) of both softened by the temperature, in float64."""
    p = (theirs.double() / temperature).exp()
    q = (ours.double() / temperature).exp()
    p, q = p / p.sum(1, keepdim=True), q / q.sum(1, keepdim=True)
    return (p * (p / q).log()).sum(1)


def test_the_answers_are_the_networks_on_the_images_and_their_mirror_images(
    make_checkpoint, tiny_split, tmp_path
):
    # The light network would say the same of both.
    folder, images = make_checkpoint("resnet"), tiny_split(30).images
    found = teacher_logits(str(folder), images, tmp_path / "cache.npz")
    model = checkpoint.load(folder).model
    assert found.shape == (2, 30, 10) and found.dtype == torch.float32
    torch.testing.assert_close(found[0], model(normalize(images)), atol=1e-4, rtol=0)
    torch.testing.assert_close(found[1], model(normalize(images.flip(-1))), atol=1e-4, rtol=0)
    assert not torch.allclose(found[0], found[1], atol=1e-2)


def test_answers_are_kept_for_the_next_time(make_checkpoint, tiny_split, tmp_path, looks):
    name, images, cache = str(make_checkpoint()), tiny_split(20).images, tmp_path / "cache.npz"
    first = teacher_logits(name, images, cache)
    assert looks.count == 2
    assert torch.equal(teacher_logits(name, images, cache), first)
    assert looks.count == 2


def test_answers_of_other_weights_are_not_taken(make_checkpoint, tiny_split, tmp_path, looks):
    images, cache = tiny_split(20).images, tmp_path / "cache.npz"
    first = teacher_logits(str(make_checkpoint()), images, cache)
    second = teacher_logits(str(make_checkpoint(seed=1)), images, cache)  # in the same folder
    assert looks.count == 4 and not torch.allclose(first, second, atol=1e-2)
    assert torch.equal(teacher_logits(str(tmp_path / "net"), images, cache), second)
    assert looks.count == 4


@pytest.mark.parametrize("count", [30])
def test_answers_to_another_number_of_images_are_not_taken(
    make_checkpoint, tiny_split, tmp_path, looks, count
):
    name, cache = str(make_checkpoint()), tmp_path / "cache.npz"
    teacher_logits(name, tiny_split(20).images, cache)
    assert teacher_logits(name, tiny_split(count).images, cache).shape == (2, count, 10)
    assert looks.count == 4


def test_a_write_that_fails_leaves_no_part_of_a_file(
    make_checkpoint, tiny_split, tmp_path, monkeypatch
):
    name, cache = str(make_checkpoint()), tmp_path / "run" / "cache.npz"
    cache.parent.mkdir()
    teacher_logits(name, tiny_split(20).images, cache)
    before = cache.read_bytes()

    def half(stream, **arrays):
        stream.write(b"PK")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(OSError, match="no space left"):
        teacher_logits(name, tiny_split(30).images, cache)
    assert list(cache.parent.iterdir()) == [cache] and cache.read_bytes() == before


def test_an_unknown_teacher_is_named(tiny_split, tmp_path):
    with pytest.raises(CheckpointError, match="There is no checkpoint 'nobody'"):
        teacher_logits("nobody", tiny_split(20).images, tmp_path / "cache.npz")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("temperature", [2.0])
def test_distances_are_divergences_times_the_squared_temperature(logits, temperature):
    ours, theirs = logits
    found = distances(ours, theirs, temperature)
    assert found.shape == (50,) and found.dtype == torch.float32
    expected = temperature**2 * divergence(theirs, ours, temperature)
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-5)


def test_a_distance_worked_by_hand():
    # Probabilities 3/4 and 1/4 of the teacher against a half each: ln 2 - H(1/4).
    theirs, ours = torch.tensor([[3.0, 1.0]]).log(), torch.zeros(1, 2)
    expected = 0.75 * np.log(1.5) + 0.25 * np.log(0.5)
    assert distances(ours, theirs, 1.0).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("temperature", [4.0])
def test_the_same_answers_are_at_no_distance(logits, temperature):
    ours, theirs = logits
    assert torch.equal(distances(ours, ours, temperature), torch.zeros(50))
    # Adding a number to all of them changes no probability.
    assert distances(theirs + 3, theirs, temperature).abs().max() < 1e-4
    assert distances(ours, theirs, temperature).min() > 0


def test_very_sure_answers_stay_finite():
    ours = torch.zeros(1, 10, requires_grad=True)
    theirs = torch.zeros(1, 10).index_fill(1, torch.tensor([3]), 300.0)
    distance = distances(ours, theirs, 1.0)
    distance.sum().backward()
    assert distance.item() == pytest.approx(np.log(10)) and ours.grad.isfinite().all()


@pytest.mark.parametrize("temperature", [3.0])
def test_the_gradient_is_the_difference_of_the_probabilities(logits, temperature):
    ours, theirs = logits
    ours.requires_grad_()
    distances(ours, theirs, temperature).sum().backward()
    p, q = (theirs / temperature).softmax(1), (ours.detach() / temperature).softmax(1)
    torch.testing.assert_close(ours.grad, temperature * (q - p), rtol=1e-4, atol=1e-5)


def test_each_view_is_judged_by_the_answer_to_its_own_image(
    knowing, tiny_split, tmp_path, monkeypatch
):
    recipe = replace(TAUGHT, teacher=str(knowing), sizes=(32,), shift=0)
    split = tiny_split(64)
    training = Training(recipe, tmp_path, split, split, Accelerator())
    seen, judged = [], []
    training.learner.network.register_forward_pre_hook(
        lambda module, inputs: seen.append(inputs[0])
    )

    def kept(logits, answers, temperature):
        judged.append(answers)
        return distances(logits, answers, temperature)

    monkeypatch.setattr(distillation, "distances", kept)
    for _ in range(training.steps_in_epoch):
        training.advance()
    mirrored = training.plan.mirrored
    assert 0 < mirrored.sum() < len(mirrored)
    model = checkpoint.load(knowing).model
    expected = model(torch.cat(seen))
    torch.testing.assert_close(torch.cat(judged), expected, atol=1e-3, rtol=0)


def test_a_mixed_image_is_judged_by_the_answers_to_both(knowing, tiny_split, tmp_path, monkeypatch):
    recipe = replace(TAUGHT, teacher=str(knowing), cutmix=(1.0,))
    split, judged = tiny_split(64), []
    training = Training(recipe, tmp_path, split, split, Accelerator())

    def kept(logits, answers, temperature):
        judged.append(answers)
        return distances(logits, answers, temperature)

    monkeypatch.setattr(distillation, "distances", kept)
    training.advance()
    chosen, mirrored = training.plan.order[:16], training.plan.mirrored[:16].long()
    own, others = judged
    assert torch.equal(own, training.learner.targets.teacher_logits[mirrored, chosen])
    assert torch.equal(others, own.roll(1, 0)) and not torch.equal(others, own)


def test_the_loss_is_shared_between_labels_and_teacher(knowing, tiny_split, tmp_path):
    split, losses = tiny_split(64), {}
    for weight in (0.0, 0.25, 1.0):
        recipe = replace(TAUGHT, teacher=str(knowing), teacher_weight=weight)
        training = Training(recipe, tmp_path, split, split, Accelerator())
        training.advance()
        losses[weight] = training.loss_sum.item()
    shared = 0.75 * losses[0.0] + 0.25 * losses[1.0]
    assert losses[0.25] == pytest.approx(shared, rel=1e-5)
    untaught = Training(replace(TAUGHT, teacher=""), tmp_path, split, split, Accelerator())
    untaught.advance()
    assert untaught.loss_sum.item() == pytest.approx(losses[0.0], rel=1e-6)
    assert losses[1.0] != pytest.approx(losses[0.0], rel=0.01)


def test_each_epoch_has_its_temperature(knowing, tiny_split, tmp_path, monkeypatch):
    recipe = replace(TAUGHT, teacher=str(knowing), epochs=3)
    recipe = replace(recipe, teacher_temperature=(3.0, 0.5))
    used = []

    def kept(logits, answers, temperature):
        used.append(temperature)
        return distances(logits, answers, temperature)

    monkeypatch.setattr(distillation, "distances", kept)
    assert go(recipe, tmp_path / "run", tiny_split(64))
    assert used == 4 * [3.0] + 8 * [0.5]  # the last one repeats


def test_training_moves_towards_the_teacher(knowing, tiny_split, tmp_path):
    split = tiny_split(64)
    recipe = Recipe("basenet", epochs=8, batch_size=16, lr=0.05, shift=0, flip=False)
    recipe = replace(recipe, teacher=str(knowing), teacher_weight=1.0, teacher_temperature=(1.0,))
    go(recipe, tmp_path / "run", split)
    theirs = teacher_logits(str(knowing), split.images, tmp_path / "answers.npz")[0]
    taught, _ = predict(checkpoint.load(tmp_path / "run" / "checkpoint"), split.images)
    # The best that a network can do which answers the same whatever it sees.
    constant = theirs.softmax(1).mean(0).log().expand(64, 10)
    before = distances(constant, theirs, 1.0).mean()
    assert distances(torch.from_numpy(taught), theirs, 1.0).mean() < before / 2


def test_a_taught_run_resumed_equals_an_uninterrupted_one(knowing, tiny_split, tmp_path, looks):
    split, recipe = tiny_split(64), replace(TAUGHT, teacher=str(knowing), epochs=2)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert go(recipe, whole, split)
    for step in (2, 4):  # within an epoch and at its end
        assert not go(recipe, parts, split, stop_at_step=step, resume=step > 2)
    assert go(recipe, parts, split, resume=True)
    assert looks.count == 4  # both ways in each of the two folders, never again
    weights, state = "checkpoint/model.safetensors", "state.pt"
    assert (whole / weights).read_bytes() == (parts / weights).read_bytes()
    ours, theirs = (torch.load(run / state, weights_only=True) for run in (whole, parts))
    for part in ("model", "slow"):
        assert ours[part].keys() == theirs[part].keys()
        assert all(torch.equal(ours[part][name], theirs[part][name]) for name in ours[part])


def test_resuming_with_another_teacher_is_refused(knowing, tiny_split, tmp_path):
    split, recipe = tiny_split(64), replace(TAUGHT, teacher=str(knowing))
    go(recipe, tmp_path / "run", split, stop_at_step=1)
    with pytest.raises(TrainingError, match=r"\(teacher, teacher_weight differ\)"):
        go(replace(recipe, teacher="", teacher_weight=0.5), tmp_path / "run", split, resume=True)


def test_a_missing_teacher_is_a_sentence_and_starts_no_run(knowing, tiny_split, tmp_path):
    split, run = tiny_split(64), tmp_path / "run"
    recipe = replace(TAUGHT, epochs=1, teacher=str(tmp_path / "nobody"))
    with pytest.raises(CheckpointError, match=r"^There is no checkpoint '.*nobody' .*\.$"):
        go(recipe, run, split)
    assert {path.name for path in run.glob("*")} <= {"recipe.json", "lock"}
    assert go(replace(recipe, teacher=str(knowing)), run, split)


@pytest.mark.parametrize("step", [2, None], ids=["stopped", "complete"])
def test_a_resumed_run_keeps_the_teacher_that_it_began_with(
    knowing, make_checkpoint, tiny_split, tmp_path, step
):
    split, recipe = tiny_split(64), replace(TAUGHT, teacher=str(knowing), epochs=1)
    go(recipe, tmp_path / "whole", split)
    go(recipe, tmp_path / "run", split, stop_at_step=step)
    before = checkpoint.load(knowing).sha256
    make_checkpoint(seed=1, name=knowing.name)
    assert checkpoint.load(knowing).sha256 != before
    assert go(recipe, tmp_path / "run", split, resume=True)
    shutil.rmtree(knowing)
    assert go(recipe, tmp_path / "run", split, resume=True)
    ours, theirs = (checkpoint.load(tmp_path / run / "checkpoint") for run in ("run", "whole"))
    assert ours.sha256 == theirs.sha256
    assert ours.config["training"]["teacher_sha256"] == before


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"PK")])
def test_a_run_that_lost_its_teachers_answers_is_not_resumed(knowing, tiny_split, tmp_path, change):
    split, recipe = tiny_split(64), replace(TAUGHT, teacher=str(knowing))
    go(recipe, tmp_path / "run", split, stop_at_step=1)
    change(tmp_path / "run" / "teacher.npz")
    with pytest.raises(CheckpointError, match=r"teacher\.npz cannot be read .* start anew\.$"):
        go(recipe, tmp_path / "run", split, resume=True)


def test_a_disk_that_is_full_of_answers_is_a_sentence(knowing, tiny_split, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "teacher.npz.partial").symlink_to("/dev/full")
    with pytest.raises(TrainingError, match=r"cannot be written to \(No space left on device\)"):
        go(replace(TAUGHT, teacher=str(knowing)), run, tiny_split(64))


def test_the_teachers_work_is_counted(knowing, tiny_split, tmp_path):
    recipe = replace(TAUGHT, epochs=1, teacher=str(knowing))
    for run, one in (("taught", recipe), ("alone", replace(recipe, teacher=""))):
        go(one, tmp_path / run, tiny_split(64))
    taught, alone = (
        checkpoint.load(tmp_path / run / "checkpoint").config["training"]
        for run in ("taught", "alone")
    )
    # 10.7 million multiply-adds, two operations each, for 64 images and their mirror images.
    work = distillation.load_logits(tmp_path / "taught" / "teacher.npz").petaflop
    assert work == pytest.approx(64 * 4 * 10.7e-9, rel=0.01)
    assert taught["petaflop"] - alone["petaflop"] == pytest.approx(work, rel=0.1)
    assert taught["teacher_sha256"] == checkpoint.load(knowing).sha256


def test_a_checkpoint_tells_no_path_of_its_teacher(knowing, tiny_split, tmp_path):
    assert knowing.is_absolute()
    go(replace(TAUGHT, epochs=1, teacher=str(knowing)), tmp_path / "run", tiny_split(64))
    assert str(tmp_path) not in (tmp_path / "run" / "checkpoint" / "config.json").read_text()
