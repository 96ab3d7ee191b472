"""The Hub of the tests does for the real client's own functions what the real one would."""

from tests.hub.server import OTHER

ROUND_TRIP = """
from pathlib import Path
from huggingface_hub import HfApi

api = HfApi()
print(api.whoami()["name"], api.token)
api.create_repo("me/app", repo_type="space", space_sdk="gradio", private=True)
for name, data in {"a.txt": b"text", "below/b.bin": bytes(9000)}.items():
    path = Path("folder", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
api.upload_folder(repo_id="me/app", repo_type="space", folder_path="folder")
print(*sorted(api.list_repo_files("me/app", repo_type="space")))
for file in api.list_repo_tree("me/app", repo_type="space", recursive=True):
    print(file.path, file.size, file.lfs is not None)
folder = api.snapshot_download("me/app", repo_type="space")
assert Path(folder, "below", "b.bin").read_bytes() == bytes(9000)
api.delete_file("a.txt", "me/app", repo_type="space")
info = api.space_info("me/app")
print(info.sdk, info.private, info.runtime.hardware, [s.rfilename for s in info.siblings])
print(api.repo_exists("me/app", repo_type="space"), api.repo_exists("me/app"))
print([commit.title for commit in api.list_repo_commits("me/app", repo_type="space")])
"""


def test_the_real_client_creates_fills_and_reads_a_space(hub, on_hub):
    done = on_hub("-c", ROUND_TRIP)
    assert done.stdout.splitlines() == [
        "me None",
        ".gitattributes README.md a.txt below/b.bin",
        f".gitattributes {len(hub.space('me/app').head.files['.gitattributes'])} False",
        f"README.md {len(hub.space('me/app').files['README.md'])} False",
        "a.txt 4 False",
        "below/b.bin 9000 True",
        "gradio True cpu-basic ['.gitattributes', 'README.md', 'below/b.bin']",
        "True False",
        "['Delete a.txt with huggingface_hub', 'Upload folder using huggingface_hub', "
        "'initial commit']",
    ], done


def test_what_is_private_is_not_there_for_others(hub, on_hub):
    hub.add("model", "me/net", private=True)
    code = "import huggingface_hub as h; print(h.HfApi().repo_exists('me/net'))"
    found = [on_hub("-c", code, token=token).stdout for token in (OTHER, None)]
    assert found[0] == "False\n" and "True" not in found[1]
    assert on_hub("-c", code).stdout == "True\n"


def test_commands_start_in_fresh_processes_without_a_terminal(on_hub, hub):
    code = "from huggingface_hub import constants; print(constants.ENDPOINT); input()"
    done = on_hub("-c", code)
    assert done.stdout == f"{hub.url}\n" and "EOFError" in done.stderr and done.returncode == 1
    assert on_hub("-m", "cifar", "summary", "basenet").returncode == 0
