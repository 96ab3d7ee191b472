"""Names on the Hub, and folders that a Hub on this computer gives for them."""

import pytest

from cifar.models import hub
from cifar.models.hub import HubError, HubName, check_repo_id, looks_like_a_name, parse
from tests.hub.server import CUT, OTHER

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {"config.json": b"{}", "model.safetensors": b"\0" * 9000, "other.bin": b"\0" * 9}
# Prints the commit and the files of a snapshot; a sentence where there is none.
SNAPSHOT = """
import sys
from cifar import LensError
from cifar.models import hub

try:
    found = hub.snapshot(hub.parse(sys.argv[1]), ("config.json", "model.safetensors"))
except LensError as error:
    sys.exit(str(error))
print(found.commit, *sorted(path.name for path in found.folder.iterdir()))
print(found)
"""


@pytest.fixture
def snapshot(on_hub):
    """A function that asks for a name on the Hub, in a process of its own."""
    return lambda name, **options: on_hub("-c", SNAPSHOT, name, **options)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("me/net", HubName("me/net", "main")),
        ("me/net@main", HubName("me/net", "main")),
        (f"Me_2/a.b-c@{COMMIT}", HubName("Me_2/a.b-c", COMMIT)),
        ("me/net@refs/pr/1", HubName("me/net", "refs/pr/1")),
        ("me/net@v1.0", HubName("me/net", "v1.0")),
    ],
)
def test_names_are_read(text, name):
    assert parse(text) == name
    assert looks_like_a_name(text)


def test_a_name_is_written_with_its_revision():
    assert str(parse("me/net")) == "me/net@main"


@pytest.mark.parametrize(
    "text",
    ["net", "", "me/", "/net", "me/net/x", "me/a--b", "me/a..b", "-me/net", "me/net.git", "m e/net",
     "me/" + "n" * 97, "mé/net", "../net", "me/net\n", "https://huggingface.co/me/net"],
)  # fmt: skip
def test_what_is_no_name_is_refused(text):
    with pytest.raises(HubError, match="is not a name on the Hub: write USER/NAME"):
        parse(text)
    with pytest.raises(HubError, match="is not a name on the Hub: write USER/NAME"):
        check_repo_id(text)


def test_a_repository_has_no_revision():
    with pytest.raises(HubError, match="is not a name on the Hub"):
        check_repo_id("me/net@main")


@pytest.mark.parametrize(
    "revision",
    ["", "..", "../x", "a/../b", "/a", "a/", "a//b", ".a", "-a", "a b", "a@b", "a\n", "é", "a?b",
     "x" * 300],
)  # fmt: skip
def test_what_is_no_revision_is_refused(revision):
    with pytest.raises(HubError, match="is not a revision: write a branch, a tag or a commit"):
        parse(f"me/net@{revision}")


@pytest.mark.parametrize("text", ["resnet", "./a/b", "../net", "a/b/c", "/a/b", "a/", "~/net", ""])
def test_paths_and_bare_names_do_not_look_like_names_on_the_hub(text):
    assert not looks_like_a_name(text)


def test_a_snapshot_has_the_files_that_were_asked_for(hub, snapshot):
    repo = hub.add("model", "me/net", FILES)
    done = snapshot("me/net")
    assert done.stdout.splitlines() == [
        f"{repo.head.oid} config.json model.safetensors",
        f"me/net@main at commit {repo.head.oid}",
    ]
    assert hub.count("GET", "other.bin") == 0


def test_a_revision_is_a_branch_a_tag_or_a_commit(hub, snapshot):
    repo = hub.add("model", "me/net", FILES)
    first = repo.head.oid
    repo.tags["v1"] = first
    second = repo.commit("more", FILES | {"config.json": b"{ }"}).oid
    found = {r: snapshot(f"me/net@{r}").stdout.split()[0] for r in ("main", "v1", first, second)}
    assert found == {"main": second, "v1": first, first: first, second: second}


def test_a_branch_that_moved_is_followed(hub, snapshot):
    repo = hub.add("model", "me/net", FILES)
    first = snapshot("me/net").stdout
    repo.commit("more", {"config.json": b"{ }"})
    second = snapshot("me/net").stdout
    assert first != second and second.splitlines()[0] == f"{repo.head.oid} config.json"


def test_what_is_cached_is_not_downloaded_again(hub, snapshot):
    commit = hub.add("model", "me/net", FILES).head.oid
    for name in ("me/net", f"me/net@{commit}"):
        snapshot(name)
        hub.requests.clear()
        done = snapshot(name)
        assert done.stdout.startswith(commit) and done.stderr == ""
        assert hub.count("GET", "resolve") == 0


@pytest.mark.parametrize("how", ["offline", "no network", "hub is down"])
def test_the_cache_works_without_the_hub_and_says_so(hub, snapshot, how):
    commit = hub.add("model", "me/net", FILES).head.oid
    snapshot("me/net")
    if how == "hub is down":
        hub.fail("GET", "", 503)
    env = {"offline": {"HF_HUB_OFFLINE": "1"}, "no network": {"HF_ENDPOINT": "http://127.0.0.1:9"}}
    lines = snapshot("me/net", **env.get(how, {})).stdout.splitlines()
    assert lines == [
        f"{commit} config.json model.safetensors",
        f"me/net@main at commit {commit} (from the cache: the Hub cannot be reached)",
    ]
    # A commit is what it is, whether the Hub is asked or not.
    pinned = snapshot(f"me/net@{commit}", **env.get(how, {})).stdout.splitlines()
    assert pinned[1] == f"me/net@{commit} at commit {commit}"


def test_what_is_neither_cached_nor_within_reach_is_named(snapshot):
    assert snapshot("me/net", HF_HUB_OFFLINE="1").error == (
        "me/net@main is not in the cache, and HF_HUB_OFFLINE forbids to ask the Hub: unset it."
    )
    for name in ("me/net", f"me/net@{COMMIT}"):
        assert snapshot(name, HF_ENDPOINT="http://127.0.0.1:9").error.startswith(
            "The Hub cannot be reached for me/net@"
        )


@pytest.mark.parametrize("address", ["huggingface.co", "ftp://127.0.0.1", "http://\x7f"])
def test_an_address_that_is_none_is_named(snapshot, address):
    assert snapshot("me/net", HF_ENDPOINT=address).error == (
        "HF_ENDPOINT is not the address of a Hub: unset it, or write https:// first."
    )


def test_a_hub_that_is_down_is_named(hub, snapshot):
    hub.add("model", "me/net", FILES)
    hub.fail("GET", "/api/models", 503)
    assert snapshot("me/net").error == "The Hub has a problem of its own (503): try again later."
    hub.mend()
    hub.fail("HEAD", "resolve", 500)
    assert "The Hub has a problem of its own (500)" in snapshot("me/net").error
    assert snapshot("me/net", HF_HUB_OFFLINE="1").error.startswith("me/net@main is not in the ca")


def test_too_many_requests_are_named(hub, snapshot):
    hub.add("model", "me/net", FILES)
    hub.fail("GET", "/api/models", 429)
    assert "too many requests from you (429): wait" in snapshot("me/net").error


def test_unknown_repositories_and_revisions_are_named(hub, snapshot):
    hub.add("model", "me/net", FILES)
    hub.add("space", "me/space", {"config.json": b"{}"}, sdk="gradio")
    for revision in ("nope", COMMIT):
        assert snapshot(f"me/net@{revision}").error == (
            f"me/net has no revision '{revision}' on the Hub."
        )
    for name in ("me/nothing", "me/space"):
        assert snapshot(name).error == (
            f"There is no {name} on the Hub that you may see, nor a folder of that name here: "
            "check the name."
        )
    assert "check the name, or log in with `hf auth login`" in snapshot("me/n", token=None).error


def test_a_private_repository_is_its_owners(hub, snapshot):
    hub.add("model", "me/net", FILES, private=True)
    assert "There is no me/net on the Hub that you may see" in snapshot("me/net", token=None).error
    assert "There is no me/net on the Hub that you may see" in snapshot("me/net", token=OTHER).error
    assert snapshot("me/net").returncode == 0


def test_a_gated_repository_is_named(hub, snapshot):
    hub.add("model", "me/net", FILES, gated=True)
    for token in (None, OTHER):
        assert snapshot("me/net", token=token).error.startswith(
            "me/net is gated: ask for access on its page on the Hub"
        )


def test_a_public_repository_needs_no_token_but_none_that_is_wrong(hub, snapshot):
    hub.add("model", "me/net", FILES)
    assert snapshot("me/net", token="hf_wrong").error.startswith(
        "The Hub refuses your token (401), it is wrong or has expired: log in with `hf auth login`"
    )
    assert snapshot("me/net", token=None).returncode == 0


def test_a_download_that_was_cut_is_gone_on_with(hub, snapshot):
    commit = hub.add("model", "me/net", FILES).head.oid
    hub.fail("GET", "resolve/.*/model.safetensors", CUT)
    assert snapshot("me/net").error == (
        "The connection to the Hub was lost: run the same command again, it goes on where this "
        "one stopped."
    )
    hub.mend()
    hub.requests.clear()
    assert snapshot("me/net").stdout.startswith(f"{commit} config.json model.safetensors\n")
    assert hub.count("GET", "resolve/.*/config.json") == 0


def test_a_cache_that_cannot_be_written_is_named(hub, snapshot, tmp_path):
    hub.add("model", "me/net", FILES)
    (tmp_path / "file").write_text("")
    assert (
        "cannot be kept on this computer"
        in snapshot("me/net", HF_HOME=str(tmp_path / "file")).error
    )


def test_a_bug_of_ours_is_not_said_to_be_the_hubs():
    for error in (RuntimeError("ours"), ValueError("ours")):
        with pytest.raises(type(error)) as caught, hub.errors("me/net"):
            raise error
        assert caught.value is error
