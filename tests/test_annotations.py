import json
import shutil
import socket

import numpy as np
import pooch
import pytest
import requests

from cifar import annotations as module
from cifar.annotations import (
    FILES,
    AnnotationsError,
    extras_dir,
    fetch,
    load_annotations,
    load_published,
)

VOTES, REVIEWS, PUBLISHED = FILES


@pytest.fixture(scope="module")
def labels(test_split):
    return test_split.labels.numpy()


@pytest.fixture
def real(annotations):
    """The folder that holds the real files."""
    return extras_dir()


@pytest.fixture
def folder(tmp_path, monkeypatch, real):
    """An empty cache folder."""
    monkeypatch.setenv("CIFAR_EXTRAS_DIR", str(tmp_path / "extras"))
    return tmp_path / "extras"


@pytest.fixture
def serve(monkeypatch):
    """A function that puts a file's content, or an error, in place of every download."""

    def put(content):
        def download(self, url, output_file, pooch, check_only=False):
            asked.append(url)
            if isinstance(content, Exception):
                raise content
            with open(output_file, "wb") as stream:
                stream.write(content)

        asked = []
        monkeypatch.setattr(pooch.HTTPDownloader, "__call__", download)
        return asked

    return put


def test_votes_are_those_that_were_published(annotations, labels):
    votes = annotations.votes
    assert votes.dtype == np.int64 and votes.shape == (10_000, 10)
    people = votes.sum(1)
    assert (people.min(), people.max()) == (47, 63) and people.mean() == pytest.approx(
        51.1, abs=0.1
    )
    agreement = votes[np.arange(10_000), labels] / people
    assert agreement.mean() == pytest.approx(0.952, abs=5e-4)
    assert (votes.argmax(1) != labels).sum() == 79
    assert (votes.max(1) == people).sum() == 4_393
    assert (agreement == 1).sum() == 4_392  # of one image all people say another class
    assert (agreement < 0.9).sum() == 1_214 and (agreement < 0.5).sum() == 122


def test_the_hardest_images_are_those_that_were_published(annotations):
    shares = annotations.votes / annotations.votes.sum(1, keepdims=True)
    entropy = -(shares * np.log(np.maximum(shares, 1e-12))).sum(1)
    assert np.argsort(-entropy)[:5].tolist() == [6750, 8153, 6792, 86, 2232]


def test_label_reviews_are_those_that_were_published(annotations, labels):
    given, guessed, neither, both = annotations.reviews.T
    reviewed = given >= 0
    assert annotations.reviews.dtype == np.int8 and reviewed.sum() == 275
    assert (annotations.reviews[~reviewed] == -1).all()
    assert ((given + guessed + neither + both)[reviewed] == 5).all()
    against = reviewed & (given < 3)
    assert against.sum() == 54
    assert np.flatnonzero(guessed >= 3).tolist() == [
        1227, 1718, 2405, 2592, 2804, 4794, 5191, 5468, 5632, 5690, 5960, 6877, 6966, 7657, 7846,
        8058, 9227, 9352,
    ]  # fmt: skip
    assert (guessed == 5).sum() == 3 and (neither >= 3).sum() == 4
    assert (against & (annotations.votes.argmax(1) != labels)).sum() == 11


def test_reviews_name_the_two_classes(annotations, labels):
    reviewed = annotations.given >= 0
    assert np.array_equal(reviewed, annotations.reviews[:, 0] >= 0)
    assert np.array_equal(annotations.given[reviewed], labels[reviewed])
    assert (annotations.guessed >= 0).tolist() == reviewed.tolist()
    assert (annotations.guessed[reviewed] != labels[reviewed]).all()
    # Labelled airplane, and most reviewers saw a ship.
    assert (annotations.given[1718], annotations.guessed[1718]) == (0, 8)
    assert annotations.given.dtype == annotations.guessed.dtype == np.int8


def test_the_published_model_makes_706_mistakes(real, labels):
    probs = load_published()
    assert probs.dtype == np.float64 and probs.shape == (10_000, 10)
    np.testing.assert_allclose(probs.sum(1), 1, atol=1e-6)
    assert (probs.argmax(1) != labels).sum() == 706


def test_files_in_the_cache_folder_need_no_network(real, monkeypatch):
    def refuse(*args):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    load_annotations()
    load_published()


@pytest.mark.parametrize("name", FILES)
def test_what_is_fetched_is_kept_and_nothing_is_printed(real, folder, serve, name, capfd):
    asked = serve((real / name).read_bytes())
    assert fetch(name) == folder / name == fetch(name)
    assert asked == [FILES[name][0]]
    assert [path.name for path in folder.iterdir()] == [name]
    assert capfd.readouterr() == ("", "")


def test_addresses_name_a_commit():
    for url, sha256 in FILES.values():
        commit = url.removeprefix("https://raw.githubusercontent.com/").split("/")[2]
        assert len(commit) == 40 and len(sha256) == 64 and int(commit + sha256, 16)


def test_a_wrong_checksum_is_an_error_and_nothing_stays(folder, serve):
    serve(b"<html>something else</html>")
    with pytest.raises(AnnotationsError, match="is not the file that was published") as caught:
        load_annotations()
    assert str(caught.value).startswith(VOTES) and "\n" not in str(caught.value)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("problem", [requests.ConnectionError("no route"), TimeoutError("slow")])
def test_without_network_the_message_says_what_to_do(folder, serve, problem):
    serve(problem)
    with pytest.raises(AnnotationsError, match="set CIFAR_EXTRAS_DIR to a folder") as caught:
        load_annotations()
    assert FILES[VOTES][0] in str(caught.value) and "\n" not in str(caught.value)
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(folder, serve):
    folder.write_text("a file, not a folder")
    with pytest.raises(AnnotationsError, match=r"cannot be kept in .* \(Not a directory\)"):
        load_annotations()


def test_an_address_that_makes_no_sense_is_no_false_checksum(folder, serve):
    serve(requests.exceptions.InvalidProxyURL("a proxy without a name"))
    with pytest.raises(AnnotationsError, match="could not be fetched from"):
        load_annotations()


def test_a_damaged_file_in_the_folder_is_fetched_anew(real, folder, serve):
    folder.mkdir()
    (folder / VOTES).write_bytes((real / VOTES).read_bytes()[:-1])
    serve((real / VOTES).read_bytes())
    assert fetch(VOTES).read_bytes() == (real / VOTES).read_bytes()


def test_the_folder_is_one_of_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("CIFAR_EXTRAS_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert extras_dir() == tmp_path / "cifar-lens" / "extras"


@pytest.fixture
def altered(real, tmp_path, monkeypatch):
    """The real files where they can be changed, their checksums left out of account."""
    for name in FILES:
        shutil.copyfile(real / name, tmp_path / name)
    monkeypatch.setattr(module, "fetch", lambda name: tmp_path / name)
    load_annotations()
    return tmp_path


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda votes: votes[:-1], "not 10,000 rows of 10 counts"),
        (lambda votes: votes[:, :9], "not 10,000 rows of 10 counts"),
        (lambda votes: votes / 51, "not 10,000 rows of 10 counts"),
        (lambda votes: votes - 1, "not 10,000 rows of 10 counts"),
        (lambda votes: votes * (np.arange(10_000) != 7)[:, None], "Nobody voted on test image 7"),
        (lambda votes: votes[::-1], "not in one order"),
        (lambda votes: votes.astype(object), "cannot be read"),
    ],
)
def test_votes_that_do_not_fit_are_refused(altered, change, problem):
    np.save(altered / VOTES, change(np.load(altered / VOTES)), allow_pickle=True)
    with pytest.raises(AnnotationsError, match=problem):
        load_annotations()


@pytest.mark.parametrize(
    "change",
    [
        lambda review: {"id": 10_000},
        lambda review: {"id": -1},
        lambda review: {"id": "20"},
        lambda review: {"id": 6750},  # twice
        lambda review: {"given_original_label": 10},
        lambda review: {"our_guessed_label": None},
        lambda review: {"mturk": {"given": 5}},
        lambda review: {"mturk": {"given": 6, "guessed": -1, "neither": 0, "both": 0}},
        lambda review: {"mturk": {"given": 3, "guessed": 0, "neither": 0, "both": 0}},
    ],
)
def test_reviews_that_do_not_fit_are_refused(altered, change):
    reviews = json.loads((altered / REVIEWS).read_text())
    for review in reviews[:2]:
        review |= change(review)
    (altered / REVIEWS).write_text(json.dumps(reviews))
    with pytest.raises(AnnotationsError, match=f"{REVIEWS} cannot be read"):
        load_annotations()


@pytest.mark.parametrize("change", [lambda p: p[1:], lambda p: p * 2, lambda p: p - 1, np.log])
def test_published_probabilities_that_are_none_are_refused(altered, change):
    np.save(altered / PUBLISHED, change(np.load(altered / PUBLISHED)))
    with pytest.raises(AnnotationsError):
        load_published()
