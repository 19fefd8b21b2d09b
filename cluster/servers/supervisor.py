"""Run a server's command until stdin closes, then end every process that it started.

    python -I supervisor.py COMMAND...

`Server` holds the other end of stdin, which the system closes however that process ends, so a server never outlives
its run. This is a standalone script that imports nothing from this project.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import psutil

END_S = 5.0
"""Time that a server has to end itself before it is killed."""
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def main(command: list[str]) -> int:
    """Run the command; return its exit code as a shell would."""
    linux = sys.platform == "linux"
    if linux:  # orphans of the server become children of this process
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, process_group=0, preexec_fn=_die_with_parent if linux else None
        )
    except OSError as error:
        print(f"{command[0]}: {error.strerror or error}", file=sys.stderr, flush=True)
        return 127
    threading.Thread(target=_end_when_alone, args=(server.pid,), daemon=True).start()
    code = server.wait()
    _kill_all()
    return code if code >= 0 else 128 - code


def _die_with_parent() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _end_when_alone(pid: int) -> None:
    while os.read(0, 1):
        pass
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)
    time.sleep(END_S)
    _kill_all()


def _kill_all() -> None:
    """Kill all descendants, including new ones, and reap them, so that their CPU is counted here."""
    while descendants := psutil.Process().children(recursive=True):
        for process in descendants:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        with suppress(ChildProcessError):
            os.waitpid(-1, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
