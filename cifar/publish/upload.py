"""A folder becomes the content of a repository on the Hugging Face Hub, in one commit.

What is there already must be an earlier upload of the same thing, or what the Hub itself puts into
a new repository; anything else is refused, for files that are not in the folder are deleted. Large
files are sent before the commit, so whoever looks sees the old content or the new. Nothing is
asked, and the same folder again changes nothing.
"""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    RepoCard,
    SpaceHardware,
)
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.hf_api import ModelInfo, SpaceInfo

from cifar.files import FileError, fill_folder, read_json
from cifar.models import hub
from cifar.models.checkpoint import FORMAT_VERSION
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
        fill_folder(out, write)
        return str(out)
    hub.token()  # before the work
    with tempfile.TemporaryDirectory(prefix="cifar-lens-") as scratch:
        folder = Path(scratch) / kind
        fill_folder(folder, write)
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

    private: create it so; a public repository is refused. sdk, hardware: of a Space; if the Space
    exists with other hardware, this one is requested. Returns its address on the Hub. Raises
    HubError.
    """
    hub.check_repo_id(repo_id)
    hub.token()
    api = HfApi()
    wanted = SpaceHardware(hardware) if hardware else None
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
                repo_id, repo_type=kind, private=private, space_sdk=sdk, space_hardware=wanted
            )
            there = _info(api, repo_id, kind)
            if there is None:
                raise HubError(f"The Hub created {repo_id}, but does not find it: try again.")
        else:
            _check_privacy(there, private)
            if isinstance(there, SpaceInfo):
                _check_sdk(there, sdk)
            _check_ours(api, there, folder, kind)
            if wanted and isinstance(there, SpaceInfo) and wanted != _hardware(there):
                api.request_space_hardware(repo_id, wanted)  # first, because it may be refused
        _commit(api, there, folder, kind, message)
    return f"{api.endpoint}/{'spaces/' if kind == 'space' else ''}{repo_id}"


def _info(api: HfApi, repo_id: str, kind: Kind) -> ModelInfo | SpaceInfo | None:
    """Return what the Hub knows of a repository; None if there is none."""
    ask = api.model_info if kind == "model" else api.space_info
    try:
        return ask(repo_id, timeout=hub.TIMEOUT)
    except HfHubHTTPError as error:
        if error.response.status_code == 404:
            return None
        raise


def _hardware(space: SpaceInfo) -> str | None:
    return space.runtime.requested_hardware if space.runtime else None


def _check_privacy(there: ModelInfo | SpaceInfo, private: bool) -> None:
    if private and not there.private:
        raise HubError(
            f"{there.id} is public on the Hub: make it private in its settings there first, or "
            "leave --private out."
        )


def _check_sdk(there: SpaceInfo, sdk: str | None) -> None:
    if there.sdk != sdk:
        raise HubError(
            f"{there.id} is a Space of another kind on the Hub ({there.sdk}, not {sdk}): choose "
            "another name, or delete it there."
        )


def _check_ours(api: HfApi, there: ModelInfo | SpaceInfo, folder: Path, kind: Kind) -> None:
    """Raise HubError unless the folder may replace what is on the Hub."""
    names = {sibling.rfilename for sibling in there.siblings or ()}
    if names <= {ATTRIBUTES}:
        return
    ours = (
        _is_our_space(there, folder)
        if isinstance(there, SpaceInfo)
        else _is_our_model(api, there, names, folder)
    )
    if not (ours or _is_new(api, there, kind)):
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
    except FileError:
        return False
    network = read_json(folder / "config.json")["network"]
    return config.get("format_version") == FORMAT_VERSION and config.get("network") == network


def _is_our_space(there: SpaceInfo, folder: Path) -> bool:
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
