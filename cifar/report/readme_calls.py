"""The calls that README shows, run as they stand there, each with what it prints below it.

README's section `api` holds blocks of Python and of shell; a block of text that follows one is what
it prints. Needs the app's packages, bash and curl.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from cifar import LensError
from cifar.files import replace
from cifar.report.readme_tables import refresh_readme
from cifar.report.screenshot import serving

ADDRESS = "http://127.0.0.1:7860"  # README's; that of the server is put in its place
PICTURE = "bus.png"  # comes with the gradio package
CALL = re.compile(r"```(python|sh)\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)
SECONDS = 300


class UsageError(LensError):
    """A call in README does not work; the message says which and why."""


def refresh(readme: Path) -> None:
    """Write into README what its calls print now. Raises as `readme_section`."""
    text = readme.read_text(encoding="utf-8")
    fresh = refresh_readme(text, {"api": readme_section(text)})
    replace(readme, lambda path: path.write_text(fresh, encoding="utf-8"))


def readme_section(text: str) -> str:
    """What README says between the two markers of `api`, with what its calls print now.

    text: that of README. Raises UsageError for a call that fails, LensError where the app does not
    start.
    """
    section = text.partition("<!-- api -->\n")[2].partition("\n<!-- /api -->")[0]
    with serving() as url:
        return refreshed(section, url)


def refreshed(section: str, url: str) -> str:
    """The section with what each call prints when a server at `url` is asked."""

    def call(found: re.Match) -> str:
        language, code, _ = found.groups()
        return f"```{language}\n{code}```\n\n```text\n{printed(language, code, url)}```"

    return CALL.sub(call, section)


def printed(language: str, code: str, url: str) -> str:
    """What a block of "python" or "sh" prints in a folder with the picture. Raises UsageError."""
    command = [sys.executable, "-c"] if language == "python" else ["bash", "-euo", "pipefail", "-c"]
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(picture(), folder)
        done = subprocess.run(
            [*command, code.replace(ADDRESS, url)],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    if done.returncode:
        last = (done.stderr.strip() or "it says nothing").splitlines()[-1]
        raise UsageError(f"The {language} calls of README.md fail ({last}): correct them.")
    return done.stdout.replace(url, ADDRESS).rstrip() + "\n"


def picture() -> Path:
    """Where the picture lies that README's calls send."""
    return Path(str(files("gradio") / "media_assets" / "images" / PICTURE))
