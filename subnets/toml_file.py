"""TOML as editors save it: configs of runs and clusters, and tables on the command line.

read_toml(Path("configs/ocr.toml"))["miners"]
"""

from __future__ import annotations

import codecs
import tomllib
from pathlib import Path
from typing import Any

from .errors import TomlError

WIDE_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file, which may begin with the byte-order mark of UTF-8.

    Raises:
        TomlError: there is none, or it is not TOML in UTF-8.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise TomlError(f"{path}: no such file; the shipped ones are in configs/") from None
    except OSError as error:
        raise TomlError(f"{path}: can't be read: {error.strerror or error}") from None
    if content.startswith(WIDE_MARKS) or b"\0" in content:
        raise TomlError(f"{path}: it is not saved in UTF-8 but in UTF-16 or UTF-32; save it again in UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TomlError(f"{path}: line {line} is not UTF-8; save the file again in UTF-8") from None
    return parse_toml(text, str(path))


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """Parse TOML; `source` names it in the message.

    Raises:
        TomlError: it is not TOML, or nested too deep.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise TomlError(f"{source}: not TOML that can be read: its values are nested too deep") from None
    except ValueError as error:  # also of a number with too many digits
        raise TomlError(f"{source}: not TOML: {error}") from None
