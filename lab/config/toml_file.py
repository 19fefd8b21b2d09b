"""TOML files as editors save them."""

from __future__ import annotations

import codecs
import tomllib
from pathlib import Path
from typing import Any

from lab.errors import ConfigError

WIDE_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file, which may begin with the byte-order mark of UTF-8.

    Raises:
        ConfigError: there is none, or it is not TOML in UTF-8.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; the shipped ones are in configs/") from None
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror or error}") from None
    if content.startswith(WIDE_MARKS) or b"\0" in content:
        raise ConfigError(f"{path}: it is not saved in UTF-8 but in UTF-16 or UTF-32; save it again in UTF-8")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}: line {line} is not UTF-8; save the file again in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: not TOML that can be read: its values are nested too deep") from None
