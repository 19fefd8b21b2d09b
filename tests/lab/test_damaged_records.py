"""Bytes that changed in a record's file: nothing but one line comes of it."""

import random
import shutil
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.record.run_folder import open_run

KEPT = Path(__file__).parent / "kept_records" / "text"
FLIPS = 200


def read(folder: Path) -> None:
    with open_run(folder) as record:
        record.verify()
        for entry in record.entries():
            record.find(entry.kind, entry.key)


def test_a_flipped_bit_of_a_record_goes_unnoticed_or_is_one_line(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(KEPT, tmp_path / "run"))
    path, draw, noticed = folder / "record.sqlite", random.Random(7), 0
    content = path.read_bytes()
    for flip in range(FLIPS):
        place = draw.randrange(len(content) if flip % 2 else 8192)
        damaged = bytearray(content)
        damaged[place] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        try:
            read(folder)
        except LabError as error:
            noticed += 1
            assert str(error).isprintable() and len(str(error)) < 400
    assert noticed > 0


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"no database at all" * 400])
def test_a_file_that_is_not_a_record_gives_one_line(tmp_path: Path, content: bytes) -> None:
    folder = Path(shutil.copytree(KEPT, tmp_path / "run"))
    (folder / "record.sqlite").write_bytes(content)
    with pytest.raises(LabError) as refusal:
        read(folder)
    assert str(refusal.value).isprintable()
