"""Tesseract through pytesseract: one process an image.

The process is killed the moment its answer is no longer wanted, is kept to one thread, and is charged for
by what the kernel counted for it.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from inference.environment import environment
from miners.errors import EngineError

from .image import blank, grey, open_image
from .reader import Reader, Reading


@dataclass(frozen=True, slots=True)
class Installed:
    """The tesseract of this machine."""

    version: str
    languages: tuple[str, ...]
    tessdata: str
    """The folder of its language data."""


def installed() -> Installed:
    """Ask the tesseract on the PATH what it is.

    Raises:
        EngineError: there is none, or it does not run; with the command that installs it.
    """
    if shutil.which("tesseract") is None:
        raise EngineError("tesseract is not installed; get it with: apt-get install tesseract-ocr tesseract-ocr-eng")
    said = {}
    for flag in ("--version", "--list-langs"):
        run = subprocess.run(["tesseract", flag], capture_output=True, text=True, timeout=30)
        if run.returncode:
            raise EngineError(
                f"tesseract {flag} ended with {run.returncode}: {_last(run.stderr)}; "
                "install it anew with: apt-get install --reinstall tesseract-ocr tesseract-ocr-eng"
            )
        said[flag] = run.stdout or run.stderr  # 4.x says its version on stderr
    first, *languages = said["--list-langs"].split("\n")
    folder = re.search(r'"(.*)"', first)
    return Installed(
        version=said["--version"].split("\n")[0].removeprefix("tesseract").strip(),
        languages=tuple(sorted(name.strip() for name in languages if name.strip())),
        tessdata=folder.group(1) if folder else "",
    )


def require(language: str) -> Installed:
    """Return the tesseract of this machine, if it has the language data.

    Raises:
        EngineError: it is missing, or one of the languages is; with the command that installs it.
    """
    found = installed()
    missing = [name for name in language.split("+") if name not in found.languages]
    if missing:
        raise EngineError(
            f"tesseract has no data for {', '.join(missing)} (it has {', '.join(found.languages) or 'none'}); "
            f"get it with: {apt_command(missing)}"
        )
    return found


def apt_command(languages: list[str]) -> str:
    """Name the command that installs language data on Debian and Ubuntu."""
    return "apt-get install " + " ".join(f"tesseract-ocr-{name.lower().replace('_', '-')}" for name in languages)


class Tesseract(Reader):
    """The tesseract binary, started anew for each image."""

    description = "tesseract as a process of its own for each image"

    async def open(self) -> None:
        """Check the binary and its language data, and read a blank image: no query pays for what is loaded once.

        Raises:
            EngineError: one of them is missing; with the command that installs it.
        """
        require(self.language)
        await self.read(blank())

    def recognise(self, reading: Reading) -> str:
        """Run tesseract on the image."""
        import pytesseract

        with tempfile.NamedTemporaryFile(suffix=".image") as file:
            if reading.scale == 1.0:
                file.write(reading.image)  # as it came: a PIL image would be encoded once more
            else:
                grey(open_image(reading.image), reading.scale).save(file, "PPM")
            file.flush()
            # With more threads than one a page costs six times the CPU. The child gets this process's environment.
            with _one_child, environment({"OMP_THREAD_LIMIT": "1"}):
                before_s = _children_cpu_s()
                reading.abort.arm(partial(_kill_children, threading.get_native_id()))
                try:
                    return str(
                        pytesseract.image_to_data(
                            file.name, lang=self.language, config=f"--psm {self.psm}", timeout=max(0.01, reading.left_s)
                        )
                    )
                except pytesseract.TesseractNotFoundError:
                    raise RuntimeError("tesseract is not on the PATH any more") from None
                except pytesseract.TesseractError as error:
                    raise RuntimeError(f"tesseract ended with {error.status}: {_last(error.message)}") from None
                finally:
                    reading.abort.disarm()
                    reading.cpu_s += _children_cpu_s() - before_s


_one_child = threading.Lock()
"""Held while a tesseract runs: what the children of this process have used grows by that one alone."""


def _children_cpu_s() -> float:
    """CPU seconds of the children of this process that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _kill_children(thread: int) -> None:
    """Kill the children that a thread of this process has started and not yet waited for."""
    for pid in Path(f"/proc/self/task/{thread}/children").read_text().split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1][:300]
