"""Command lines of Python in processes of their own, without paying for imports each time.

One process, the parent, imports what is slow and computes nothing; each command runs in a fork of
it. It is a script of its own, which asks for things in lines of JSON and answers with numbers.
"""

import json
import os
import runpy
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 300  # seconds that a command may take


class Done(NamedTuple):
    """What a command left behind; the code of one that a signal ended is negative."""

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


class Parent:
    """The process whose forks run command lines: ("-m", "cifar", "push", ...) or ("-c", code)."""

    def __init__(self, script: Path):
        self._script, self._count = script, 0

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, self._script],
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

    def start(self, *arguments, cwd: Path, env: dict[str, str | None] | None = None) -> "Child":
        """env: on top of this process's, where None removes a name."""
        self._count += 1
        logs = [cwd / f".child-{self._count}.{stream}" for stream in ("out", "err")]
        command = {
            "arguments": [str(argument) for argument in arguments],
            "env": env or {},
            "cwd": str(cwd),
            "logs": [str(log) for log in logs],
        }
        return Child(self, self.ask(command), logs)

    def run(self, *arguments, cwd: Path, env: dict[str, str | None] | None = None) -> Done:
        return self.start(*arguments, cwd=cwd, env=env).wait()

    def ask(self, command: dict) -> int:
        print(json.dumps(command), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, "the process whose forks run the commands has ended"
        return int(answer)


class Child:
    """A command at work in a process of its own."""

    def __init__(self, parent: Parent, pid: int, logs: list[Path]):
        self.pid = pid
        self._parent, self._logs = parent, logs

    def kill(self) -> Done:
        """By SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)
        return self.wait()

    def wait(self) -> Done:
        code = self._parent.ask({"wait": self.pid})
        texts = [log.read_text(encoding="utf-8") for log in self._logs]
        for log in self._logs:
            log.unlink()
        return Done(code, *texts)


def serve(prepare: Callable[[], None]) -> None:
    """What the parent does, in its own process. prepare: imports what is slow."""
    prepare()
    running = set()
    for line in sys.stdin:
        command = json.loads(line)
        if "wait" in command:
            _, status = os.waitpid(command["wait"], 0)
            running.remove(command["wait"])
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        child = os.fork()
        if child == 0:
            _run(**command)
        running.add(child)
        print(child, flush=True)
    for child in running:  # which a test that failed has left
        os.kill(child, signal.SIGKILL)
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
        sleep = time.sleep  # between its attempts a client of the Hub waits for many seconds
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
