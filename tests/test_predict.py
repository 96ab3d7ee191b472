import csv
import errno
import os
import shutil
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar import CLASSES, LensError, predict
from cifar.data import remote_pictures
from cifar.data.pictures import network_view, open_image, see
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
    (tmp_path / "album" / "below" / "broken.png").write_bytes(b"\x89PNG, and no more")
    return tmp_path / "album"


def found(patterns, folder):
    """What all of these stand for, by the names in the folder."""
    files, missing, _ = predict.find(patterns)
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
        f"There is no picture {', '.join(patterns)}: name files, folders, globs or addresses."
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
    paths, _, skipped = predict.find([album])
    assert [path.name for path in skipped] == ["notes.txt"]
    pictures = list(predict.predict(ckpt, paths, progress=False))
    assert [picture.source for picture in pictures] == paths
    for picture in pictures:
        if picture.source.name == "broken.png":
            assert isinstance(picture, predict.Unreadable) and "not a picture" in picture.problem
            continue
        alone = classify(ckpt, see(open_image(picture.source)))
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
        answer = classify(ckpt, see(open_image(row["file"])))
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


def test_a_table_that_fails_at_last_is_a_sentence(ckpt, album, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (album / "answers.csv").write_text("older")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LensError, match=r"answers\.csv cannot be written: No space left"):
        predict.run(ckpt, [album / "b.png"], top_k=1, out=album / "answers.csv")
    assert (album / "answers.csv").read_text() == "older"
    assert not list(album.glob("*.partial"))


# What is in a folder


def test_what_is_a_picture_by_its_first_bytes_is_tried(ckpt, album, capsys):
    """Try files of any suffix, also of kinds that cannot be read."""
    shutil.rmtree(album / "below")
    for old, new in (("c.jpg", "c.jfif"), ("d.jpeg", "d.JPE"), ("b.png", "b")):
        (album / old).rename(album / new)
    Image.new("RGB", (8, 8)).save(album / "scan.tiff")
    (album / "photo.jxl").write_bytes(b"\0\0\0\x0cJXL " + bytes(99))
    (album / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(99))
    (album / "new.avif").write_bytes(b"\0\0\0\x18ftypavif" + bytes(99))
    (album / "film.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(99))
    (album / ".hidden").write_text("passed over")
    for k in range(6):
        (album / f"text{k}.txt").write_text("no picture")
    assert predict.run(ckpt, [album], top_k=1) is False
    said = capsys.readouterr()
    assert [Path(line.split(": ")[0]).name for line in said.out.splitlines()] == [
        "a.PNG", "b", "c.jfif", "d.JPE", "scan.tiff",
    ]  # fmt: skip
    skipped, *problems = [line for line in said.err.splitlines() if str(album) in line]
    assert skipped.startswith("Skipped, for they are no pictures: ") and "film.mp4" in skipped
    assert skipped.endswith(" and 3 more.") and "hidden" not in skipped
    assert [Path(line.split(": ")[0]).name for line in problems] == [
        "new.avif", "phone.heic", "photo.jxl",
    ]  # fmt: skip
    assert all("not a picture that can be read" in line for line in problems)


def test_linked_folders_are_followed_once(album, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (album / "b.png").rename(tmp_path / "elsewhere" / "b.png")
    (album / "linked").symlink_to(tmp_path / "elsewhere")
    (album / "below" / "around").symlink_to(album)
    (album / "linked again").symlink_to(tmp_path / "elsewhere")
    assert found([album], album) == [
        "a.PNG", "below/a.png", "below/broken.png", "below/e.webp", "below/f.bmp", "c.jpg",
        "d.jpeg", "linked/b.png",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["x" * 300, "x/" * 3000, "a\0b"])
def test_a_name_that_cannot_be_is_missing(album, name):
    assert predict.find([name, album / "b.png"])[1] == [name]


# What was answered is kept


def test_a_heat_map_that_cannot_be_written_costs_no_row(ckpt, album, tmp_path, capsys):
    maps, table = tmp_path / "maps", tmp_path / "answers.csv"
    predict.run(ckpt, [album / "b.png"], top_k=1, heatmaps=maps)
    (drawn,) = maps.iterdir()
    drawn.unlink()
    drawn.mkdir()  # in its way
    given = [album / "b.png", album / "c.jpg"]
    assert predict.run(ckpt, given, top_k=1, out=table, heatmaps=maps) is False
    assert f"{drawn}: The heat map cannot be written: Is a directory." in capsys.readouterr().err
    assert len(table.read_text().splitlines()) == 3 and len(list(maps.iterdir())) == 2


def test_an_interruption_keeps_the_rows(ckpt, album, tmp_path, monkeypatch, capsys):
    def interrupted(ckpt, images):
        if len(batches) == 2:
            raise KeyboardInterrupt
        batches.append(images)
        return classify_all(ckpt, images)

    batches = []
    monkeypatch.setattr(predict, "classify_all", interrupted)
    monkeypatch.setattr(predict, "BATCH", 1)
    with pytest.raises(KeyboardInterrupt):
        predict.run(ckpt, [album], top_k=1, out=tmp_path / "answers.csv")
    assert len((tmp_path / "answers.csv").read_text().splitlines()) == 3
    assert "answers.csv: 2 of 8 pictures" in capsys.readouterr().out
    assert not list(tmp_path.glob("*.partial"))


# Addresses


def test_a_picture_by_its_address_is_fetched(ckpt, album, tmp_path, monkeypatch, capsys):
    def fetch(address, path):
        shutil.copyfile(album / address.rpartition("/")[2], path)

    monkeypatch.setattr(remote_pictures, "fetch", fetch)
    address, maps = "HTTPS://example.org/some/b.png?x=1", tmp_path / "maps"
    (album / "b.png?x=1").write_bytes((album / "b.png").read_bytes())
    assert predict.run(ckpt, [address], top_k=1, heatmaps=maps) is True
    answer = classify(ckpt, see(open_image(album / "b.png")))
    name = CLASSES[answer.predicted]
    assert capsys.readouterr().out.startswith(f"{address}: {name} ")
    assert [path.name for path in maps.iterdir()] == [f"0001-b-{name}.png"]


def test_an_address_within_is_not_fetched(ckpt, album, capsys):
    given = ["http://127.0.0.1:9/a.png", "http://[::1]/a.png", album / "b.png"]
    assert predict.run(ckpt, given, top_k=1) is False
    said = capsys.readouterr()
    assert said.err.count("The picture could not be fetched") == 2 and said.out.count("\n") == 1
