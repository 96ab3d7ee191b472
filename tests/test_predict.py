import csv
import os
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar import CLASSES, LensError, predict
from cifar.data.pictures import network_view, open_image
from cifar.evaluation.classifier import classify, classify_all
from cifar.explain.drawing import overlay
from cifar.explain.heat_maps import heat_maps
from cifar.models import checkpoint


@pytest.fixture
def ckpt(make_checkpoint):
    return checkpoint.load(make_checkpoint())


@pytest.fixture
def album(tmp_path, tiny_split):
    """A folder with seven pictures in it and below it, a text and a broken picture."""
    images = tiny_split(7).images.permute(0, 2, 3, 1).numpy()
    (tmp_path / "album" / "below").mkdir(parents=True)
    names = ["b.png", "a.PNG", "c.jpg", "d.jpeg", "below/a.png", "below/e.webp", "below/f.bmp"]
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).resize((40, 50)).save(tmp_path / "album" / name)
    (tmp_path / "album" / "notes.txt").write_text("no picture")
    (tmp_path / "album" / "below" / "broken.png").write_text("no picture either")
    return tmp_path / "album"


def found(patterns, folder):
    """What all of these stand for, by the names in the folder."""
    files, missing = predict.find(patterns)
    assert missing == []
    return [file.relative_to(folder).as_posix() for file in files]


def test_a_folder_stands_for_its_pictures(album):
    assert found([album], album) == [
        "a.PNG", "b.png", "below/a.png", "below/broken.png", "below/e.webp", "below/f.bmp",
        "c.jpg", "d.jpeg",
    ]  # fmt: skip


def test_globs_names_and_folders_in_the_order_given_each_once(album):
    given = [album / "c.jpg", f"{album}/*.png", f"{album}/**/a.png", album / "c.jpg"]
    assert found(given, album) == ["c.jpg", "b.png", "below/a.png"]


def test_a_name_with_brackets_is_a_name(album):
    (album / "b.png").rename(album / "cat [1].png")
    assert found([album / "cat [1].png"], album) == ["cat [1].png"]


def test_a_file_that_is_named_is_tried_whatever_its_name(album):
    assert found([album / "notes.txt"], album) == ["notes.txt"]


NOTHING = ["nowhere.png", "*.png", "empty", "empty/**"]


@pytest.mark.parametrize("patterns", [*([name] for name in NOTHING), NOTHING])
def test_where_there_is_nothing_at_all_each_name_is_in_the_error(tmp_path, monkeypatch, patterns):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LensError) as problem:
        predict.find(patterns)
    assert str(problem.value) == (
        f"There is no picture {', '.join(patterns)}: name files, folders or globs."
    )


def test_what_stands_for_nothing_is_named_and_passed_over(
    ckpt, album, tmp_path, monkeypatch, capsys
):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    assert predict.run(ckpt, [*NOTHING, album / "b.png"], top_k=1) is False
    said = capsys.readouterr()
    assert said.out.startswith(f"{album / 'b.png'}: ") and said.out.count("\n") == 1
    assert said.err.splitlines() == [f"{name}: No picture was found." for name in NOTHING]


def test_something_must_be_named():
    with pytest.raises(LensError, match="No picture was named"):
        predict.find([])


@pytest.mark.parametrize("batch", [1, 3, 128])
def test_batches_answer_as_one_by_one(ckpt, album, monkeypatch, batch):
    monkeypatch.setattr(predict, "BATCH", batch)
    paths, _ = predict.find([album])
    pictures = list(predict.predict(ckpt, paths, progress=False))
    assert [picture.path for picture in pictures] == paths
    for picture in pictures:
        if picture.path.name == "broken.png":
            assert isinstance(picture, predict.Unreadable) and "not a picture" in picture.problem
            continue
        alone = classify(ckpt, network_view(open_image(picture.path)))
        assert picture.answer.predicted == alone.predicted
        np.testing.assert_allclose(picture.answer.probabilities, alone.probabilities, atol=1e-5)
        np.testing.assert_allclose(picture.answer.features, alone.features, atol=1e-4)


def test_the_table_has_what_could_be_read_and_the_rest_is_named(ckpt, album, tmp_path, capsys):
    table, maps = tmp_path / "new" / "answers.csv", tmp_path / "deep" / "maps"
    assert predict.run(ckpt, [album], top_k=2, out=table, heatmaps=maps) is False
    said = capsys.readouterr()
    assert "7 of 8 pictures" in said.out
    assert [row for row in said.err.splitlines() if "broken.png: The file is not" in row]
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert len(rows) == 7
    for number, row in enumerate(rows):
        answer = classify(ckpt, network_view(open_image(row["file"])))
        assert row["class_1"] == CLASSES[answer.predicted]
        assert float(row["probability_2"]) == pytest.approx(answer.top(2)[1][1], abs=1e-5)
        assert number == 0 or row["file"] > rows[number - 1]["file"]
    drawn = sorted(maps.iterdir())
    assert len(drawn) == 7 and len({path.name for path in drawn}) == 7
    image = network_view(open_image(rows[0]["file"]))
    (heat,) = heat_maps(ckpt, image, [CLASSES.index(rows[0]["class_1"])])
    expected = overlay(image.repeat(8, 0).repeat(8, 1), heat)
    assert np.array_equal(np.asarray(Image.open(drawn[0])), expected)


STRANGE = Path(os.fsdecode(b"caf\xe9.png"))  # in Latin-1, which is no UTF-8


def test_a_file_may_have_any_name(ckpt, album, tmp_path):
    (album / "b.png").rename(album / STRANGE)
    table = tmp_path / "answers.csv"
    assert predict.run(ckpt, [album / STRANGE], top_k=1, out=table) is True
    assert os.fsencode(album / STRANGE) in table.read_bytes()
    command = [sys.executable, "-m", "cifar", "predict", album / STRANGE, "--checkpoint", ckpt.path]
    utf8 = os.environ | {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run(command, env=utf8, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert b"caf\\udce9.png: " in done.stdout


def test_a_reader_who_has_seen_enough_ends_it_quietly(ckpt, album):
    command = [sys.executable, "-m", "cifar", "predict", album, "--checkpoint", ckpt.path]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and "Broken pipe" not in done.stderr


def test_without_a_table_there_is_a_line_a_picture(ckpt, album, capsys):
    assert predict.run(ckpt, [album / "b.png"], top_k=3) is True
    name, _, answers = capsys.readouterr().out.rpartition(": ")
    assert name == str(album / "b.png") and answers.count("%") == 3


def test_no_picture_is_kept_for_the_table(ckpt, album, tmp_path, monkeypatch):
    answered, alive = [], []

    def watched(ckpt, images):
        alive.append(sum(answer() is not None for answer in answered))
        answers = classify_all(ckpt, images)
        answered.extend(map(weakref.ref, answers))
        return answers

    monkeypatch.setattr(predict, "classify_all", watched)
    monkeypatch.setattr(predict, "BATCH", 1)
    predict.run(ckpt, [album], top_k=10, out=tmp_path / "answers.csv")
    assert len(answered) == 7 and max(alive) == 1


@pytest.mark.parametrize("option", ["out", "heatmaps"])
@pytest.mark.parametrize("name", ["file", "file/x", "file/x/y"])
def test_what_cannot_be_written_is_a_sentence_before_any_work(
    ckpt, album, monkeypatch, option, name
):
    monkeypatch.setattr(predict, "open_image", None)  # it would not be callable
    (album / "file").write_text("in the way")
    path = album / name / "table" if option == "out" else album / name
    with pytest.raises(LensError, match=rf"{name} cannot be written to: Not a directory\.$"):
        predict.run(ckpt, [album / "b.png"], top_k=1, **{option: path})
    assert (album / "file").read_text() == "in the way"


def test_a_folder_is_no_table(ckpt, album):
    with pytest.raises(LensError, match="album is a folder: name a file for the table"):
        predict.run(ckpt, [album], top_k=1, out=album)


def test_a_table_that_fails_at_last_is_a_sentence(tmp_path):
    with pytest.raises(LensError, match=r"nowhere/answers\.csv cannot be written: No such file"):
        predict.write_table(tmp_path / "nowhere" / "answers.csv", [], 1)
