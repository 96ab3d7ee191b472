"""A folder becomes the content of a repository on the Hugging Face Hub, in one commit.

What is there already must be an earlier upload of the same thing, or what the Hub itself puts into
a new repository; anything else is refused, for files that are not in the folder are deleted. Large
files are sent before the commit, so whoever looks sees the old content or the new. Nothing is
asked, and the same folder again changes nothing.
"""

import os
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, RepoCard
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.hf_api import ModelInfo, SpaceInfo

from cifar import LensError
from cifar.models import hub
from cifar.models.checkpoint import FORMAT_VERSION, CheckpointError, read_json
from cifar.models.hub import HubError

Kind = Literal["model", "space"]
CALLED = {"model": "model", "space": "Space"}
# In every repository that the Hub creates, and never ours.
ATTRIBUTES = ".gitattributes"
# The title of the commit with which the Hub fills a new repository; what is in it depends on the
# kind (a static Space gets a page with its style) and may be different tomorrow.
INITIAL = "initial commit"


def publish(
    write: Callable[[Path], None], repo_id: str, kind: Kind, *, out: Path | None, **options
) -> str:
    """Upload what `write` puts into a folder; returns the repository's address on the Hub.

    out: leave it in this folder instead, and return its path; that takes no name, and no network
    but what `write` itself may need. options: of `upload`. Raises LensError.
    """
    if out is not None:
        fill(out, write)
        return str(out)
    hub.token()  # before the work
    with tempfile.TemporaryDirectory(prefix="cifar-lens-") as scratch:
        folder = Path(scratch) / kind
        fill(folder, write)
        return upload(folder, repo_id, kind, **options)


def upload(
    folder: Path,
    repo_id: str,
    kind: Kind,
    *,
    message: str,
    private: bool = False,
    sdk: Literal["gradio", "static"] | None = None,
    hardware: str | None = None,
) -> str:
    """Create the repository unless it exists, and make its content that of the folder.

    private: create it so; one that is public already is refused. sdk, hardware: of a Space; other
    hardware is asked for where the Space exists. Returns its address on the Hub. Raises HubError.
    """
    hub.check_repo_id(repo_id)
    hub.token()
    api = HfApi()
    with hub.errors(repo_id, "write"):
        other: Kind = "space" if kind == "model" else "model"
        if _info(api, repo_id, other):
            raise HubError(
                f"{repo_id} is a {CALLED[other]} on the Hub: choose another name for the "
                f"{CALLED[kind]}."
            )
        there = _info(api, repo_id, kind)
        if there is None:
            api.create_repo(
                repo_id, repo_type=kind, private=private, space_sdk=sdk, space_hardware=hardware
            )
            _commit(api, api.repo_info(repo_id, repo_type=kind), folder, kind, message)
        else:
            _check_ours(api, there, folder, kind, private=private, sdk=sdk)
            if hardware and hardware != _hardware(there):
                api.request_space_hardware(repo_id, hardware)  # first, for it may be refused
            _commit(api, there, folder, kind, message)
    return f"{api.endpoint}/{'spaces/' if kind == 'space' else ''}{repo_id}"


def _info(api: HfApi, repo_id: str, kind: Kind) -> ModelInfo | SpaceInfo | None:
    """What the Hub knows of a repository; None if there is none."""
    try:
        return api.repo_info(repo_id, repo_type=kind, timeout=hub.TIMEOUT)
    except HfHubHTTPError as error:
        if error.response.status_code == 404:
            return None
        raise


def _hardware(space: SpaceInfo) -> str | None:
    return space.runtime.requested_hardware if space.runtime else None


def _check_ours(
    api: HfApi,
    there: ModelInfo | SpaceInfo,
    folder: Path,
    kind: Kind,
    *,
    private: bool,
    sdk: str | None,
) -> None:
    """Raises HubError unless what is on the Hub may be replaced by the folder."""
    if private and not there.private:
        raise HubError(
            f"{there.id} is public on the Hub: make it private in its settings there first, or "
            "leave --private out."
        )
    if kind == "space" and there.sdk != sdk:
        raise HubError(
            f"{there.id} is a Space of another kind on the Hub ({there.sdk}, not {sdk}): choose "
            "another name, or delete it there."
        )
    files = {sibling.rfilename for sibling in there.siblings or ()}
    ours = _is_our_model if kind == "model" else _is_our_space
    if not (files <= {ATTRIBUTES} or ours(api, there, files, folder) or _is_new(api, there, kind)):
        raise HubError(
            f"{there.id} on the Hub holds something else than this {CALLED[kind]}, and would be "
            "overwritten: choose another name, or delete it there."
        )


def _is_our_model(api: HfApi, there: ModelInfo, files: set[str], folder: Path) -> bool:
    """By its config.json, which must be of the same network, for another one is another model."""
    if "config.json" not in files:
        return False
    path = api.hf_hub_download(there.id, "config.json", revision=there.sha)
    try:
        config = read_json(Path(path))
    except CheckpointError:
        return False
    network = read_json(folder / "config.json")["network"]
    return config.get("format_version") == FORMAT_VERSION and config.get("network") == network


def _is_our_space(api: HfApi, there: SpaceInfo, files: set[str], folder: Path) -> bool:
    """By the title in its README."""
    title = RepoCard.load(folder / "README.md").data.get("title")
    return there.card_data is not None and there.card_data.get("title") == title


def _is_new(api: HfApi, there: ModelInfo | SpaceInfo, kind: Kind) -> bool:
    """Whether it holds only what the Hub put there: an upload that created it was cut, say."""
    commits = api.list_repo_commits(there.id, repo_type=kind, revision=there.sha)
    return [commit.title for commit in commits] == [INITIAL]


def _commit(
    api: HfApi, there: ModelInfo | SpaceInfo, folder: Path, kind: Kind, message: str
) -> None:
    """One commit, or none where nothing changed. `upload_folder` would make several of many files.

    there: the repository as it was when it was found fit; a commit since then is an error.
    """
    paths = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    gone = {sibling.rfilename for sibling in there.siblings or ()} - paths.keys()
    with warnings.catch_warnings():
        # The client doubts parquet files outside of datasets; ours belong to the app.
        warnings.filterwarnings("ignore", "It seems that you are about to commit a data file")
        api.create_commit(
            there.id,
            repo_type=kind,
            operations=[
                *(CommitOperationDelete(path) for path in sorted(gone - {ATTRIBUTES})),
                *(CommitOperationAdd(name, path) for name, path in paths.items()),
            ],
            commit_message=message,
            parent_commit=there.sha,
        )


def fill(out: Path, write: Callable[[Path], None]) -> None:
    """Make `out`, which must be empty or not be there, of what `write` puts into a folder.

    A folder that could not be finished is removed. Raises LensError where `out` is not free or
    cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise LensError(f"{out} is not empty: name a folder that is, or that is not there yet.")
    partial = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f"{out.name}.", dir=out.parent))
        write(partial)
        partial.chmod(0o755)  # mkdtemp's are for their owner alone
        if out.exists():
            out.rmdir()
        os.replace(partial, out)
    except OSError as error:
        raise LensError(f"{out} cannot be written: {error.strerror}.") from error
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)
