import pytest

from cifar import LensError
from cifar.files import fill_folder


def writes(files):
    def write(folder):
        for name, text in files.items():
            (folder / name).write_text(text)

    return write


@pytest.mark.parametrize("exists", [False, True])
def test_a_folder_is_filled(tmp_path, exists):
    out = tmp_path / "above" / "out"
    if exists:
        out.mkdir(parents=True)
    fill_folder(out, writes({"a": "1", "b": "2"}))
    assert {path.name: path.read_text() for path in out.iterdir()} == {"a": "1", "b": "2"}
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    assert out.stat().st_mode & 0o777 == 0o755


def test_only_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path, tmp_path / "file"):
        with pytest.raises(LensError, match="is not empty: name an empty folder, or a new one"):
            fill_folder(out, writes({"a": "1"}))
    with pytest.raises(LensError, match="file/out cannot be written: "):
        fill_folder(tmp_path / "file" / "out", writes({"a": "1"}))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "error", [LensError("no"), OSError(28, "No space left"), KeyboardInterrupt()]
)
def test_nothing_half_written_stays(tmp_path, error):
    def fails(folder):
        (folder / "half").write_text("")
        raise error

    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else LensError):
        fill_folder(tmp_path / "out", fails)
    assert list(tmp_path.iterdir()) == []
