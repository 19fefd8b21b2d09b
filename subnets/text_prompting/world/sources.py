"""Your own files: texts to ask about, and prompts of real users.

Texts: a file or folder of .txt and .md, .jsonl with a text field, or .parquet with a text column; or a dataset on the
Hub with such files, OWNER/NAME, from this machine's cache or fetched. Hidden files, checkpoints, and a folder's own
README or licence are skipped.
Prompts: .jsonl with "prompt" or "messages" in each line, or any other file with one prompt per line.
"""

from __future__ import annotations

import codecs
import json
import re
from functools import lru_cache
from pathlib import Path

from subnets.errors import PluginError
from subnets.task import Message

SUFFIXES = (".txt", ".md", ".jsonl", ".parquet")
ROLES = ("system", "user", "assistant")
NOT_TEXTS = re.compile(
    r"(?i)(?:readme|licen[cs]e|copying|data(?:set)?[-_ ]?card)(?:[._-][a-z]{2})?\.\w+"
    r"|checkpoints?(?:[-_]\d+)?|__macosx|__pycache__"
)
"""Names of files about a folder's texts, and of files and folders that tools leave behind."""


@lru_cache(maxsize=8)
def read_texts(path: Path, field: str) -> tuple[str, ...]:
    """Return the texts under `path` in the order of their names.

    Raises:
        PluginError: there is no text, or a line lacks the field.
    """
    if not path.exists():
        if path.is_absolute() or len(path.parts) != 2 or path.parts[0].startswith("."):
            raise PluginError(f"texts: {path} does not exist")
        path = _dataset(path.as_posix())
    files = _files(path) if path.is_dir() else [path]
    texts = [text.strip() for file in files for text in _texts(file, field)]
    filled = tuple(text for text in texts if text)
    if not filled:
        raise PluginError(
            f"texts: {path} contains no text; {', '.join(SUFFIXES)} are read, except hidden and README files"
        )
    return filled


def _files(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in SUFFIXES
        and file.is_file()
        and not any(part.startswith(".") or NOT_TEXTS.fullmatch(part) for part in file.relative_to(folder).parts)
    )


def _dataset(name: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise PluginError(
            f"texts: there is no path {name}; a dataset of the Hub needs {error.name}: pip install 'subnetlab[text]'"
        ) from None
    # The Hub matches case; "[tT][xX][tT]" matches either.
    patterns = ["*." + "".join(f"[{char}{char.upper()}]" for char in suffix[1:]) for suffix in SUFFIXES]
    try:
        return Path(snapshot_download(name, repo_type="dataset", allow_patterns=patterns, local_files_only=True))
    except Exception:  # not cached: the Hub's errors change between versions
        try:
            return Path(snapshot_download(name, repo_type="dataset", allow_patterns=patterns, etag_timeout=10))
        except Exception as error:
            raise PluginError(
                f"texts: there is no path {name}, and no dataset of that name can be fetched ({type(error).__name__}); "
                "give the path of a file or folder"
            ) from None


def _texts(file: Path, field: str) -> list[str]:
    suffix = file.suffix.lower()
    if suffix == ".parquet":
        try:
            from pyarrow.parquet import read_table
        except ImportError:
            raise PluginError(f"texts: {file} needs pyarrow; pip install 'subnetlab[text]'") from None
        table = read_table(file)
        if field not in table.column_names:
            raise PluginError(f"texts: {file} has no column {field!r}; known: {', '.join(table.column_names)}")
        return [str(value) for value in table.column(field).to_pylist() if value is not None]
    if suffix == ".jsonl":
        return [_field(file, number, line, field) for number, line in _lines(file)]
    return [_decoded(file).replace("\r\n", "\n")]


@lru_cache(maxsize=8)
def read_prompts(path: Path) -> tuple[tuple[Message, ...], ...]:
    """Return the conversations of a file, each ending with a user's turn.

    Raises:
        PluginError: the file doesn't exist, holds no prompt, or has a line that isn't one.
    """
    if not path.is_file():
        raise PluginError(f"organic: {path} is not a file")
    if path.suffix.lower() == ".jsonl":
        prompts = tuple(_conversation(path, number, line) for number, line in _lines(path))
    else:
        prompts = tuple((Message("user", line.strip()),) for _, line in _lines(path))
    if not prompts:
        raise PluginError(f"organic: {path} holds no prompt")
    return prompts


def _decoded(file: Path) -> str:
    """Return the text as UTF-8, or as UTF-16 where a byte order mark says so, without the mark."""
    content = file.read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    return content.decode("utf-8-sig", errors="replace")


def _lines(file: Path) -> list[tuple[int, str]]:
    # str.splitlines would also split at U+2028 and other characters that JSON allows inside strings.
    lines = _decoded(file).split("\n")
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _parsed(file: Path, number: int, line: str) -> dict[str, object]:
    try:
        parsed = json.loads(line)
    except ValueError as error:
        raise PluginError(f"{file}: line {number}: not JSON ({error})") from None
    if not isinstance(parsed, dict):
        raise PluginError(f"{file}: line {number}: not a JSON object")
    return parsed


def _field(file: Path, number: int, line: str, field: str) -> str:
    row = _parsed(file, number, line)
    if not isinstance(row.get(field), str):
        raise PluginError(f"{file}: line {number}: no text under {field!r}; known: {', '.join(row)}")
    return str(row[field])


def _conversation(file: Path, number: int, line: str) -> tuple[Message, ...]:
    row = _parsed(file, number, line)
    if isinstance(row.get("prompt"), str):
        return (Message("user", str(row["prompt"])),)
    turns = row.get("messages")
    if not isinstance(turns, list) or not turns:
        raise PluginError(f'{file}: line {number}: neither "prompt" nor "messages"')
    messages = []
    for turn in turns:
        role, content = (turn.get("role"), turn.get("content")) if isinstance(turn, dict) else (None, None)
        if role not in ROLES or not isinstance(content, str):
            raise PluginError(f"{file}: line {number}: a message needs a role ({', '.join(ROLES)}) and a text")
        messages.append(Message(role, content))
    if messages[-1].role != "user":
        raise PluginError(f"{file}: line {number}: the last message is not the user's")
    return tuple(messages)
