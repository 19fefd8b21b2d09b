"""`subnetlab` as a user types it, in a child of a process that has imported everything once.

A new interpreter takes a second or more for its imports. Tests of imports, of signals and of what Python reads from the
environment when it starts need one nevertheless: `python -m lab`.
"""

import multiprocessing
import os
import sys
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.lab.warm"])
TIMEOUT_S = 300.0


def subnetlab(*arguments: str | Path, expect: int = 0) -> CompletedProcess[str]:
    """Run a command in the root of the checkout; its exit code is to be as expected, and it prints no traceback."""
    command = ["subnetlab", *map(str, arguments)]
    with TemporaryDirectory() as folder:
        output, errors = Path(folder, "output"), Path(folder, "errors")
        child = PROCESSES.Process(target=_command, args=(command, dict(os.environ), output, errors))
        child.start()
        child.join(TIMEOUT_S)
        child.kill()
        child.join()
        assert child.exitcode is not None
        done = CompletedProcess(command, child.exitcode, output.read_text(), errors.read_text())
    assert done.returncode == expect, done.stderr or done.stdout
    assert "Traceback" not in done.stderr
    return done


def _command(arguments: list[str], environment: dict[str, str], output: Path, errors: Path) -> None:
    """Take a command's place in this process."""
    from lab.cli.main import main

    for path, descriptor in ((output, 1), (errors, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    sys.argv = arguments
    main()
