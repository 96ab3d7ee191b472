"""README's way from an account to a model and a Space, command by command as it stands."""

import re
import shlex

from cifar.models import checkpoint
from cifar.publish import static_site
from cifar.report.readme_tables import README
from tests.hub.server import READER


def test_two_commands_lead_from_a_login_to_a_model_and_a_site(hub, on_hub, monkeypatch):
    def write(folder, space):
        (folder / "index.html").write_text(space)
        (folder / "README.md").write_text("---\ntitle: CIFAR Lens\nsdk: static\n---\n")

    monkeypatch.setattr(static_site, "build", write)  # tests/publish/test_site.py is about that
    text = README.read_text(encoding="utf-8")
    block = re.search(r"<!-- hub -->\n```sh\n(.*?)```\n<!-- /hub -->", text, re.DOTALL)[1]
    login, *commands = map(shlex.split, block.splitlines())
    assert login == [".venv/bin/hf", "auth", "login"]
    for python, *command in commands:
        assert python == ".venv/bin/python"
        done = on_hub(*command, token=READER)
        assert done.returncode == 0, done.stderr
    weights = checkpoint.ROOT / "resnet" / "model.safetensors"
    assert hub.model("USER/cifar-resnet").files["model.safetensors"] == weights.read_bytes()
    space = hub.space("USER/cifar-lens")
    assert space.sdk == "static" and space.files["index.html"] == b"USER/cifar-lens"
    assert b"USER/cifar-resnet" in space.files["README.md"]
