"""Tesseract kept warm in this process, through the optional package `tesserocr`.

The package contains its own libtesseract but no language data; the system's data are used, or the folder named by
TESSDATA_PREFIX. Its version may differ from the binary's, and so may a few characters.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from glob import glob
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr

from miners.errors import EngineError

from .lines import Word, words_of
from .reader import Reading
from .tesseract import TesseractFamily, apt_command, installed

FOLDERS = (
    "/usr/share/tesseract-ocr/*/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)
"""Usual places of language data."""


def find_tessdata(language: str = "eng") -> Path:
    """Find the folder that has the data of all requested languages.

    Raises:
        EngineError: there is none; with the command that installs the data.
    """
    names = language.split("+")
    searched = []
    for folder in _folders():
        if all((folder / f"{name}.traineddata").is_file() for name in names):
            return folder
        searched.append(str(folder))
    raise EngineError(
        f"no folder has tesseract's data for {', '.join(names)} "
        f"(looked in {', '.join(searched) or 'the usual places'}); "
        f"get it with: {apt_command(names)}, or set TESSDATA_PREFIX to the folder that has it"
    )


def _folders() -> Iterable[Path]:
    """Yield the folders that exist; the binary is asked last because that takes a process."""
    prefix = os.environ.get("TESSDATA_PREFIX")
    if prefix:
        yield from (path for path in (Path(prefix), Path(prefix) / "tessdata") if path.is_dir())
    for pattern in FOLDERS:
        yield from map(Path, sorted(glob(pattern), reverse=True))
    try:
        yield Path(installed().tessdata)
    except EngineError:
        return


class Tesserocr(TesseractFamily):
    """Tesseract as a library, without starting a process and loading a model for each image.

    A reading can't be killed. It ends by itself at the first word after its time is up, and is awaited until then.
    """

    description = "tesseract kept warm in process (optional package tesserocr)"

    _api: Any = PrivateAttr(None)

    async def open(self) -> None:
        """Load the language model.

        Raises:
            EngineError: the package or the language data is missing; with the command that installs it.
        """
        try:
            import tesserocr
        except ImportError as error:
            raise EngineError(
                f"tesserocr can't be imported ({error}); get it with: pip install 'subnetlab[tesserocr]'"
            ) from error
        self._api = tesserocr.PyTessBaseAPI(path=str(find_tessdata(self.language)), lang=self.language, psm=self.psm)

    async def close(self) -> None:
        """Free the model."""
        if self._api is not None:
            self._api.End()
            self._api = None

    def recognise(self, reading: Reading) -> list[Word]:
        """Read the image with the library, which releases the interpreter lock meanwhile."""
        if self._api is None:
            raise RuntimeError("the tesserocr engine is not open")
        pixels = reading.pixels()
        if reading.abort.requested:
            return []
        self._api.SetImageBytes(pixels.tobytes(), pixels.width, pixels.height, 1, pixels.width)
        try:
            if not self._api.Recognize(timeout=1 + int(1000 * reading.left_s)):
                raise RuntimeError("tesserocr could not read the image")
            return words_of(str(self._api.GetTSVText(0)))
        finally:
            self._api.Clear()
