"""Folders sent to a Hub on this computer by the real client."""

import json

import pytest

from tests.hub.server import CUT, OTHER, READ

OURS = {
    "config.json": b'{"format_version": 1, "network": "basenet"}',
    "README.md": b"---\nlicense: mit\n---\nwords\n",
    "model.safetensors": b"\0" * 9000,
    "assets/figure.png": b"\x89PNG\0\1",
}
SPACE = {"README.md": b"---\ntitle: Lens\nsdk: gradio\n---\n", "app.py": b"demo = 1\n"}
SITE = {"README.md": b"---\ntitle: Lens\nsdk: static\n---\n", "index.html": b"<p>Lens</p>\n"}
# upload(FOLDER, NAME, KIND, **OPTIONS as JSON), whose answer it prints.
UPLOAD = """
import json, sys
from pathlib import Path
from cifar import LensError
from cifar.publish.upload import upload

folder, name, kind, options = sys.argv[1:]
try:
    print(upload(Path(folder), name, kind, message="words", **json.loads(options)))
except LensError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def folder(tmp_path):
    """A function that makes `tmp_path/folder` hold these files and no others, and returns it."""

    def make(files):
        for path in [p for p in (tmp_path / "folder").rglob("*") if p.is_file()]:
            path.unlink()
        for name, data in files.items():
            path = tmp_path / "folder" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path / "folder"

    return make


@pytest.fixture
def upload(on_hub, folder):
    """A function that uploads these files, in a process of its own."""

    def run(files, name="me/net", kind="model", options=(), **env):
        arguments = folder(files), name, kind, json.dumps(dict(options))
        return on_hub("-c", UPLOAD, *arguments, **env)

    return run


def test_a_folder_arrives_byte_for_byte_in_one_commit(hub, upload):
    assert upload(OURS).stdout == f"{hub.url}/me/net\n"
    repo = hub.model("me/net")
    assert repo.files == OURS and not repo.private
    assert [commit.title for commit in repo.commits] == ["initial commit", "words"]
    assert ".gitattributes" in repo.head.files
    large = {path for path, data in OURS.items() if repo.oid(data) in hub.objects}
    assert large == {"model.safetensors", "assets/figure.png"}
    assert all(request.token for request in hub.requests if request.path.startswith("/api/models"))


def test_the_same_folder_again_makes_no_commit(hub, upload):
    upload(OURS)
    hub.requests.clear()
    assert upload(OURS).stdout == f"{hub.url}/me/net\n"
    assert len(hub.model("me/net").commits) == 2
    assert hub.count("POST", "/commit/") == hub.count("PUT", "/lfs/") == 0


def test_what_is_no_longer_in_the_folder_goes(hub, upload):
    upload(OURS | {"old.txt": b"old", "below/old.bin": b"\0old"})
    upload(OURS | {"README.md": b"new\n"})
    repo = hub.model("me/net")
    assert repo.files == OURS | {"README.md": b"new\n"}
    assert ".gitattributes" in repo.head.files and len(repo.commits) == 3


def test_many_files_are_one_commit(hub, upload):
    files = OURS | {f"many/{i}.txt": b"%d" % i for i in range(300)}
    upload(files)
    assert hub.model("me/net").files == files and len(hub.model("me/net").commits) == 2


def test_a_repository_is_private_if_asked_for(hub, upload):
    upload(OURS, options={"private": True})
    assert hub.model("me/net").private and hub.model("me/net").files == OURS
    upload(OURS | {"more.txt": b"more"}, options={"private": True})
    assert hub.model("me/net").private and "more.txt" in hub.model("me/net").files


def test_a_public_repository_is_not_taken_for_private(hub, upload):
    upload(OURS)
    assert "me/net is public on the Hub" in upload(SPACE, options={"private": True}).error
    assert hub.model("me/net").files == OURS


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (None, "You are not logged in to the Hub: log in with `hf auth login`"),
        ("hf_wrong", "The Hub refuses your token (401), it is wrong or has expired: log in"),
        (READ, "Your token has no right to write me/net (403): take one from https://"),
        (OTHER, "Your token has no right to write me/net (403): take one from https://"),
    ],
)
def test_a_token_that_may_not_write_is_named(hub, upload, token, words):
    assert upload(OURS, token=token).error.startswith(words)
    assert hub.repos == {}
    files = hub.add("model", "me/net", OURS).files
    assert upload(OURS | {"more.txt": b"more"}, token=token).error.startswith(words)
    assert hub.model("me/net").files == files


def test_what_was_cut_in_mid_upload_is_invisible_and_finished_by_the_next_run(hub, upload):
    upload(OURS)
    new = OURS | {"model.safetensors": b"\0new" * 900, "assets/figure.png": b"\x89PNG\0\2"}
    lost = (
        "The connection to the Hub was lost: run the same command again, it goes on where this "
        "one stopped."
    )
    repo = hub.model("me/net")
    for method, path in (("PUT", "/lfs/"), ("POST", "/commit/"), ("POST", "/objects/batch")):
        hub.fail(method, path, CUT)
        assert upload(new).error == lost
        assert repo.files == OURS and len(repo.commits) == 2
        hub.mend()
    hub.requests.clear()
    assert upload(new).returncode == 0
    assert repo.files == new and len(repo.commits) == 3
    assert hub.count("PUT", "/lfs/") == 0  # both had arrived before the commit was cut


def test_a_stutter_is_sat_out(hub, upload):
    hub.fail("PUT", "/lfs/", CUT, times=1)
    hub.fail("PUT", "/lfs/", 503, times=1)
    assert upload(OURS).returncode == 0
    assert hub.model("me/net").files == OURS


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/"), ("POST", "create"), ("PUT", "/lfs/"), ("POST", "commit")],
)
def test_a_hub_that_is_down_is_named(hub, upload, method, path):
    hub.fail(method, path, 503)
    assert upload(OURS).error == "The Hub has a problem of its own (503): try again later."
    hub.mend()
    upload(OURS)
    assert hub.model("me/net").files == OURS and len(hub.model("me/net").commits) == 2


def test_an_answer_that_is_none_is_named(hub, upload):
    hub.fail("POST", "validate-yaml", 502)  # the client looks for JSON in it
    error = upload(OURS).error
    assert error == "The Hub gave an answer that cannot be read: try again later."


def test_no_network_is_named(hub, upload):
    assert upload(OURS, HF_ENDPOINT="http://127.0.0.1:9").error.startswith(
        "The Hub cannot be reached for me/net: connect to the internet"
    )
    error = upload(OURS, HF_HUB_OFFLINE="1").error
    assert error == "HF_HUB_OFFLINE forbids to ask the Hub: unset it."


@pytest.mark.parametrize(
    "files",
    [
        {"README.md": b"my notes"},
        {"README.md": b"", "config.json": b'{"model_type": "bert"}'},
        {"config.json": b"no JSON"},
        {"config.json": b"[]"},
    ],
)
def test_a_model_that_is_not_ours_is_not_overwritten(hub, upload, files):
    repo = hub.add("model", "me/net", files)
    assert upload(OURS).error == (
        "me/net on the Hub holds something else than this model, and would be overwritten: choose "
        "another name, or delete it there."
    )
    assert repo.files == files and hub.count("POST", "") == 0


def test_another_network_does_not_replace_a_model(hub, upload):
    repo = hub.add("model", "me/net", OURS)
    other = OURS | {"config.json": b'{"format_version": 1, "network": "resnet"}'}
    assert upload(other).error == (
        "me/net on the Hub holds something else than this model, and would be overwritten: choose "
        "another name, or delete it there."
    )
    assert repo.files == OURS and hub.count("POST", "") == 0


def test_an_empty_repository_is_filled(hub, upload):
    hub.add("model", "me/net")
    assert upload(OURS).returncode == 0 and hub.model("me/net").files == OURS


def test_one_name_is_one_thing(hub, upload):
    hub.add("space", "me/a", SPACE, sdk="gradio")
    hub.add("model", "me/b", OURS)
    assert upload(OURS, "me/a").error == (
        "me/a is a Space on the Hub: choose another name for the model."
    )
    assert upload(SPACE, "me/b", "space", {"sdk": "gradio"}).error == (
        "me/b is a model on the Hub: choose another name for the Space."
    )
    assert hub.repos.keys() == {("space", "me/a"), ("model", "me/b")}


def test_a_change_in_the_meantime_is_not_overwritten(hub, upload):
    repo = hub.add("model", "me/net", OURS)
    head, answer = repo.head, hub.answer

    def somebody_else(request):
        if request.path.endswith("/preupload/main") and repo.head is head:
            repo.commit("theirs", OURS | {"theirs.txt": b"theirs"})
        return answer(request)

    hub.answer = somebody_else
    assert "me/net was changed by somebody else meanwhile (412)" in upload(OURS | SPACE).error
    assert repo.head.title == "theirs"


@pytest.mark.parametrize("name", ["net", "me/a--b", "me/net@main", "../net", "me/net/x"])
def test_a_name_that_cannot_be_is_refused_before_anything_is_asked(hub, upload, name):
    assert "is not a name on the Hub: write USER/NAME" in upload(OURS, name).error
    assert hub.requests == []


def test_a_space_is_created_with_sdk_and_hardware(hub, upload):
    options = {"sdk": "gradio", "hardware": "zero-a10g"}
    assert upload(SPACE, "me/app", "space", options).stdout == f"{hub.url}/spaces/me/app\n"
    space = hub.space("me/app")
    assert (space.sdk, space.hardware, space.files) == ("gradio", "zero-a10g", SPACE)
    upload(SPACE | {"app.py": b"demo = 2\n"}, "me/app", "space", options)
    assert hub.count("POST", "/hardware") == 0 and space.files["app.py"] == b"demo = 2\n"
    upload(SPACE, "me/app", "space", {"sdk": "gradio", "hardware": "cpu-basic"})
    assert space.hardware == "cpu-basic" and len(space.commits) == 4


@pytest.mark.parametrize(
    ("files", "sdk", "born"),
    [
        (SPACE, "gradio", {"README.md"}),
        (SITE, "static", {"README.md", "index.html", "style.css"}),
    ],
)
def test_a_space_that_was_created_but_not_filled_is_filled(hub, upload, files, sdk, born):
    hub.fail("POST", "/commit/", CUT)
    upload(files, "me/app", "space", {"sdk": sdk})
    assert hub.space("me/app").files.keys() == born  # the Hub's own
    hub.mend()
    assert upload(files, "me/app", "space", {"sdk": sdk}).returncode == 0
    assert hub.space("me/app").files == files


def test_a_new_space_that_somebody_has_changed_is_not_overwritten(hub, upload):
    repo = hub.add("space", "me/app", sdk="static")
    repo.commit("Update index.html", repo.head.files | {"index.html": b"mine"})
    assert "me/app on the Hub holds something else than this Space" in (
        upload(SITE, "me/app", "space", {"sdk": "static"}).error
    )
    assert repo.files["index.html"] == b"mine" and hub.count("POST", "") == 0


def test_another_space_is_not_overwritten(hub, upload):
    hub.add("space", "me/static", {"index.html": b"mine"}, sdk="static")
    other = SPACE | {"README.md": b"---\ntitle: Other\nsdk: gradio\n---\n"}
    hub.add("space", "me/other", other, sdk="gradio")
    gradio = {"sdk": "gradio"}
    assert "is a Space of another kind on the Hub (static, not gradio)" in (
        upload(SPACE, "me/static", "space", gradio).error
    )
    assert "me/other on the Hub holds something else than this Space" in (
        upload(SPACE, "me/other", "space", gradio).error
    )
    assert hub.space("me/other").files == other
