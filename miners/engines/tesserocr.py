"""Tesseract kept warm in this process, through the optional package `tesserocr`.

It brings a libtesseract of its own and no language data: those of the system are used, or the folder
that TESSDATA_PREFIX names. Its version may differ from the binary's, and so may a few characters.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from glob import glob
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr

from miners.errors import EngineError

from .image import grey, open_image
from .reader import Reader, Reading
from .tesseract import apt_command, installed

FOLDERS = (
    "/usr/share/tesseract-ocr/*/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)
"""Where packages put language data."""


def find_tessdata(language: str = "eng") -> Path:
    """Find the folder that has the data of every language asked for.

    Raises:
        EngineError: there is none; with the command that installs the data.
    """
    names = language.split("+")
    looked = []
    for folder in _folders():
        if all((folder / f"{name}.traineddata").is_file() for name in names):
            return folder
        looked.append(str(folder))
    raise EngineError(
        f"no folder has tesseract's data for {', '.join(names)} (looked in {', '.join(looked) or 'the usual places'}); "
        f"get it with: {apt_command(names)}, or set TESSDATA_PREFIX to the folder that has it"
    )


def _folders() -> Iterable[Path]:
    """Folders that exist; the binary is asked last, since it takes a process."""
    named = os.environ.get("TESSDATA_PREFIX")
    if named:
        yield from (path for path in (Path(named), Path(named) / "tessdata") if path.is_dir())
    for pattern in FOLDERS:
        yield from map(Path, sorted(glob(pattern), reverse=True))
    try:
        yield Path(installed().tessdata)
    except EngineError:
        return


class Tesserocr(Reader):
    """Tesseract as a library: no process to start and no model to load for each image.

    A reading can't be killed; it ends by itself at the first word after its time is over, and is waited for.
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

    def recognise(self, reading: Reading) -> str:
        """Have the library read the image; it releases the interpreter lock while it does."""
        if self._api is None:
            raise RuntimeError("the tesserocr engine is not open")
        image = grey(open_image(reading.image), reading.scale)
        if reading.abort.asked:
            return ""
        pixels = image.tobytes()
        self._api.SetImageBytes(pixels, image.width, image.height, 1, image.width)
        try:
            if not self._api.Recognize(timeout=1 + int(1000 * reading.left_s)):
                raise RuntimeError("tesserocr could not read the image")
            return str(self._api.GetTSVText(0))
        finally:
            self._api.Clear()
