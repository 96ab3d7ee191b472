"""Files that others publish, each known by its address and sha256: fetched once, checked, kept."""

import os
from pathlib import Path

from cifar import LensError


class FetchError(LensError):
    """The file could not be had, or is not the one that is meant; the message says what to do."""


def cache_home() -> Path:
    """Our folder among the caches of the user, as XDG_CACHE_HOME says."""
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "cifar-lens"


def fetch(url: str, sha256: str, folder: Path) -> Path:
    """The path of a file, named as in its address, in the folder; asks the network only where it is
    not there.

    Raises FetchError. Nothing stays in the folder that did not pass its checksum.
    """
    import pooch  # slow to import, and often not needed

    pooch.get_logger().setLevel("WARNING")  # it would announce every download
    name = url.rpartition("/")[2]
    try:
        found = pooch.retrieve(url, f"sha256:{sha256}", fname=name, path=folder)
    except OSError as error:  # that of `requests` too, which has no strerror
        reason = "Permission denied" if isinstance(error, PermissionError) else error.strerror
        if reason and not isinstance(error, ConnectionError | TimeoutError):
            raise FetchError(
                f"{name} cannot be kept in {folder} ({reason}): see to its disk and try again."
            ) from error
        raise FetchError(
            f"{name} is not in {folder} and could not be fetched from {url}: connect to the "
            "internet and try again."
        ) from error
    except ValueError as error:  # the checksum
        raise FetchError(
            f"{name} from {url} is not the file that was published (its sha256 differs): try again "
            "later, or from another network."
        ) from error
    return Path(found)
