"""A Hub on this computer and the real client that talks to it; see server.py and client.py."""

from pathlib import Path

import pytest

from tests.forks import Parent
from tests.hub.server import TOKENS, WRITE, serving


@pytest.fixture
def hub():
    """A Hub without repositories, a `server.Hub`."""
    with serving() as found:
        yield found


@pytest.fixture(scope="session")
def hub_client():
    with Parent(Path(__file__).with_name("client.py")) as client:
        yield client


@pytest.fixture
def on_hub(hub, hub_client, tmp_path):
    """A function that runs Python in a process of its own, whose Hub is `hub`; gives a `Done`.

        on_hub("-m", "cifar", "push", folder, "me/net")
        on_hub("-c", "print(1)", token=None, HF_HUB_OFFLINE="1")

    The working directory is `tmp_path`, the Hub's cache `tmp_path/hf`. At the end no token may be
    in anything that was printed, nor in any file under `tmp_path`.
    """
    printed, secrets = [], set(TOKENS)

    def run(*arguments, token=WRITE, **env):
        if token:
            secrets.add(token)
        usual = {
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(tmp_path / "hf"),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_TOKEN": token,
        }
        done = hub_client.run(*arguments, env=usual | env, cwd=tmp_path)
        printed.append(done)
        return done

    yield run
    for done in printed:
        assert not any(token in done.stdout + done.stderr for token in secrets)
    for path in filter(lambda path: path.is_file(), tmp_path.rglob("*")):
        content = path.read_bytes()
        assert not any(token.encode() in content for token in secrets), path
