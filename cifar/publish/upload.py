"""Upload a folder to a repository on the Hugging Face Hub, in one commit.

The upload deletes files that are not in the folder. So the repository must be new, or hold an
earlier upload of the same thing; any other is rejected. Large files are sent before the commit, so
readers see either the old content or the new. There is no prompt, and uploading the same folder
again changes nothing.
"""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

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
KIND_NAMES = {"model": "model", "space": "Space"}
# The Hub adds it to every new repository.
ATTRIBUTES = ".gitattributes"
# The title of the Hub's first commit in a new repository. Its files depend on the kind (a static
# Space gets a page with its style) and may change.
INITIAL_TITLE = "initial commit"


def publish(
    write: Callable[[Path], None], repo_id: str, kind: Kind, *, out: Path | None, **options: Any
) -> str:
    """Upload the files that `write` writes into a folder; return the repository's address.

    out: write them into this folder instead, and return its path; repo_id is not used, nor any
    network except by `write` itself. options: of `upload`. Raises LensError.
    """
    if out is not None:
        fill_folder(out, write)
        return str(out)
    hub.token()  # fail early without a token
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
    """Create the repository unless it exists, and replace its content with that of the folder.

    private: create it as private; an existing public repository is an error. sdk, hardware: of a
    Space; if the Space has other hardware, this one is requested. Returns the address on the Hub.
    Raises HubError.
    """
    hub.check_repo_id(repo_id)
    hub.token()
    api = HfApi()
    space_hardware = SpaceHardware(hardware) if hardware else None
    with hub.errors(repo_id, "write"):
        other: Kind = "space" if kind == "model" else "model"
        if _info(api, repo_id, other):
            raise HubError(
                f"{repo_id} is a {KIND_NAMES[other]} on the Hub: choose another name for the "
                f"{KIND_NAMES[kind]}."
            )
        repo = _info(api, repo_id, kind)
        if repo is None:
            api.create_repo(
                repo_id,
                repo_type=kind,
                private=private,
                space_sdk=sdk,
                space_hardware=space_hardware,
            )
            repo = _info(api, repo_id, kind)
            if repo is None:
                raise HubError(f"The Hub created {repo_id}, but does not find it: try again.")
        else:
            _check_privacy(repo, private)
            if isinstance(repo, SpaceInfo):
                _check_sdk(repo, sdk)
            _check_replaceable(api, repo, folder, kind)
            if space_hardware and isinstance(repo, SpaceInfo) and space_hardware != _hardware(repo):
                # Before the commit, because the Hub may refuse it.
                api.request_space_hardware(repo_id, space_hardware)
        _commit(api, repo, folder, kind, message)
    return f"{api.endpoint}/{'spaces/' if kind == 'space' else ''}{repo_id}"


def _info(api: HfApi, repo_id: str, kind: Kind) -> ModelInfo | SpaceInfo | None:
    """Return the Hub's record of a repository; None if there is none."""
    request = api.model_info if kind == "model" else api.space_info
    try:
        return request(repo_id, timeout=hub.TIMEOUT)
    except HfHubHTTPError as error:
        if error.response.status_code == 404:
            return None
        raise


def _hardware(space: SpaceInfo) -> str | None:
    return space.runtime.requested_hardware if space.runtime else None


def _check_privacy(repo: ModelInfo | SpaceInfo, private: bool) -> None:
    if private and not repo.private:
        raise HubError(
            f"{repo.id} is public on the Hub: make it private in its settings there first, or "
            "leave --private out."
        )


def _check_sdk(repo: SpaceInfo, sdk: str | None) -> None:
    if repo.sdk != sdk:
        raise HubError(
            f"{repo.id} is a Space of another kind on the Hub ({repo.sdk}, not {sdk}): choose "
            "another name, or delete it there."
        )


def _check_replaceable(api: HfApi, repo: ModelInfo | SpaceInfo, folder: Path, kind: Kind) -> None:
    """Raise HubError unless the folder may replace the repository's content."""
    names = {sibling.rfilename for sibling in repo.siblings or ()}
    if names <= {ATTRIBUTES}:
        return
    same = (
        _is_same_space(repo, folder)
        if isinstance(repo, SpaceInfo)
        else _is_same_model(api, repo, names, folder)
    )
    if not (same or _is_new(api, repo, kind)):
        raise HubError(
            f"{repo.id} on the Hub holds something else than this {KIND_NAMES[kind]}, and would be "
            "overwritten: choose another name, or delete it there."
        )


def _is_same_model(api: HfApi, repo: ModelInfo, files: set[str], folder: Path) -> bool:
    """Return whether a repository's config.json is ours and of the same network."""
    if "config.json" not in files:
        return False
    path = api.hf_hub_download(repo.id, "config.json", revision=repo.sha)
    try:
        config = read_json(Path(path))
    except FileError:
        return False
    network = read_json(folder / "config.json")["network"]  # that we wrote
    return config.get("format_version") == FORMAT_VERSION and config.get("network") == network


def _is_same_space(repo: SpaceInfo, folder: Path) -> bool:
    """Return whether the READMEs have the same title."""
    title = RepoCard.load(folder / "README.md").data.get("title")
    return repo.card_data is not None and repo.card_data.get("title") == title


def _is_new(api: HfApi, repo: ModelInfo | SpaceInfo, kind: Kind) -> bool:
    """Return whether a repository has only the Hub's first commit, as after a failed upload."""
    commits = api.list_repo_commits(repo.id, repo_type=kind, revision=repo.sha)
    return [commit.title for commit in commits] == [INITIAL_TITLE]


def _commit(
    api: HfApi, repo: ModelInfo | SpaceInfo, folder: Path, kind: Kind, message: str
) -> None:
    """Make one commit, or none if nothing changed; `upload_folder` would split many files.

    repo: as it was when it was checked; a commit since then is an error.
    """
    paths = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    outdated = {sibling.rfilename for sibling in repo.siblings or ()} - paths.keys()
    with warnings.catch_warnings():
        # The client warns of parquet files outside of datasets; ours belong to the app.
        warnings.filterwarnings("ignore", "It seems that you are about to commit a data file")
        api.create_commit(
            repo.id,
            repo_type=kind,
            operations=[
                *(CommitOperationDelete(path) for path in sorted(outdated - {ATTRIBUTES})),
                *(CommitOperationAdd(name, path) for name, path in paths.items()),
            ],
            commit_message=message,
            parent_commit=repo.sha,
        )
