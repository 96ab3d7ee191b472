"""Files of others: fetched once, checked, kept."""

import hashlib

import pooch
import pytest
import requests

from cifar.data.downloads import FetchError, fetch

CONTENT = b"what was published"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
URL = "https://example.org/files/votes.npy"


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


def test_what_is_fetched_is_kept_and_nothing_is_printed(tmp_path, serve, capfd):
    asked = serve(CONTENT)
    assert fetch(URL, SHA256, tmp_path) == tmp_path / "votes.npy" == fetch(URL, SHA256, tmp_path)
    assert asked == [URL] and capfd.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["votes.npy"]


def test_a_damaged_file_in_the_folder_is_fetched_anew(tmp_path, serve):
    (tmp_path / "votes.npy").write_bytes(CONTENT[:-1])
    serve(CONTENT)
    assert fetch(URL, SHA256, tmp_path).read_bytes() == CONTENT


def test_a_wrong_checksum_is_an_error_and_nothing_stays(tmp_path, serve):
    serve(b"<html>something else</html>")
    with pytest.raises(FetchError, match="is not the file that was published"):
        fetch(URL, SHA256, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "problem",
    [requests.ConnectionError("no route"), requests.exceptions.InvalidProxyURL("no name")],
)
def test_without_network_the_message_says_what_to_do(tmp_path, serve, problem):
    serve(problem)
    with pytest.raises(FetchError, match="connect to the internet and try again") as caught:
        fetch(URL, SHA256, tmp_path)
    assert URL in str(caught.value) and list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path, serve):
    (tmp_path / "file").touch()
    with pytest.raises(FetchError, match=r"cannot be kept in .* \(Not a directory\)"):
        fetch(URL, SHA256, tmp_path / "file")
