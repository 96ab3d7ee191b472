"""A network that is lost while the dataset arrives, and a disk that has no room for it."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants

from cifar import annotations, data
from cifar.annotations import AnnotationsError
from tests.hub.server import CUT, Commit

LOAD = """
import sys
from cifar import LensError, data
{before}
try:
    split = data.load("test")
except LensError as error:
    sys.exit(str(error))
print(len(split), split.official)
"""
LIMIT = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
"""
FILE = r"/datasets/uoft-cs/cifar10/resolve/.*\.parquet"


@pytest.fixture(scope="module")
def parquet(test_split):
    """The real file of the test images."""
    return data.download("test").read_bytes()


@pytest.fixture
def load(hub, on_hub, parquet, tmp_path):
    """A function that loads the test images from the Hub in a process of its own."""
    repo = hub.add("dataset", data.DATASET)
    repo.commits.append(Commit(data.REVISION, "the release", {data.FILES["test"]: parquet}))

    def run(before=""):
        cache = str(tmp_path / "decoded")
        return on_hub("-c", LOAD.format(before=before), token=None, CIFAR_CACHE_DIR=cache)

    return run


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.slow
def test_a_download_that_is_cut_goes_on_where_it_was(hub, load):
    hub.fail("GET", FILE, CUT, times=1)
    assert load().stdout == "10000 True\n"
    asked = [one for one in hub.requests if one.method == "GET" and re.search(FILE, one.path)]
    # The client writes whole chunks; of the half that was sent, one had arrived.
    wanted = [None, f"bytes={constants.DOWNLOAD_CHUNK_SIZE}-"]
    assert [one.headers.get("range") for one in asked] == wanted


@pytest.mark.slow
def test_of_a_download_that_is_given_up_nothing_stays(hub, load, tmp_path):
    hub.fail("GET", FILE, CUT, times=1)
    hub.fail("GET", FILE, 503)
    assert load().error == (
        "CIFAR-10's test images are not on this computer and could not be downloaded. The Hub has "
        "a problem of its own (503): try again later. Or set HF_HOME to a Hugging Face cache that "
        "holds them."
    )
    assert hub.count("GET", FILE) > 1
    assert files(tmp_path / "hf" / "hub" / "datasets--uoft-cs--cifar10") == []
    assert not (tmp_path / "decoded").exists()


@pytest.mark.slow
@pytest.mark.parametrize("status", [404, 401])
def test_a_hub_that_has_no_dataset_is_as_none(hub, load, status):
    hub.fail("GET", FILE, status)
    hub.fail("HEAD", FILE, status)
    assert load().error == (
        "CIFAR-10's test images are not on this computer and could not be downloaded from the "
        "Hugging Face Hub (uoft-cs/cifar10): connect to the internet and try again, or set HF_HOME "
        "to a Hugging Face cache that holds them."
    )


@pytest.mark.slow
def test_a_disk_without_room_is_named(hub, load, tmp_path):
    assert load(LIMIT).error == (
        "CIFAR-10's test images are not on this computer and could not be kept in the Hugging Face "
        "cache (File too large): free some space, or set HF_HOME to a folder that can be written."
    )
    assert load().stdout == "10000 True\n"
    decoded = tmp_path / "decoded"
    for path in files(decoded):
        path.unlink()
    said = load(LIMIT).error
    assert said.startswith("The decoded images could not be written to ") and said.endswith(
        ": free some space or set CIFAR_CACHE_DIR to a folder that can be written."
    )
    assert files(decoded) == []


def test_votes_that_were_cut_are_fetched_anew(hub, tmp_path, monkeypatch):
    """From a real server, with other content than the published, which test_annotations knows."""
    name, content = "cifar10h-counts.npy", np.random.default_rng(0).bytes(100_000)
    hub.add("model", "me/votes", {name: content})
    address = f"{hub.url}/me/votes/resolve/main/{name}"
    facts = {name: (address, hashlib.sha256(content).hexdigest())}
    monkeypatch.setattr(annotations, "FILES", facts)
    monkeypatch.setenv("CIFAR_EXTRAS_DIR", str(tmp_path / "extras"))
    hub.fail("GET", name, CUT)
    with pytest.raises(AnnotationsError, match="connect to the internet and try again") as caught:
        annotations.fetch(name)
    assert "\n" not in str(caught.value)
    assert files(tmp_path / "extras") == []
    hub.mend()
    assert Path(annotations.fetch(name)).read_bytes() == content
