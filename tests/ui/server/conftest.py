"""Fixtures of this folder beside the server."""

import os
import secrets
from contextlib import ExitStack
from pathlib import Path

import pytest

from cifar.models.checkpoint import ROOT as CHECKPOINTS
from cifar.report.screenshot import APP


@pytest.fixture(scope="package")
def secret():
    """Bytes that lie in files where no visitor may look, and the paths of those files."""
    content = f"secret {secrets.token_hex(16)}".encode()
    places = [APP.parent, Path.home(), CHECKPOINTS.parent, Path("/tmp")]
    name = f".hostile-{secrets.token_hex(4)}.txt"
    with ExitStack() as stack:
        paths = {place / name for place in places if os.access(place, os.W_OK)}
        for path in paths:
            path.write_bytes(content)
            stack.callback(path.unlink)
        yield content, sorted(paths)
