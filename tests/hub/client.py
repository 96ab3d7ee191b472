"""The client under test in processes of its own, without paying for the import of torch each time.

huggingface_hub reads its environment when it is imported, so every command needs a fresh process.
One process imports what is slow, and not huggingface_hub; each command runs in a fork of it.
"""

import json
import os
import runpy
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 300  # seconds that a command may take


class Done(NamedTuple):
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def error(self) -> str:
        """What a command that failed says of it: one line, without a traceback."""
        assert self.returncode == 1 and self.stdout == "" and "Traceback" not in self.stderr, self
        line = self.stderr.replace("\r", "\n").rstrip("\n").split("\n")[-1]
        assert line.endswith("."), self
        return line.removeprefix("python -m cifar: ")


class Client:
    """Runs command lines of Python: ("-m", "cifar", "push", ...) or ("-c", code)."""

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def run(self, *arguments, env: dict[str, str], cwd: Path) -> Done:
        """env: on top of this process's, where None removes a name."""
        logs = [cwd / ".stdout", cwd / ".stderr"]
        command = {
            "arguments": [str(argument) for argument in arguments],
            "env": env,
            "cwd": str(cwd),
            "logs": [str(log) for log in logs],
        }
        print(json.dumps(command), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, "the process that runs the commands has ended"
        texts = [log.read_text(encoding="utf-8") for log in logs]
        for log in logs:
            log.unlink()
        return Done(int(answer), *texts)


def _serve() -> None:
    import cifar.figures
    import cifar.predict  # noqa: F401

    assert "huggingface_hub" not in sys.modules  # it would have read another environment
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run(**json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    os._exit(0)  # tidying up after torch takes seconds


def _run(arguments: list[str], env: dict, cwd: str, logs: list[str]) -> None:
    signal.alarm(PATIENCE)
    code = 1
    try:
        os.chdir(cwd)
        for name, value in env.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # whoever asks a question fails
        for stream, log in zip((1, 2), logs, strict=True):
            os.dup2(os.open(log, os.O_CREAT | os.O_WRONLY), stream)
        sleep = time.sleep  # between its attempts the real client waits for many seconds
        time.sleep = lambda seconds: sleep(min(seconds, 0.01))
        how, what, *rest = arguments
        sys.argv = [what, *rest]
        if how == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            exec(compile(what, "<command>", "exec"), {"__name__": "__main__"})
        code = 0
    except SystemExit as end:
        code = end.code or 0
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
