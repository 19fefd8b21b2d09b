import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from lab.errors import AuditError, RecordError
from lab.record.record import FORMAT, Draft, RunRecord, blob_hash

START = Draft("start", "run", {"format": FORMAT})


@pytest.fixture
def record(tmp_path: Path) -> RunRecord:
    record = RunRecord.create(tmp_path)
    record.append([START])
    record.append([Draft("round", "0/0", {"score": 0.5}), Draft("round", "0/1", {"score": None})], [b"an answer"])
    record.append([Draft("epoch", "0", {"paid": [1, 2]})])
    return record


def tamper(record: RunRecord, statement: str) -> None:
    with sqlite3.connect(record.folder / "record.sqlite") as connection:
        assert connection.execute(statement).rowcount >= 1
    connection.close()


def test_entries_come_back_in_order_by_kind_and_by_key(record: RunRecord) -> None:
    with RunRecord.open(record.folder) as again:
        assert [entry.key for entry in again.entries()] == ["run", "0/0", "0/1", "0"]
        assert [entry.body["score"] for entry in again.entries("round")] == [0.5, None]
        found = again.find("epoch", "0")
        assert found is not None and found.body == {"paid": [1, 2]}
        assert again.find("epoch", "1") is None
        assert again.blob(blob_hash(b"an answer")) == b"an answer"
        assert again.blobs([blob_hash(b"an answer")] * 2) == {blob_hash(b"an answer"): b"an answer"}
        assert again.verify() == len(again) == 4


def test_more_byte_strings_than_one_query_takes_come_back_in_the_order_asked(record: RunRecord) -> None:
    written = [b"%d" % number for number in range(1_100)]
    record.append([Draft("round", "0/2", {})], written)
    found = record.blobs(map(blob_hash, reversed(written)))
    assert list(found.values()) == written[::-1]
    with pytest.raises(AuditError, match=f"answer {blob_hash(b'none')[:12]}… is missing"):
        record.blobs([*found, blob_hash(b"none")])


def test_the_same_bytes_are_kept_once(record: RunRecord) -> None:
    record.append([Draft("round", "0/2", {})], [b"an answer", b"an answer", b"another"])
    with create_engine(f"sqlite:///{record.folder / 'record.sqlite'}").connect() as connection:
        assert connection.execute(text("select count(*) from subnetlab_blobs")).scalar() == 2
        connection.engine.dispose()


def test_an_entry_can_not_be_written_twice_and_nothing_of_a_refused_append_stays(record: RunRecord) -> None:
    with pytest.raises(RecordError, match="another process writes to it"):
        record.append([Draft("round", "0/9", {}), Draft("round", "0/1", {})], [b"orphan"])
    assert record.verify() == 4
    with pytest.raises(AuditError, match="missing"):
        record.blob(blob_hash(b"orphan"))
    record.append([Draft("round", "0/9", {})])
    assert record.verify() == 5


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "update subnetlab_entries set body = replace(body, '0.5', '0.6') where seq = 2",
            r"entry 2 \(round 0/0\) was changed",
        ),
        ("update subnetlab_entries set place = '0/7' where seq = 3", r"entry 3 \(round 0/7\) was changed"),
        ("delete from subnetlab_entries where seq = 3", r"entry 3 is missing: entry 4 \(epoch 0\) follows entry 2"),
        ("delete from subnetlab_entries where seq = 1", r"entry 1 is missing"),
        ("update subnetlab_entries set hash = previous where seq = 2", r"entry 2 \(round 0/0\) was changed"),
        ("update subnetlab_entries set previous = hash where seq = 4", r"entry 4 .* does not follow"),
    ],
)
def test_any_change_is_found_and_named(record: RunRecord, statement: str, message: str) -> None:
    record.close()
    tamper(record, statement.format("subnetlab_entries"))
    with pytest.raises(AuditError, match=message):
        record.verify()


def test_a_changed_answer_is_found(record: RunRecord) -> None:
    tamper(record, "update subnetlab_blobs set data = x'00'")
    with pytest.raises(AuditError, match="not what was written"):
        record.blob(blob_hash(b"an answer"))


def test_a_record_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    RunRecord.create(tmp_path).append([Draft("start", "run", {"format": FORMAT + 1})])
    with pytest.raises(RecordError, match=f"format {FORMAT + 1}, this version reads up to {FORMAT}; update"):
        RunRecord.open(tmp_path)


@pytest.mark.parametrize("content", [b"", b"this is no database at all" * 100])
def test_a_file_that_is_not_a_record_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "record.sqlite").write_bytes(content)
    with pytest.raises(RecordError, match="can't be read"):
        RunRecord.open(tmp_path)


def test_a_missing_record_an_unknown_database_and_one_in_use_are_named(tmp_path: Path, record: RunRecord) -> None:
    with pytest.raises(RecordError, match="holds no run"):
        RunRecord.open(tmp_path / "nowhere")
    with pytest.raises(RecordError, match="SQLAlchemy URL"):
        RunRecord.create(tmp_path, "nosuchdb://here")
    with pytest.raises(RecordError, match="already holds a record"):
        RunRecord.create(record.folder)


def test_a_folder_that_can_not_hold_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="can't be created: unable to open database file"):
        RunRecord.create(tmp_path / "no" / "such" / "folder")


def test_a_record_of_an_older_version_is_named(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "record.sqlite") as connection:
        connection.execute("create table subnetlab_entries (seq integer primary key, kind text, place text)")
    connection.close()
    for touch in (RunRecord.open, RunRecord.create):
        with pytest.raises(RecordError, match="older version of subnetlab: read it with that version"):
            touch(tmp_path)


@pytest.mark.parametrize("name", ["record.sqlite", "record.sqlite-wal"])
def test_a_record_is_not_written_through_a_link_in_its_folder(tmp_path: Path, name: str) -> None:
    folder, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    folder.mkdir()
    RunRecord.create(folder).close()
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(elsewhere)
    elsewhere.write_bytes(b"")
    for opening in (RunRecord.create, RunRecord.open):
        with pytest.raises(RecordError, match=f"{name} is a symbolic link, which is not written through"):
            opening(folder)
    assert elsewhere.read_bytes() == b""
