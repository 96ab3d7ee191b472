"""README's way from an empty account to a model and a Space, command by command as it stands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub.server import READER

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    block = re.search(r"<!-- hub -->\n```sh\n(.*?)```\n<!-- /hub -->", README, re.DOTALL)
    return block[1].splitlines()


@pytest.mark.slow
def test_three_commands_lead_from_an_empty_account_to_a_space(hub, tmp_path):
    (tmp_path / "checkout").mkdir()
    for path in (*ROOT.iterdir(), Path(sys.prefix)):  # the environment is README's .venv
        name = ".venv" if path == Path(sys.prefix) else path.name
        if name not in ("runs", ".git") and not (tmp_path / "checkout" / name).exists():
            (tmp_path / "checkout" / name).symlink_to(path)
    env = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    # The test images are in the cache; what the commands write of their own goes elsewhere.
    env |= {
        "HF_HUB_CACHE": os.environ.get("HF_HUB_CACHE", f"{os.environ['HF_HOME']}/hub")
        if "HF_HOME" in os.environ
        else str(Path.home() / ".cache/huggingface/hub"),
        "HF_HOME": str(tmp_path / "hf"),
        "HF_ENDPOINT": hub.url,
        "HF_HUB_DISABLE_XET": "1",
    }
    said = []
    assert len(commands()) == 3
    for command in commands():
        done = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path / "checkout",
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        said.append(done.stdout + done.stderr)
    assert READER not in "".join(said)
    assert (
        hub.model("USER/cifar-resnet").files["model.safetensors"]
        == (ROOT / "checkpoints" / "resnet" / "model.safetensors").read_bytes()
    )
    space = hub.space("USER/cifar-lens")
    assert space.sdk == "static" and "index.html" in space.files
    assert b"USER/cifar-resnet" in space.files["README.md"]
    assert f"{hub.url}/spaces/USER/cifar-lens" in said[2]
