import errno
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar import CLASSES, files
from cifar.__main__ import main
from cifar.data import cifar10
from cifar.evaluation import evaluate
from cifar.training.recipe import PRESETS, stretched

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def run(monkeypatch, capsys):
    """A function that runs the command line in this process and returns what it printed."""

    def run_main(*arguments):
        monkeypatch.setattr(sys, "argv", ["cifar", *map(str, arguments)])
        main()
        return capsys.readouterr().out

    return run_main


@pytest.fixture
def picture(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def fails(run, *arguments):
    with pytest.raises(SystemExit) as caught:
        run(*arguments)
    return caught.value.code


def test_summary_prints_the_layer_table(run):
    lines = run("summary", "resnet").splitlines()
    first = next(line for line in lines if "-1 " in line and "Conv2d" in line)
    assert first.split() == ["Conv2d-1", "[-1,", "64,", "32,", "32]", "1,728"]
    assert "Total params: 5,319,754" in lines


def test_summary_knows_the_light_network(run):
    assert "Total params: 49,091" in run("summary", "basenet")


def test_a_known_problem_is_one_line_and_one_process_says_it(picture, run, monkeypatch):
    said = fails(run, "predict", picture, "--checkpoint", "nowhere")
    assert said.startswith("python -m cifar: There is no checkpoint 'nowhere'") and "\n" not in said
    monkeypatch.setenv("LOCAL_RANK", "1")  # of several processes on one machine
    assert fails(run, "predict", picture, "--checkpoint", "nowhere") == 1


def test_a_full_disk_is_one_line(run, monkeypatch):
    def fail(*given):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "metrics.json")

    monkeypatch.setattr(evaluate, "evaluate", fail)
    said = fails(run, "evaluate", "resnet")
    assert "cannot be written (No space left on device: metrics.json)" in said
    assert said.endswith("what was there before is kept.")


@pytest.mark.parametrize("arguments", [["fly"], [], ["summary", "vgg"], ["train", "vgg"]])
def test_an_unknown_verb_or_name_ends_with_an_error(run, arguments):
    assert fails(run, *arguments) not in (0, None)


def test_help_of_train_shows_the_presets(run, capsys):
    assert fails(run, "train", "--help") == 0
    shown = capsys.readouterr().out
    assert "resnet" in shown and "basenet" in shown and "--resume" in shown


def test_help_of_a_preset_shows_its_values(run, capsys):
    assert fails(run, "train", "basenet", "--help") == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").replace("|", " ").split())
    assert f"to another number. (default: {PRESETS['basenet'].epochs})" in shown
    assert f"sees every image once. (default: {PRESETS['basenet'].batch_size})" in shown


@pytest.mark.parametrize("name", PRESETS)
def test_run_and_resume_may_follow_the_preset(run, tmp_path, name):
    options = ["--resume", "--run", tmp_path / "run"]
    assert "nothing to resume" in str(fails(run, "train", name, *options))
    assert "nothing to resume" in str(fails(run, "train", *options, name))


def test_predict_prints_the_most_probable_classes_of_each_picture(run, make_checkpoint, picture):
    folder = make_checkpoint()
    again = picture.with_name("again.png")
    again.write_bytes(picture.read_bytes())
    lines = run("predict", picture, again, "--checkpoint", folder, "--top-k", "4").splitlines()
    (name, answer), other = (line.rsplit(": ", 1) for line in lines)
    assert name == str(picture) and other == [str(again), answer]
    classes = [part.split()[0] for part in answer.split(", ")]
    shares = [float(part.split()[1].rstrip("%")) for part in answer.split(", ")]
    assert len(set(classes) & set(CLASSES)) == 4
    assert shares == sorted(shares, reverse=True)


def test_predict_names_a_file_that_is_no_picture(run, make_checkpoint, tmp_path, capsys):
    (tmp_path / "words.png").write_text("words")
    folder = make_checkpoint()
    assert fails(run, "predict", tmp_path / "words.png", "--checkpoint", folder) == 1
    assert "words.png: The file is not a picture that can be read" in capsys.readouterr().err


@pytest.mark.parametrize("k", ["0", "11"])
def test_predict_refuses_a_top_k_out_of_range_in_words(run, make_checkpoint, picture, k):
    folder = make_checkpoint()
    assert "1 to 10" in str(fails(run, "predict", picture, "--checkpoint", folder, "--top-k", k))


def test_predict_writes_a_table_and_heat_maps(run, make_checkpoint, picture, tmp_path):
    table, maps = tmp_path / "answers.csv", tmp_path / "maps"
    arguments = ["--checkpoint", make_checkpoint(), "--out", table, "--heatmaps", maps]
    assert "1 of 1 pictures" in run("predict", picture, *arguments)
    assert table.read_text().startswith("file,class_1,probability_1,class_2,")
    assert len(list(maps.glob("*.png"))) == 1


def test_train_evaluate_predict_in_a_row(run, monkeypatch, tiny_split, tmp_path, picture):
    splits = {"train": tiny_split(60, "train", 0), "val": tiny_split(40, "val", 1)}
    splits["test"] = tiny_split(40, "test", 2)
    monkeypatch.setattr(cifar10, "load", lambda name, source=None: splits[name])
    folder = tmp_path / "run"
    command = ["train", "--run", folder, "basenet", "--epochs", "8"]
    command += ["--batch-size", "20", "--lr", "0.1"]
    printed = run(*command)
    assert f"Done: {folder}/checkpoint." in printed and printed.count('"epoch"') == 8
    sizes = [line["size"] for line in files.read_json_lines(folder / "history.jsonl")]
    assert sizes == list(stretched(replace(PRESETS["basenet"], epochs=8)).sizes)
    assert "Test accuracy, plain: " in run("evaluate", folder / "checkpoint")
    assert "%" in run("predict", picture, "--checkpoint", folder / "checkpoint")
    assert "already holds a run" in str(fails(run, *command))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--images", "20"],
            "--images is for --explain and --trust: the others take all images.",
        ),
        (["--explain", "--data", "x"], "--data is for a plain evaluation: the others need no "),
        (["--explain", "--trust"], "--explain, --trust and --photos are three measurements: "),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(run, options, sentence):
    assert fails(run, "evaluate", "basenet", *options).startswith(f"python -m cifar: {sentence}")
