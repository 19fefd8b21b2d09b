"""A run's folder fetched from a cluster: complete or refused."""

import hashlib
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from lab.errors import RecordError, RefusedRecord
from lab.record.archive import Packed, pack, unpack


def test_a_folder_arrives_as_it_was_packed_without_its_lock(tmp_path: Path) -> None:
    (tmp_path / "run" / "logs").mkdir(parents=True)
    for name, text in (("config.json", "{}"), ("logs/server-a.log", "said"), ("lock", "")):
        (tmp_path / "run" / name).write_text(text)
    unpack(tmp_path / "run.zip", pack(tmp_path / "run", tmp_path / "run.zip"), tmp_path / "new" / "there")
    came = {str(path.relative_to(tmp_path / "new" / "there")) for path in (tmp_path / "new" / "there").rglob("*.*")}
    assert came == {"config.json", "logs/server-a.log"}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["there"]


def archive(tmp_path: Path, name: str) -> tuple[Path, Packed]:
    path = tmp_path / "run.zip"
    with zipfile.ZipFile(path, "w") as into:
        into.writestr(name, "x")
    return path, Packed(sha256=hashlib.sha256(path.read_bytes()).hexdigest(), size=path.stat().st_size)


def test_an_archive_that_was_cut_or_changed_is_refused(tmp_path: Path) -> None:
    path, packed = archive(tmp_path, "config.json")
    whole = path.read_bytes()
    for came in (whole[:-1], whole[:40] + bytes([whole[40] ^ 1]) + whole[41:]):
        path.write_bytes(came)
        with pytest.raises(RecordError, match="is not the one that was packed"):
            unpack(path, packed, tmp_path / "there")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("name", ["../outside", "a/../../outside", "/tmp/outside"])
def test_an_archive_that_would_write_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RefusedRecord, match="would be written outside its folder"):
        unpack(*archive(tmp_path, name), tmp_path / "there")
    assert [path.name for path in tmp_path.iterdir()] == ["run.zip"]


def test_an_archive_that_would_fill_the_disk_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "run.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as into:
        for name in ("config.json", "record.sqlite"):
            into.writestr(name, bytes(1000))
            into.getinfo(name).file_size = 10_500_000_000
    packed = Packed(sha256=hashlib.sha256(path.read_bytes()).hexdigest(), size=path.stat().st_size)
    with pytest.raises(RefusedRecord, match="takes 21,000,000,000 bytes, and at most 20,000,000,000 are fetched"):
        unpack(path, packed, tmp_path / "there")
    assert [path.name for path in tmp_path.iterdir()] == ["run.zip"]


def test_an_archive_of_very_many_files_is_refused_before_their_list_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.zip"
    with zipfile.ZipFile(path, "w") as into:
        for number in range(17_000):
            into.writestr(f"{number:09}.txt", "")
    packed = Packed(sha256=hashlib.sha256(path.read_bytes()).hexdigest(), size=path.stat().st_size)
    tracemalloc.start()
    with pytest.raises(RefusedRecord, match=r"the list of its files takes 1,003,000 bytes; at most 1,000,000 are read"):
        unpack(path, packed, tmp_path / "there")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000 and [path.name for path in tmp_path.iterdir()] == ["run.zip"]


@pytest.mark.parametrize("where", ["a password is needed", "the method is unknown", "the content is garbled"])
def test_a_file_that_cannot_be_unpacked_is_reported_in_one_line(tmp_path: Path, where: str) -> None:
    path = tmp_path / "run.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as into:
        into.writestr("config.json", bytes(range(256)) * 4)
    content = bytearray(path.read_bytes())
    directory = content.index(b"PK\x01\x02")
    if where == "the content is garbled":
        content[50:60] = b"\xff" * 10
    else:  # in both places that have it: flags, and the method after them
        at, value = (0, 1) if where == "a password is needed" else (2, 99)
        content[6 + at] = content[directory + 8 + at] = value
    path.write_bytes(content)
    packed = Packed(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    with pytest.raises(RefusedRecord, match="the record that arrived is broken: "):
        unpack(path, packed, tmp_path / "there")
    assert [path.name for path in tmp_path.iterdir()] == ["run.zip"]


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine").write_text("mine")
    with pytest.raises(RecordError, match="is not empty; name another with --out"):
        unpack(*archive(tmp_path, "config.json"), tmp_path / "there")
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["mine"]
