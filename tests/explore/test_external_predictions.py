import io
import random
import zipfile
from contextlib import suppress

import numpy as np
import pytest

from cifar import CLASSES
from cifar.explore.external_predictions import PredictionsError, as_predictions, parse_predictions
from cifar.explore.mistakes import table

N = 50
LABELS = np.arange(N) % 10


@pytest.fixture(scope="module")
def logits():
    """Eight of ten right."""
    made = np.random.default_rng(0).normal(0, 1, (N, 10))
    made[np.arange(N), np.where(np.arange(N) % 5, LABELS, 3)] += 6
    return made


@pytest.fixture(scope="module")
def probs(logits):
    exponents = np.exp(logits)
    return exponents / exponents.sum(1, keepdims=True)


@pytest.fixture
def write(tmp_path):
    """A function that writes arrays or text in the format that a name's ending says."""

    def put(name, content=None, **named):
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        elif named or path.suffix == ".npz":
            np.savez(path, *([] if content is None else [content]), **named)
        else:
            with path.open("wb") as stream:
                np.save(stream, content, allow_pickle=True)
        return path

    return put


def lines(array, header=None, first=None, end="\n"):
    """The text of a CSV file; first: what stands before each row."""
    rows = [[repr(float(cell)) for cell in row] for row in array]
    if first is not None:
        rows = [[str(name), *row] for name, row in zip(first, rows, strict=True)]
    return "".join(",".join(row) + end for row in ([header] if header else []) + rows)


def refusal(path):
    with pytest.raises(PredictionsError) as caught:
        parse_predictions(path, LABELS)
    message = str(caught.value)
    assert path.name in message and message.endswith(".") and "\n" not in message
    return message


def test_probabilities_stay_and_logits_go_through_softmax(write, logits, probs):
    found = parse_predictions(write("a.npy", probs), LABELS)
    assert found.dtype == np.float64 and np.array_equal(found, probs)
    np.testing.assert_allclose(parse_predictions(write("b.npy", logits), LABELS), probs)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_rounded_probabilities_are_probabilities(write, probs, dtype):
    path = write("a.npy", probs.astype(dtype))
    assert np.array_equal(parse_predictions(path, LABELS), probs.astype(dtype))


def test_answers_without_doubt_are_probabilities(write, logits):
    answers = np.eye(10, dtype=np.int64)[logits.argmax(1)]
    assert np.array_equal(parse_predictions(write("a.npy", answers), LABELS), answers)


@pytest.mark.parametrize("name", ["logits", "probabilities", "predictions"])
def test_an_array_is_found_by_its_name(write, probs, name):
    path = write("a.npz", labels=LABELS, **{name: probs})
    assert np.array_equal(parse_predictions(path, LABELS), probs)


def test_a_sole_array_may_have_any_name(write, probs):
    for path in (write("a.npz", probs), write("b.npz", mine=probs)):
        assert np.array_equal(parse_predictions(path, LABELS), probs)


def test_recorded_predictions_of_this_project_can_be_read(write, logits, probs):
    path = write("predictions.npz", logits=logits, labels=LABELS, official=True)
    np.testing.assert_allclose(parse_predictions(path, LABELS), probs)


SHUFFLED = np.random.default_rng(1).permutation(N)
BACK = list(reversed(CLASSES))


@pytest.mark.parametrize(
    "text",
    [
        lambda p: lines(p),
        lambda p: lines(p, end="\r\n"),
        lambda p: "\ufeff" + lines(p, list(CLASSES)),
        lambda p: lines(p, [name.upper() for name in CLASSES]),
        lambda p: lines(p[:, ::-1], BACK),
        lambda p: lines(p, first=range(N)),
        lambda p: lines(p, ["", *map(str, range(10))], range(N)),  # as pandas writes it
        lambda p: lines(p[SHUFFLED], ["index", *CLASSES], SHUFFLED),
        lambda p: lines(p[SHUFFLED][:, ::-1], ["id", *BACK], SHUFFLED) + "\n\n",
    ],
)
def test_csv_files_of_every_kind_say_the_same(write, probs, text):
    assert np.array_equal(parse_predictions(write("a.csv", text(probs)), LABELS), probs)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (lambda p: "", "has 0 columns instead of 10"),
        (lambda p: lines(p[:, :9]), "has 9 columns instead of 10"),
        (lambda p: lines(p) + "1,2\n", "line 51 has not as many columns"),
        (lambda p: lines(p, [*CLASSES[:9], "lorry"]), "could not convert string to float"),
        (lambda p: lines(p, list(CLASSES)[:5] * 2), "could not convert string to float"),
        (lambda p: lines(p, first=range(1, N + 1)), "does not name each test index once, from 0"),
        (lambda p: lines(p, first=[0] * N), "does not name each test index once, from 0"),
        (lambda p: lines(p[1:]), "holds 49 x 10 instead of 50 x 10 numbers"),
        (lambda p: lines(p[:0], list(CLASSES)), "holds 0 x 10 instead of 50 x 10 numbers"),
        (lambda p: b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_csv_files_that_do_not_fit_are_refused(write, probs, text, message):
    assert message in refusal(write("a.csv", text(probs)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p[1:], "holds 49 x 10 instead of 50 x 10 numbers"),
        (lambda p: p.T, "holds 10 x 50 instead of 50 x 10 numbers"),
        (lambda p: p[0, 0], "holds a single number instead of"),
        (lambda p: p.argmax(1), "holds 50 instead of 50 x 10 numbers"),
        (lambda p: p.astype(str), "instead of numbers"),
        (lambda p: p.astype(complex), "holds complex128 instead of numbers"),
        (lambda p: p.astype(object), "cannot be read: Object arrays cannot be loaded"),
        (lambda p: np.where(np.arange(N)[:, None] == 7, np.nan, p), "test image 7 holds NaN"),
        (lambda p: np.where(np.arange(N)[:, None] == 7, np.inf, p), "test image 7 holds NaN"),
        (lambda p: np.roll(p, 1, axis=1), "do not seem to be in the order of the test images"),
        (lambda p: np.full_like(p, 0.1), "only 10.0% of its rows name the right class"),
        (lambda p: p * (1 + (np.arange(N) == 9))[:, None], "row 9 has a negative number or adds"),
        (lambda p: b"", "cannot be read"),
        (lambda p: b"PK\x03\x04", "cannot be read"),
        (lambda p: b"\x80\x04K\x01.", "cannot be read"),  # a pickle
    ],
)
def test_arrays_that_do_not_fit_are_refused(write, probs, change, message):
    assert message in refusal(write("a.npy", change(probs)))


def test_an_archive_must_say_which_array_it_means(write, probs):
    assert "of its 2 arrays none is named" in refusal(write("a.npz", one=probs, two=probs))
    assert "of its 0 arrays" in refusal(write("b.npz", empty()))


def empty():
    with zipfile.ZipFile(stream := io.BytesIO(), "w"):
        pass
    return stream.getvalue()


@pytest.mark.parametrize("name", ["a.pkl", "a.txt", "a", "a.npy.gz"])
def test_other_formats_are_named(write, probs, name):
    assert "is neither a .npy nor a .npz nor a .csv file" in refusal(write(name, b"x"))


def test_an_absent_file_is_named(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "absent.csv")


def test_large_files_are_not_read(write, monkeypatch):
    monkeypatch.setattr("cifar.explore.external_predictions.MAX_BYTES", 3_000_000)
    for name in ("a.npy", "a.csv"):
        path = write(name, b"")
        with path.open("wb") as stream:
            stream.truncate(3_500_001)
        assert "it holds 4 MB, and at most 3 can be" in refusal(path)


def test_a_small_archive_of_a_large_array_is_not_unpacked(write, tmp_path, monkeypatch):
    monkeypatch.setattr("cifar.explore.external_predictions.MAX_BYTES", 3_000_000)
    np.savez_compressed(tmp_path / "a.npz", logits=np.zeros((50_000, 10)))
    assert (tmp_path / "a.npz").stat().st_size < 10_000
    assert "it holds 4 MB" in refusal(tmp_path / "a.npz")


def test_a_header_that_promises_a_huge_array_is_refused(write):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (9000000000, 10), }"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    assert "cannot be read" in refusal(write("a.npy", content + bytes(80)))


def test_whatever_is_altered_is_read_or_refused(write, probs):
    """No other error comes out, wherever the bytes of a sound file are changed."""
    rng = random.Random(0)
    for sound in (write("a.npy", probs), write("a.npz", probs), write("a.csv", lines(probs))):
        content = sound.read_bytes()
        for _ in range(100):
            changed = bytearray(content)
            for _ in range(rng.choice([1, 2, 8])):
                changed[rng.randrange(rng.choice([128, len(content)]))] = rng.randrange(256)
            with suppress(PredictionsError):
                parse_predictions(write(f"x{sound.suffix}", bytes(changed)), LABELS)


def test_probabilities_become_predictions_of_temperature_1(probs):
    rows = table(as_predictions(probs, LABELS), 1.0)
    np.testing.assert_allclose(rows["confidence"], probs.max(1))
    np.testing.assert_allclose(rows["true_probability"], probs[np.arange(N), LABELS])


def test_a_probability_of_nothing_is_a_finite_loss():
    predictions = as_predictions(np.eye(10)[[3]], np.array([5]))
    row = table(predictions, 1.0).loc[0]
    assert row["loss"] == pytest.approx(-np.log(1e-12)) and row["confidence"] == pytest.approx(1)
