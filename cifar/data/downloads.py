"""Downloads of published files, checked by sha256 and cached."""

import os
from pathlib import Path

from cifar import LensError


class FetchError(LensError):
    """Failed download or wrong checksum; the message says what to do."""


def cache_home() -> Path:
    """Return this project's folder in the user's cache, XDG_CACHE_HOME or ~/.cache."""
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "cifar-lens"


def fetch(url: str, sha256: str, folder: Path) -> Path:
    """Return the path of a file in the folder, downloaded if it is not there yet.

    The file has its name in the URL. Raises FetchError. A file with a wrong checksum is not kept.
    """
    import pooch  # slow to import and often not needed

    pooch.get_logger().setLevel("WARNING")  # it would log every download
    name = url.rpartition("/")[2]
    try:
        path = pooch.retrieve(url, f"sha256:{sha256}", fname=name, path=folder)
    except OSError as error:  # also those of `requests`, without strerror
        reason = "Permission denied" if isinstance(error, PermissionError) else error.strerror
        if reason and not isinstance(error, ConnectionError | TimeoutError):
            raise FetchError(
                f"{name} cannot be kept in {folder} ({reason}): check the disk and try again."
            ) from error
        raise FetchError(
            f"{name} is not in {folder} and could not be fetched from {url}: connect to the "
            "internet and try again."
        ) from error
    except ValueError as error:  # a wrong checksum
        raise FetchError(
            f"{name} from {url} is not the file that was published (its sha256 differs): try again "
            "later, or from another network."
        ) from error
    return Path(path)
