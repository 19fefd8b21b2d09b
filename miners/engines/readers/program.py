"""Readers that are small programs, started for each image: they print what they found and where.

The pixels are all that a program gets, as a PGM file. It is killed as soon as its answer is not needed any more.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from miners.engines.image import blank
from miners.errors import EngineError

from .child import last_line, one_child
from .lines import Word
from .reader import MIN_SIDE, Reader, Reading


class ProgramReader(Reader):
    """Base of the engines that start one program for each image."""

    program: ClassVar[str]
    """Its name on the PATH, which is also that of its Debian package."""

    async def open(self) -> None:
        """Look for the program and read a blank image, so that no query pays for the first start.

        Raises:
            EngineError: the program is missing; with the command that installs it.
        """
        if shutil.which(self.program) is None:
            raise EngineError(f"{self.program} is not installed; get it with: apt-get install {self.program}")
        await self.read(blank())

    @abstractmethod
    def arguments(self, image: str) -> Sequence[str]:
        """Return the command's arguments for an image file."""

    @abstractmethod
    def words(self, output: str) -> list[Word]:
        """Parse what the program printed."""

    def recognise(self, reading: Reading) -> list[Word]:
        """Run the program on the pixels."""
        pixels = reading.pixels()
        if reading.abort.requested or min(pixels.size) < MIN_SIDE:
            return []
        with tempfile.NamedTemporaryFile(suffix=".pgm") as file:
            pixels.save(file, "PPM")
            file.flush()
            with one_child(reading):
                return self.words(self._run(reading, file.name))

    def _run(self, reading: Reading, image: str) -> str:
        try:
            process = subprocess.Popen(
                [self.program, *self.arguments(image)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except FileNotFoundError:
            raise RuntimeError(f"{self.program} is not on the PATH any more") from None
        with process:
            reading.abort.arm(process.kill)
            try:
                output, errors = process.communicate(timeout=max(0.01, reading.left_s))
            except subprocess.TimeoutExpired:
                process.kill()
                raise RuntimeError(f"{self.program} was stopped after its time was up") from None
            finally:
                reading.abort.disarm()
        if process.returncode:
            message = last_line(errors.decode(errors="replace"))
            raise RuntimeError(f"{self.program} ended with {process.returncode}: {message}")
        return output.decode(errors="replace")
