"""PNG and JPEG files reduced to the parts that pixels need.

Texts, profiles and thumbnails are removed before a decoder sees them, because a file full of them takes half a minute
to read. Of what cameras add, the orientation alone is kept. A file whose end or whose checksums are wrong is refused.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from miners.errors import ImageError

MAX_CHUNKS = 10_000
"""Maximum chunks of a PNG."""
MAX_SEGMENTS = 1_000
"""Maximum segments of a JPEG before its first scan."""
MAX_TABLE_BYTES = 100_000
"""Maximum bytes of the segments that a decoder needs; ordinary files have 1,000 or 2,000, more with a thumbnail."""
MAX_SCANS = 100
"""Maximum scans of a JPEG, each a pass over all pixels; ordinary progressive files have ten."""

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_SCAN = 0xFFDA
_END = b"\xff\xd9"
_SEGMENTS = {*range(0xFFC0, 0xFFD0), 0xFFDB, 0xFFDD, 0xFFE0, 0xFFEE}
"""Frames, tables, the restart interval, and the two that define the colours: JFIF and Adobe."""
_EXIF_SEGMENT = 0xFFE1
_EXIF = b"Exif\0\0"
_ORIENTATION = 0x0112
_SHORT, _LONG = 3, 4
_CUT_OFF = "the image is truncated: its end is missing; send the whole file"


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A file with the parts that pixels need, and no others."""

    data: bytes
    orientation: int = 1
    """How the pixels lie, as Exif counts it: 1 is upright, 2 to 8 are mirrored or turned."""
    bits: int = 8
    """Bits of a sample."""
    scans: int = 1
    """Passes over all pixels."""


def reduce_file(data: bytes) -> ImageFile:
    """Reduce a PNG or JPEG; a file of another format is returned as it is.

    Raises:
        ImageError: the file is cut off, a checksum is wrong, or it has too many parts.
    """
    if data.startswith(_PNG):
        return _png(data)
    return _jpeg(data) if data.startswith(_JPEG) else ImageFile(data)


def _png(data: bytes) -> ImageFile:
    parts, at, orientation, bits = [_PNG], len(_PNG), 1, 8
    kinds: set[bytes] = set()
    for _ in range(MAX_CHUNKS):
        if at + 12 > len(data):
            raise ImageError(_CUT_OFF)
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if kind in _CHUNKS and (kind == b"IDAT" or kind not in kinds):
            if end > len(data):
                raise ImageError(_CUT_OFF)
            (checksum,) = struct.unpack_from(">I", data, end - 4)
            if zlib.crc32(memoryview(data)[at + 4 : end - 4]) != checksum:
                raise ImageError(f"the image is damaged: the checksum of its part {kind.decode()} is wrong")
            parts.append(data[at:end])
            if kind == b"IHDR" and length > 8:
                bits = data[at + 16]
        elif kind == b"eXIf" and kind not in kinds:
            orientation = _orientation(data[at + 8 : end - 4])
        kinds.add(kind)
        if kind == b"IEND":
            return ImageFile(b"".join(parts), orientation, bits)
        at = end
    raise ImageError(f"the image has more than {MAX_CHUNKS:,} chunks")


def _jpeg(data: bytes) -> ImageFile:
    parts, at, orientation = [_JPEG], len(_JPEG), 0
    for _ in range(MAX_SEGMENTS + 1):
        if at + 4 > len(data):
            break
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == _SCAN:
            break
        if marker < 0xFFC0 or 0xFFD0 <= marker <= 0xFFD9 or marker == 0xFFFF:  # a stray byte or padding
            at += 1
            continue
        if marker in _SEGMENTS:
            parts.append(data[at : at + 2 + length])
        elif marker == _EXIF_SEGMENT and not orientation and data.startswith(_EXIF, at + 4):
            orientation = _orientation(data[at + 4 + len(_EXIF) : at + 2 + length])
        at += 2 + length
    else:
        raise ImageError(f"the image has more than {MAX_SEGMENTS:,} segments before its first scan")
    if sum(map(len, parts)) > MAX_TABLE_BYTES:
        raise ImageError(f"the image has more than {MAX_TABLE_BYTES:,} bytes of tables")
    if data.find(_END, at) < 0:
        raise ImageError(_CUT_OFF)
    bare = b"".join([*parts, data[at:]])
    if (scans := bare.count(_SCAN.to_bytes(2))) > MAX_SCANS:
        raise ImageError(f"the image has {scans:,} scans; at most {MAX_SCANS} are read")
    return ImageFile(bare, orientation or 1, scans=scans)


def _orientation(exif: bytes) -> int:
    """Return the orientation that Exif data name, 1 if they name none."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None or len(exif) < 8:
        return 1
    (directory,) = struct.unpack_from(f"{order}I", exif, 4)
    if directory + 2 > len(exif):
        return 1
    (entries,) = struct.unpack_from(f"{order}H", exif, directory)
    for at in range(directory + 2, min(directory + 2 + 12 * entries, len(exif) - 11), 12):
        tag, kind = struct.unpack_from(f"{order}HH", exif, at)
        if tag == _ORIENTATION and kind in (_SHORT, _LONG):
            (value,) = struct.unpack_from(order + ("H" if kind == _SHORT else "I"), exif, at + 8)
            return int(value) if 1 <= value <= 8 else 1
    return 1
