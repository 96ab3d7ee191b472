import io
import json
import random
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cifar import CLASSES
from cifar.evaluation import external_predictions
from cifar.evaluation.external_predictions import PredictionsError, as_predictions
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


def parse_predictions(path, labels):
    return external_predictions.parse_predictions(path, labels).probabilities


def understood(path):
    return external_predictions.parse_predictions(path, LABELS).understood


def refusal(path):
    with pytest.raises(PredictionsError) as caught:
        parse_predictions(path, LABELS)
    message = str(caught.value)
    assert message.startswith(f"{path.name} cannot be used, for ")
    assert message.endswith(": " + external_predictions.EXAMPLE + ".") and "\n" not in message
    return message


def test_probabilities_stay_and_logits_go_through_softmax(write, logits, probs):
    found = parse_predictions(write("a.npy", probs), LABELS)
    assert found.dtype == np.float64 and np.array_equal(found, probs)
    np.testing.assert_allclose(parse_predictions(write("b.npy", logits), LABELS), probs)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_probabilities_of_less_precision_are_probabilities(write, probs, dtype):
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
        (lambda p: "", "it is empty"),
        (lambda p: lines(p[:, :9]), "has 9 columns instead of 10"),
        (lambda p: lines(p) + "1,2\n", "row 51 has 2 columns, the first 10"),
        (lambda p: lines(p, [*CLASSES[:9], "boat"]), "header does not name truck"),
        (lambda p: lines(p, list(CLASSES)[:5] * 2), "header does not name dog, frog"),
        (lambda p: lines(p, [f"x{k}" for k in range(10)]), "are called 'x0', 'x1'"),
        (lambda p: lines(p, first=range(2, N + 2)), "does not name each image once, from 0 or"),
        (lambda p: lines(p, first=[0] * N), "does not name each image once, from 0 or"),
        (lambda p: lines(p[1:]), "has 49 rows instead of 50"),
        (lambda p: lines(p[:0], list(CLASSES)), "has 0 rows instead of 50"),
        (lambda p: lines(p).replace(lines(p).split(",")[30], "x", 1), "holds 'x' instead of a nu"),
        (lambda p: b"\xff\xfe\x00", "can't decode byte"),
    ],
)
def test_csv_files_that_do_not_fit_are_refused(write, probs, text, message):
    assert message in refusal(write("a.csv", text(probs)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p[1:], "has 49 rows instead of 50"),
        (lambda p: p.T, "has 10 rows instead of 50"),
        (lambda p: p[0, 0], "holds a single number instead of"),
        (lambda p: p[None], "holds 1 x 50 x 10 instead of"),
        (lambda p: p.max(1), "which is no class number 0 to 9"),
        (lambda p: LABELS - 1, "row 0 holds -1, which is no class number"),
        (lambda p: p.astype(str), "column 1 holds words instead of numbers"),
        (lambda p: p.astype(complex), "holds complex128 instead of numbers"),
        (lambda p: p.astype(object), "Object arrays cannot be loaded"),
        (lambda p: np.where(np.arange(N)[:, None] == 7, np.nan, p), "test image 7 holds NaN"),
        (lambda p: np.where(np.arange(N)[:, None] == 7, np.inf, p), "test image 7 holds NaN"),
        (lambda p: p * (1 + (np.arange(N) == 9))[:, None], "row 9 has a negative number or adds"),
        (
            lambda p: 100 * p * (1 + (np.arange(N) == 9))[:, None],
            "most rows are percent, but",
        ),
        (lambda p: np.sqrt(p), "0 to 1 as probabilities are, but row 0 adds up to"),
        (lambda p: 255 * p, "each row adds up to 255: divide by that"),
        (lambda p: b"", "cannot be used"),
        (lambda p: b"PK\x03\x04", "cannot be used"),
        (lambda p: b"\x80\x04K\x01.", "cannot be used"),  # a pickle
    ],
)
def test_arrays_that_do_not_fit_are_refused(write, probs, change, message):
    assert message in refusal(write("a.npy", change(probs)))


# What is understood


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda p: p, "probabilities"),
        (lambda p: np.log(p), "logits"),
        (lambda p: np.log(p) + 5, "logits"),
        (lambda p: 100 * p, "percent"),
        *((lambda p, k=k: p.round(k), f"probabilities rounded to {k} decimals") for k in (2, 3)),
        *((lambda p, k=k: (100 * p).round(k), f"percent rounded to {k} decimals") for k in (0, 1)),
        (lambda p: p.round(4), "probabilities"),
    ],
)
def test_numbers_are_taken_for_what_they_are(write, probs, change, kind):
    path = write("a.npy", change(probs))
    assert understood(path) == kind
    found = parse_predictions(path, LABELS)
    np.testing.assert_allclose(found.sum(1), 1, atol=1.1e-3)
    np.testing.assert_allclose(found, probs, atol=0.05)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (lambda c: c, "class numbers from 0"),
        (lambda c: c.astype(float), "class numbers from 0"),
        (lambda c: c[:, None].astype(np.uint8), "class numbers from 0"),
        (lambda c: c + 1, "class numbers from 1"),
        (lambda c: np.array(CLASSES)[c], "class names"),
        (lambda c: np.array(CLASSES)[c].astype(bytes), "class names"),
    ],
)
def test_classes_alone_are_understood(write, logits, content, kind):
    path = write("a.npy", content(logits.argmax(1)))
    assert understood(path) == f"{kind} (no confidence, so each counts as sure)"
    assert np.array_equal(parse_predictions(path, LABELS).argmax(1), logits.argmax(1))


COMMON = ["plane", "Car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "lorry"]


def listed(classes, header="", first=None):
    first = [""] * N if first is None else [f"{k}," for k in first]
    return header + "".join(f"{a}{b}\n" for a, b in zip(first, classes, strict=True))


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (lambda p, c: lines(p, COMMON), "probabilities"),
        (lambda p, c: lines(p, [f"prob_{k}" for k in range(10)]), "probabilities"),
        (lambda p, c: lines(p, [f"p({k})"[:3] + str(k) for k in range(10)]), None),
        (lambda p, c: lines(p, ["id", *CLASSES], range(1, N + 1)), "by an index from 1"),
        (lambda p, c: lines(p).replace(",", ";"), "probabilities"),
        (lambda p, c: lines(p).replace(",", ";").replace(".", ","), "probabilities"),
        (lambda p, c: lines(p).replace(",", "\t"), "probabilities"),
        (lambda p, c: lines(p).replace(",", "  "), "probabilities"),
        (lambda p, c: lines(p, ["label", *CLASSES], LABELS), "without the columns label"),
        (lambda p, c: listed(c), "class numbers from 0"),
        (lambda p, c: listed(c, "prediction\n"), "class numbers from 0"),
        (lambda p, c: listed(c, "id,label\n", range(N)), "by an index from 0"),
        (lambda p, c: listed(c[::-1], "id,label\n", range(N, 0, -1)), "by an index from 1"),
        (lambda p, c: listed([COMMON[k] for k in c]), "class names"),
        (lambda p, c: listed([COMMON[k] for k in c], "predicted\n"), "class names"),
        (lambda p, c: listed([COMMON[k] for k in c], "", range(N)), "by an index from 0"),
        (lambda p, c: listed([COMMON[k] for k in c], "id,label\n", range(N)), "class names"),
    ],
)
def test_texts_are_understood(write, probs, text, note):
    path = write("a.csv", text(probs, probs.argmax(1).tolist()))
    if note is None:
        assert "are called" in refusal(path)
        return
    assert note in understood(path)
    assert np.array_equal(parse_predictions(path, LABELS).argmax(1), probs.argmax(1))


@pytest.mark.parametrize("name", ["boat", "10", "cat2", ""])
def test_a_name_that_is_no_class_is_named(write, logits, name):
    names = [CLASSES[k] for k in logits.argmax(1)]
    names[7] = name
    assert "row 7 holds" in refusal(write("a.npy", np.array(names)))


def test_json_of_every_kind_says_the_same(write, probs):
    rows = probs.tolist()
    dicts = [dict(zip(CLASSES, row, strict=True)) for row in rows]
    columns = dict(zip(BACK, probs[:, ::-1].T.tolist(), strict=True))
    for content in (
        rows,
        {"probabilities": rows},
        {"model": "mine", "probs": rows},
        dicts,
        columns,
    ):
        path = write("a.json", json.dumps(content))
        assert np.array_equal(parse_predictions(path, LABELS), probs)
    names = [CLASSES[k] for k in probs.argmax(1)]
    for content in (
        names,
        {"predictions": names},
        [{"id": k, "label": n} for k, n in enumerate(names)],
    ):
        found = parse_predictions(write("a.json", json.dumps(content)), LABELS)
        assert np.array_equal(found.argmax(1), probs.argmax(1))
    for content in (
        "{}",
        "[]",
        "3",
        "null",
        '{"a": 1}',
        "[[1, 2], [3]]",
        "[" * 50_000,
        '[{"a": 1}, 2]',
        json.dumps([[None] * 10] * N),
        json.dumps([[True] * 10] * N),
        '{"a": [1], "b": []}',
    ):
        refusal(write("a.json", content))


def test_parquet_of_every_kind_says_the_same(tmp_path, probs):
    path = tmp_path / "a.parquet"
    pd.DataFrame(probs, columns=COMMON).to_parquet(path)
    assert np.array_equal(parse_predictions(path, LABELS), probs)
    pd.DataFrame(probs[SHUFFLED], columns=list(CLASSES)).assign(id=SHUFFLED).to_parquet(path)
    assert np.array_equal(parse_predictions(path, LABELS), probs)
    pd.DataFrame({"probabilities": list(probs)}).to_parquet(path)
    assert np.array_equal(parse_predictions(path, LABELS), probs)
    path.write_bytes(path.read_bytes()[:-40])
    refusal(path)


def test_tensors_alone_are_read(tmp_path, probs):
    path = tmp_path / "a.pt"
    for content in (torch.tensor(probs), {"probs": torch.tensor(probs), "epoch": 3}):
        torch.save(content, path)
        assert np.array_equal(parse_predictions(path, LABELS), probs)
    torch.save(torch.tensor(probs).bfloat16(), path)
    assert np.array_equal(parse_predictions(path, LABELS).argmax(1), probs.argmax(1))
    torch.save(torch.tensor(probs), path, _use_new_zipfile_serialization=False)
    assert np.array_equal(parse_predictions(path, LABELS), probs)
    for content in ({"a": torch.ones(2), "b": torch.ones(2)}, [1, 2], {"a": 3}, Path("a")):
        torch.save(content, path)
        refusal(path)


def test_rows_in_another_order_are_compared_with_a_warning(write, probs):
    found = external_predictions.parse_predictions(
        write("a.npy", np.roll(probs, 1, axis=1)), LABELS
    )
    assert found.accuracy < 0.15
    assert found.warning.startswith("Only 0.0% of the rows") and found.warning.endswith(".")
    found = external_predictions.parse_predictions(write("a.npy", probs), LABELS)
    assert found.accuracy == 0.8 and found.warning == ""


def test_an_archive_must_say_which_array_it_means(write, probs):
    assert "of its 2 arrays none is named" in refusal(write("a.npz", one=probs, two=probs))
    assert "of its 0 arrays" in refusal(write("b.npz", empty()))


def empty():
    with zipfile.ZipFile(stream := io.BytesIO(), "w"):
        pass
    return stream.getvalue()


@pytest.mark.parametrize("name", ["a.pkl", "a.xlsx", "a", "a.npy.gz"])
def test_other_formats_are_named(write, probs, name):
    assert "it is no file of one of the kinds .npy, .npz, .csv" in refusal(write(name, b"x"))


def test_an_absent_file_is_named(tmp_path):
    assert "No such file" in refusal(tmp_path / "absent.csv")


def test_large_files_are_not_read(write, monkeypatch):
    monkeypatch.setattr("cifar.evaluation.prediction_files.MAX_BYTES", 3_000_000)
    for name in ("a.npy", "a.csv"):
        path = write(name, b"")
        with path.open("wb") as stream:
            stream.truncate(3_500_001)
        assert "it holds 4 MB, and at most 3 can be" in refusal(path)


def test_a_small_archive_of_a_large_array_is_not_unpacked(write, tmp_path, monkeypatch):
    monkeypatch.setattr("cifar.evaluation.prediction_files.MAX_BYTES", 3_000_000)
    np.savez_compressed(tmp_path / "a.npz", logits=np.zeros((50_000, 10)))
    assert (tmp_path / "a.npz").stat().st_size < 10_000
    assert "it holds 4 MB" in refusal(tmp_path / "a.npz")


def test_a_small_file_of_a_huge_table_is_refused_before_it_is_read(write, tmp_path):
    refused = [write("a.npy", np.zeros((0, 200_000))), write("b.npy", np.zeros((0, 10**9)))]
    refused.append(tmp_path / "a.pt")
    torch.save(torch.zeros(1).expand(100_000, 100_000), refused[-1])
    refused.append(tmp_path / "a.parquet")
    pd.DataFrame({"airplane": np.zeros(3_000_000, np.int8)}).to_parquet(refused[-1])
    for path in refused:
        assert path.stat().st_size < 100_000
        assert "and at most 2,000,000 numbers in 100 columns can be" in refusal(path)


@pytest.mark.filterwarnings("ignore:Validating sparse tensor invariants")
def test_tensors_without_values_and_uneven_lists_are_refused(write, tmp_path):
    path = tmp_path / "a.pt"
    for content in (torch.eye(10).to_sparse(), torch.zeros(10, 10, device="meta")):
        torch.save(content, path)
        assert "sparse" in refusal(path)
    for rows in ([[1, 2, 3], [1, 2]], [[1, 2], [1, 2, 3]], [[1, 2], None]):
        pd.DataFrame({"probabilities": rows}).to_parquet(tmp_path / "a.parquet")
        assert "row 2 has" in refusal(tmp_path / "a.parquet")


def test_a_header_that_promises_a_huge_array_is_refused(write):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (9000000000, 10), }"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    refusal(write("a.npy", content + bytes(80)))


def test_whatever_is_altered_is_read_or_refused(write, probs, tmp_path):
    """No other error comes out, wherever the bytes of a sound file are changed."""
    rng = random.Random(0)
    torch.save(torch.tensor(probs), tmp_path / "a.pt")
    pd.DataFrame(probs, columns=list(CLASSES)).to_parquet(tmp_path / "a.parquet")
    for sound in (
        write("a.npy", probs),
        write("a.npz", probs),
        write("a.csv", lines(probs)),
        write("a.json", json.dumps(probs.tolist())),
        tmp_path / "a.pt",
        tmp_path / "a.parquet",
    ):
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
