"""Tesseract, one process an image: what pytesseract's `image_to_data` reads, word for word.

The process is our own to start, for three reasons: it can be killed the moment its answer is no longer
wanted; its CPU is what the kernel counted for it alone (`wait4`), however many run side by side; and the
variable that keeps it to one thread is set for it and for nothing else.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from functools import partial
from io import BytesIO

from .errors import EngineError
from .image import grey, open_image
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
        """Check the binary and its language data.

        Raises:
            EngineError: one of them is missing; with the command that installs it.
        """
        require(self.language)

    def recognise(self, reading: Reading) -> str:
        """Run tesseract on the image."""
        image = reading.image
        if reading.scale != 1.0:
            scaled = BytesIO()
            grey(open_image(image), reading.scale).save(scaled, "PPM")
            image = scaled.getvalue()
        command = ["tesseract", "stdin", "stdout", "-l", self.language, "--psm", str(self.psm), "tsv"]
        # With more threads than one a page costs six times the CPU.
        environment = os.environ | {"OMP_THREAD_LIMIT": "1"}
        with tempfile.TemporaryFile() as complaints:
            child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, env=environment
            )
            assert child.stdin is not None and child.stdout is not None
            reading.abort.arm(partial(os.kill, child.pid, signal.SIGKILL))
            try:
                with child.stdin, child.stdout:
                    try:
                        child.stdin.write(image)
                        child.stdin.close()
                    except BrokenPipeError:
                        pass  # it has failed and says why
                    table = child.stdout.read()
            finally:
                # Its pipe is closed: it has ended or is about to. Past this line its number may be another's.
                reading.abort.disarm()
                _, status, usage = os.wait4(child.pid, 0)
                child.returncode = os.waitstatus_to_exitcode(status)
                reading.cpu_s += usage.ru_utime + usage.ru_stime
            if child.returncode:
                complaints.seek(0)
                said = _last(complaints.read().decode(errors="replace"))
                raise RuntimeError(f"tesseract ended with {child.returncode}: {said}")
        return table.decode(errors="replace")


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1][:300]
