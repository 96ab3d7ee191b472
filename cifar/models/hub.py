"""Names on the Hugging Face Hub, the local folder behind one, and the Hub's errors in plain words.

A checkpoint on the Hub is named USER/NAME or USER/NAME@REVISION, where the revision is a branch, a
tag or a commit. Its files are downloaded once into the Hugging Face cache (HF_HOME) and work from
there without a network. huggingface_hub is imported where it is used: it takes its time.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cifar import LensError

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

REVISION = re.compile(r"[A-Za-z0-9_](?:[\w.\-]|/(?=\w)){0,199}", re.ASCII)
COMMIT = re.compile("[0-9a-f]{40}")
TOKENS = "https://huggingface.co/settings/tokens"
LOG_IN = f"log in with `hf auth login`, or put a token from {TOKENS} into HF_TOKEN"
TIMEOUT = 10  # seconds to wait for the Hub's word on which commit a revision is


class HubError(LensError):
    """The Hub could not be asked or said no; the message says in a sentence what to do."""


@dataclass(frozen=True)
class HubName:
    """A repository on the Hub at a revision, as its user named it."""

    repo_id: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"{self.repo_id}@{self.revision}"


@dataclass(frozen=True)
class Snapshot:
    """Files of a repository at one commit, in a folder that nobody may write to.

    current: whether the Hub was asked which commit the revision is now; else the cache was.
    """

    name: HubName
    folder: Path
    commit: str
    current: bool = True

    def __str__(self) -> str:
        doubt = "" if self.current else " (from the cache: the Hub cannot be reached)"
        return f"{self.name} at commit {self.commit}{doubt}"


def parse(text: str) -> HubName:
    """USER/NAME or USER/NAME@REVISION. Raises HubError for what cannot be a name on the Hub."""
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
    """Whether a text can be meant as USER/NAME[@REVISION], and not as a path or a bare name."""
    user, slash, rest = text.partition("@")[0].partition("/")
    return bool(slash and user and rest) and user[0] not in ".~" and "/" not in rest


def check_repo_id(repo_id: str) -> None:
    """Raises HubError unless it is USER/NAME as the Hub allows it."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo_id)
        right = "/" in repo_id
    except HFValidationError:
        right = False
    if not right:
        raise HubError(
            f"{repo_id!r} is not a name on the Hub: write USER/NAME, of letters and digits with "
            "single '-', '_' or '.' between them."
        )


def snapshot(name: HubName, files: Sequence[str]) -> Snapshot:
    """Those of `files` that a model repository has, downloaded unless they are in the cache.

    Resumes interrupted downloads. If the Hub cannot be reached, the files are those of the commit
    that the revision was at the last download. Raises HubError.
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
    """Which commit a revision is; None if the Hub cannot be reached and that may happen."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
    from huggingface_hub.utils import httpx

    if COMMIT.fullmatch(name.revision):
        return name.revision
    try:
        return HfApi().model_info(name.repo_id, revision=name.revision, timeout=TIMEOUT).sha
    except (HfHubHTTPError, OfflineModeIsEnabled, httpx.TransportError) as error:
        down = not isinstance(error, HfHubHTTPError) or error.response.status_code >= 500
        if may_fail and down:
            return None
        raise


def token() -> str:
    """The user's token. Raises HubError where there is none."""
    from huggingface_hub import get_token

    found = get_token()
    if not found:
        raise HubError(f"You are not logged in to the Hub: {LOG_IN}.")
    return found


@contextmanager
def errors(name: HubName | str, access: Literal["read", "write"] = "read") -> Iterator[None]:
    """Whatever the Hub's client raises about a repository inside becomes a HubError."""
    from huggingface_hub.utils import httpx

    try:
        yield
    # The client wraps what goes wrong in mid-upload into RuntimeError, a broken answer into
    # ValueError; its other errors are one of the first two.
    except (httpx.HTTPError, OSError, RuntimeError, ValueError, httpx.InvalidURL) as error:
        raise HubError(sentence(error, name, access)) from error


def causes(error: BaseException) -> list[BaseException]:
    """What an error was raised from, the first cause first, the error itself last."""
    chain = [error]
    while chain[0].__cause__ is not None:
        chain.insert(0, chain[0].__cause__)
    return chain


def is_unknown(error: "HfHubHTTPError") -> bool:
    """Whether this HfHubHTTPError says that there is no such thing, or not without a token."""
    from huggingface_hub import get_token

    status = error.response.status_code
    return status == 404 or (status == 401 and not get_token())


def sentence(error: Exception, name: HubName | str, access: Literal["read", "write"]) -> str:
    """What an error of the Hub's client means, and what to do."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
    from huggingface_hub.utils import httpx

    again = "run the same command again, it goes on where this one stopped"
    for one in causes(error):
        match one:
            case HfHubHTTPError():
                return _refusal(one, name, access)
            case OfflineModeIsEnabled():
                missing = f"{name} is not in the cache, and " if access == "read" else ""
                return f"{missing}HF_HUB_OFFLINE forbids to ask the Hub: unset it."
            case httpx.UnsupportedProtocol() | httpx.InvalidURL():
                return "HF_ENDPOINT is not the address of a Hub: unset it, or write https:// first."
            case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.ProxyError():
                return f"The Hub cannot be reached for {name}: connect to the internet and {again}."
            case httpx.TransportError() | ConnectionError():
                return f"The connection to the Hub was lost: {again}."
    if isinstance(error, json.JSONDecodeError):
        return "The Hub gave an answer that cannot be read: try again later."
    if isinstance(error, OSError) and error.strerror:  # the disk is full, say
        return f"{name} cannot be kept on this computer: {error.strerror} ({error.filename})."
    reason = " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
    return f"The Hub gave an unexpected answer about {name}: {reason}."


def _refusal(error: "HfHubHTTPError", name: HubName | str, access: str) -> str:
    """A sentence for a status of 4xx or 5xx."""
    from huggingface_hub import get_token
    from huggingface_hub.errors import GatedRepoError, RevisionNotFoundError

    status = error.response.status_code
    repo_id = name.repo_id if isinstance(name, HubName) else name
    said = " ".join((error.server_message or "").split())[:300].rstrip(".")
    if isinstance(error, GatedRepoError):
        return f"{repo_id} is gated: ask for access on its page on the Hub, and {LOG_IN}."
    if isinstance(error, RevisionNotFoundError):
        return f"{repo_id} has no revision {str(name).partition('@')[2]!r} on the Hub."
    if is_unknown(error):
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
        return f"The Hub wants a paid plan for {repo_id} (402): {said}."
    if status in (409, 412):
        return f"{repo_id} was changed by somebody else meanwhile ({status}): look at it and retry."
    if status == 429:
        return "The Hub gets too many requests from you (429): wait some minutes and try again."
    if status >= 500:
        return f"The Hub has a problem of its own ({status}): try again later."
    return f"The Hub refuses this for {repo_id} ({status}): {said or 'it does not say why'}."
