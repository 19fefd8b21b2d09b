"""Tesseract through pytesseract, one process an image.

The process is limited to one thread, charged by the kernel's count of its CPU time, and killed as soon as its answer
is not needed any more.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field

from inference.environment import environment
from miners.engines.image import blank
from miners.errors import EngineError
from subnets import Subnet
from subnets.option import Wording

from .child import last_line, one_child
from .lines import Word, words_of
from .reader import Reader, Reading


@dataclass(frozen=True, slots=True)
class Installed:
    """The tesseract on this machine."""

    version: str
    languages: tuple[str, ...]
    tessdata: str
    """The folder of its language data."""


def installed() -> Installed:
    """Ask the tesseract on the PATH for its version and languages.

    Raises:
        EngineError: it is missing or does not run; with the command that installs it.
    """
    if shutil.which("tesseract") is None:
        raise EngineError("tesseract is not installed; get it with: apt-get install tesseract-ocr tesseract-ocr-eng")
    outputs = {}
    for flag in ("--version", "--list-langs"):
        run = subprocess.run(["tesseract", flag], capture_output=True, text=True, timeout=30)
        if run.returncode:
            raise EngineError(
                f"tesseract {flag} ended with {run.returncode}: {last_line(run.stderr)}; "
                "reinstall it with: apt-get install --reinstall tesseract-ocr tesseract-ocr-eng"
            )
        outputs[flag] = run.stdout or run.stderr  # 4.x prints its version on stderr
    first, *languages = outputs["--list-langs"].split("\n")
    folder = re.search(r'"(.*)"', first)
    return Installed(
        version=outputs["--version"].split("\n")[0].removeprefix("tesseract").strip(),
        languages=tuple(sorted(name.strip() for name in languages if name.strip())),
        tessdata=folder.group(1) if folder else "",
    )


def require(language: str) -> Installed:
    """Return the tesseract on this machine if it has the language data.

    Raises:
        EngineError: tesseract or one of the languages is missing; with the command that installs it.
    """
    tesseract = installed()
    missing = [name for name in language.split("+") if name not in tesseract.languages]
    if missing:
        raise EngineError(
            f"tesseract has no data for {', '.join(missing)} (it has {', '.join(tesseract.languages) or 'none'}); "
            f"get it with: {apt_command(missing)}"
        )
    return tesseract


def apt_command(languages: list[str]) -> str:
    """Return the command that installs language data on Debian and Ubuntu."""
    return "apt-get install " + " ".join(f"tesseract-ocr-{name.lower().replace('_', '-')}" for name in languages)


Language = Annotated[
    str,
    Field(pattern=r"^[A-Za-z]\w*(\+[A-Za-z]\w*)*$"),
    Wording("tesseract's names of languages, such as 'eng' or 'eng+deu'"),
]
"""Names of tesseract's language data: "eng", "deu", "eng+fra"."""


class TesseractFamily(Reader):
    """Base of the engines that run tesseract."""

    language: Language = "eng"
    """Language of the text by tesseract's names, joined by "+"; a run's subnet names it where this is left out."""
    psm: int = Field(3, ge=0, le=13)
    """Tesseract's page segmentation mode: 3 detects the layout, 4 expects one column, 6 one block of text, 7 a single
    line, 11 scattered text. `tesseract --help-psm` lists them."""

    def suited(self, subnet: Subnet) -> Self:
        """Return this engine with the data of the subnet's languages, unless it names its own."""
        if "language" in self.model_fields_set or not subnet.languages():
            return self
        return self.model_copy(update={"language": "+".join(subnet.languages())})


class Tesseract(TesseractFamily):
    """The tesseract binary, started for each image."""

    description = "tesseract as a separate process for each image"

    async def open(self) -> None:
        """Check the binary and its language data, and read a blank image, so that no query pays for the first start.

        Raises:
            EngineError: the binary or the data is missing; with the command that installs it.
        """
        require(self.language)
        await self.read(blank())

    def recognise(self, reading: Reading) -> list[Word]:
        """Run tesseract on the pixels. They are all that it gets; text in a file of others could keep it busy."""
        import pytesseract

        pixels = reading.pixels()
        if reading.abort.requested:
            return []
        with tempfile.NamedTemporaryFile(suffix=".image") as file:
            pixels.save(file, "PPM")  # not compressed, so that it takes no time
            file.flush()
            # With more than one thread a page takes six times the CPU time. The child inherits the environment.
            with one_child(reading), environment({"OMP_THREAD_LIMIT": "1"}):
                reading.abort.arm(partial(_kill_children, threading.get_native_id()))
                try:
                    table = pytesseract.image_to_data(
                        file.name, lang=self.language, config=f"--psm {self.psm}", timeout=max(0.01, reading.left_s)
                    )
                    return words_of(str(table))
                except pytesseract.TesseractNotFoundError:
                    raise RuntimeError("tesseract is not on the PATH any more") from None
                except pytesseract.TesseractError as error:
                    raise RuntimeError(f"tesseract ended with {error.status}: {last_line(error.message)}") from None
                finally:
                    reading.abort.disarm()


def _kill_children(thread: int) -> None:
    """Kill the children that a thread of this process started and did not wait for yet."""
    for pid in Path(f"/proc/self/task/{thread}/children").read_text().split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
