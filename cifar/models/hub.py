"""Names on the Hugging Face Hub, downloads of their files, and error messages.

A checkpoint on the Hub is named USER/NAME or USER/NAME@REVISION, where the revision is a branch, a
tag or a commit. Its files are downloaded once into the Hugging Face cache (HF_HOME) and used
offline from there. Functions import huggingface_hub themselves, because the import is slow.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING, Literal

from cifar import LensError

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

REVISION = re.compile(r"[A-Za-z0-9_](?:[\w.\-]|/(?=\w)){0,199}", re.ASCII)
COMMIT = re.compile("[0-9a-f]{40}")
TOKENS = "https://huggingface.co/settings/tokens"
LOG_IN = f"log in with `hf auth login`, or put a token from {TOKENS} into HF_TOKEN"
TIMEOUT = 10  # seconds to wait for the commit of a revision


class HubError(LensError):
    """Problem with the Hub or a name on it; the message says in a sentence what to do."""


@dataclass(frozen=True)
class HubName:
    """A repository on the Hub at a revision, as the user named it."""

    repo_id: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"{self.repo_id}@{self.revision}"


@dataclass(frozen=True)
class Snapshot:
    """Files of a repository at one commit, in a cache folder that must not be written to.

    current: False if the Hub could not be reached and the commit is the one in the cache.
    """

    name: HubName
    folder: Path
    commit: str
    current: bool = True

    def __str__(self) -> str:
        note = "" if self.current else " (from the cache: the Hub cannot be reached)"
        return f"{self.name} at commit {self.commit}{note}"


def parse(text: str) -> HubName:
    """Parse USER/NAME or USER/NAME@REVISION.

    Raises HubError for an invalid name or revision.
    """
    repo_id, at, revision = text.partition("@")
    check_repo_id(repo_id)
    if not at:
        return HubName(repo_id)
    if not REVISION.fullmatch(revision) or ".." in revision:
        raise HubError(
            f"{revision!r} is not a revision: write a branch, a tag or a commit after {repo_id}@."
        )
    return HubName(repo_id, revision)


def looks_like_a_name(text: str) -> bool:
    """Return whether a text can mean USER/NAME[@REVISION] and not a path or a bare name."""
    user, slash, rest = text.partition("@")[0].partition("/")
    return bool(slash and user and rest) and user[0] not in ".~" and "/" not in rest


def check_repo_id(repo_id: str) -> None:
    """Raise HubError unless a text is USER/NAME as the Hub allows it."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo_id)
        is_valid = "/" in repo_id
    except HFValidationError:
        is_valid = False
    if not is_valid:
        raise HubError(
            f"{repo_id!r} is not a name on the Hub: write USER/NAME, of letters and digits with "
            "single '-', '_' or '.' between them."
        )


def snapshot(name: HubName, files: Sequence[str]) -> Snapshot:
    """Return the files of a model repository, downloaded unless they are in the cache.

    files: names; those that the repository lacks are skipped. Resumes interrupted downloads. If the
    Hub cannot be reached, the commit is that of the last download. Raises HubError.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    download = partial(
        snapshot_download, name.repo_id, revision=name.revision, allow_patterns=[*files]
    )
    with errors(name):
        try:
            cached = Path(download(local_files_only=True))
        except LocalEntryNotFoundError:
            cached = None
        commit = _commit(name, cached is not None)
        if cached and commit in (None, cached.name):
            return Snapshot(name, cached, cached.name, current=commit is not None)
        folder = Path(download())
    return Snapshot(name, folder, folder.name)


def _commit(name: HubName, may_fail: bool) -> str | None:
    """Return the commit of a revision; None if `may_fail` and the Hub cannot be reached."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
    from huggingface_hub.utils import httpx

    if COMMIT.fullmatch(name.revision):
        return name.revision
    try:
        return HfApi().model_info(name.repo_id, revision=name.revision, timeout=TIMEOUT).sha
    except (HfHubHTTPError, OfflineModeIsEnabled, httpx.TransportError) as error:
        unreachable = not isinstance(error, HfHubHTTPError) or error.response.status_code >= 500
        if may_fail and unreachable:
            return None
        raise


def token() -> str:
    """Return the user's token.

    Raises HubError if there is none.
    """
    from huggingface_hub import get_token

    user_token = get_token()
    if not user_token:
        raise HubError(f"You are not logged in to the Hub: {LOG_IN}.")
    return user_token


@contextmanager
def errors(name: HubName | str, access: Literal["read", "write"] = "read") -> Iterator[None]:
    """Convert what the Hub's client raises about a repository into a HubError."""
    from huggingface_hub.utils import httpx

    try:
        yield
    # The client raises RuntimeError if an upload fails midway and ValueError for a broken response;
    # its other errors are subclasses of the first two.
    except (httpx.HTTPError, OSError, RuntimeError, ValueError, httpx.InvalidURL) as error:
        if isinstance(error, RuntimeError | ValueError) and not _of_client(error):
            raise  # a bug of ours, which the Hub has nothing to do with
        raise HubError(error_message(error, name, access)) from error


def _of_client(error: BaseException) -> bool:
    """Return whether an error came out of the Hub's client."""
    frames = (frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__))
    return any(name.split(".")[0] in ("huggingface_hub", "httpx") for name in frames)


def error_chain(error: BaseException) -> list[BaseException]:
    """Return an error and its causes, the first cause first, the error itself last."""
    chain = [error]
    while chain[0].__cause__ is not None:
        chain.insert(0, chain[0].__cause__)
    return chain


def is_not_found(error: "HfHubHTTPError") -> bool:
    """Return whether the Hub knows no such thing, or shows it only with a token."""
    from huggingface_hub import get_token

    status = error.response.status_code
    return status == 404 or (status == 401 and not get_token())


def error_message(error: Exception, name: HubName | str, access: Literal["read", "write"]) -> str:
    """Return a sentence on what an error of the Hub's client means and what to do."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
    from huggingface_hub.utils import httpx

    retry = "run the same command again, it goes on where this one stopped"
    for cause in error_chain(error):
        match cause:
            case HfHubHTTPError():
                return _http_error_message(cause, name, access)
            case OfflineModeIsEnabled():
                missing = f"{name} is not in the cache, and " if access == "read" else ""
                return f"{missing}HF_HUB_OFFLINE forbids to ask the Hub: unset it."
            case httpx.UnsupportedProtocol() | httpx.InvalidURL():
                return "HF_ENDPOINT is not the address of a Hub: unset it, or write https:// first."
            case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.ProxyError():
                return f"The Hub cannot be reached for {name}: connect to the internet and {retry}."
            case httpx.TransportError() | ConnectionError():
                return f"The connection to the Hub was lost: {retry}."
    if isinstance(error, json.JSONDecodeError):
        return "The Hub gave an answer that cannot be read: try again later."
    if isinstance(error, OSError) and error.strerror:  # such as a full disk
        return f"{name} cannot be kept on this computer: {error.strerror} ({error.filename})."
    reason = " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
    return f"The Hub gave an unexpected answer about {name}: {reason}."


def _http_error_message(error: "HfHubHTTPError", name: HubName | str, access: str) -> str:
    """Return a sentence for a status of 4xx or 5xx."""
    from huggingface_hub import get_token
    from huggingface_hub.errors import GatedRepoError, RevisionNotFoundError

    status = error.response.status_code
    repo_id = name.repo_id if isinstance(name, HubName) else name
    reason = " ".join((error.server_message or "").split())[:300].rstrip(".")
    if isinstance(error, GatedRepoError):
        return f"{repo_id} is gated: ask for access on its page on the Hub, and {LOG_IN}."
    if isinstance(error, RevisionNotFoundError):
        return f"{repo_id} has no revision {str(name).partition('@')[2]!r} on the Hub."
    if is_not_found(error):
        nor = ", nor a folder of that name here" if access == "read" else ""
        hint = "check the name" if get_token() else f"check the name, or {LOG_IN}"
        return f"There is no {repo_id} on the Hub that you may see{nor}: {hint}."
    if status == 401:
        return f"The Hub refuses your token (401), it is wrong or has expired: {LOG_IN}."
    if status == 403:
        return (
            f"Your token has no right to {access} {repo_id} (403): take one from {TOKENS} that "
            f"may {access} there."
        )
    if status == 402:
        return f"The Hub wants a paid plan for {repo_id} (402): {reason}."
    if status in (409, 412):
        return f"{repo_id} was changed by somebody else meanwhile ({status}): look at it and retry."
    if status == 429:
        return "The Hub gets too many requests from you (429): wait some minutes and try again."
    if status >= 500:
        return f"The Hub has a problem of its own ({status}): try again later."
    return f"The Hub refuses this for {repo_id} ({status}): {reason or 'it does not say why'}."
