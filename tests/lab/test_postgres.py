import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.errors import RecordError
from lab.record.record import FORMAT, Draft, RunRecord
from lab.record.run_folder import open_run
from lab.report.run_report import html
from lab.results.run_figures import RunFigures
from lab.run.audit import audit
from lab.run.events import Event
from lab.run.session import run
from tests.cluster import faults
from tests.lab.records import make_config
from tests.lab.servers import Postgres

START = Draft("start", "run", {"format": FORMAT})


def test_a_run_is_kept_resumed_audited_and_reported(postgres: Postgres, tmp_path: Path) -> None:
    config = make_config(record=postgres.url, pool={"kind": "local"})
    with run(config, tmp_path / "run") as record:
        head = audit(record).head
    run(config, tmp_path / "run", mode="resume").close()
    with open_run(tmp_path / "run") as again:
        result = audit(again)
        assert result.complete and result.head == head
        assert "</html>" in html(RunFigures.of(again))
    assert not (tmp_path / "run" / "record.sqlite").exists()


def test_many_runs_write_at_once(postgres: Postgres, tmp_path: Path) -> None:
    writers, entries = 8, 50
    ready = threading.Barrier(writers)

    def write(number: int) -> None:
        with RunRecord.create(tmp_path, postgres.url, run=f"writer-{number}") as record:
            record.append([START])
            ready.wait()
            for place in range(entries):
                record.append([Draft("round", str(place), {"by": number})], [f"{number}".encode(), b"the same"])

    with ThreadPoolExecutor(writers) as threads:
        list(threads.map(write, range(writers)))
    for number in range(writers):
        with RunRecord.open(tmp_path, postgres.url, run=f"writer-{number}") as record:
            assert record.verify() == entries + 1
            assert {entry.body["by"] for entry in record.entries("round")} == {number}


def test_a_record_that_is_only_read_can_not_be_written(postgres: Postgres, tmp_path: Path) -> None:
    with RunRecord.create(tmp_path, postgres.url, run="read") as record:
        record.append([START])
    with RunRecord.open(tmp_path, postgres.url, run="read", read_only=True) as reader:
        assert reader.verify() == 1
        with pytest.raises(RecordError, match="read-only transaction"):
            reader.append([Draft("round", "0/0", {})])
        assert reader.verify() == 1


def test_a_second_writer_of_one_run_is_refused(postgres: Postgres, tmp_path: Path) -> None:
    with RunRecord.create(tmp_path, postgres.url, run="contested") as one:
        one.append([START])
        with RunRecord.open(tmp_path, postgres.url, run="contested") as other:
            other.append([Draft("round", "0/0", {})])
        with pytest.raises(RecordError, match="another process writes to it"):
            one.append([Draft("round", "0/1", {})])


def test_a_server_that_is_away_is_waited_for_and_nothing_is_lost_or_doubled(postgres: Postgres, tmp_path: Path) -> None:
    with RunRecord.create(tmp_path, postgres.url, run="patient") as record:
        record.append([START])
        record.append([Draft("round", "0/0", {})], [b"before"])
        postgres.stop("immediate")
        back = threading.Timer(3.0, postgres.start)
        back.start()
        began = time.monotonic()
        record.append([Draft("round", "0/1", {})], [b"after"])
        assert time.monotonic() - began >= 2.5
        back.join()
        record.append([Draft("round", "0/2", {})])
        assert [entry.key for entry in record.entries("round")] == ["0/0", "0/1", "0/2"]
        assert record.verify() == 4
    with RunRecord.open(tmp_path, postgres.url, run="patient") as again:
        assert len(again) == 4


def test_a_run_whose_server_is_away_for_ten_seconds_ends_as_an_undisturbed_one(
    postgres: Postgres, tmp_path: Path
) -> None:
    back = threading.Timer(10.0, postgres.start)

    def go_away(event: Event) -> None:
        if event.stage == "round" and event.rounds == 5:
            postgres.stop("immediate")
            back.start()

    pool = {"kind": "local", "hosts": 1}
    with (
        run(faults.make_config(record=postgres.url, pool=pool), tmp_path / "away", watch=go_away) as record,
        run(faults.make_config(pool=pool), tmp_path / "undisturbed") as undisturbed,
    ):
        back.join()
        faults.assert_whole(record, undisturbed)


def test_a_server_that_stays_away_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.record.database.PATIENCE_S", 0.5)
    with pytest.raises(RecordError, match=r"record postgresql\+psycopg://nobody@127.0.0.1:9/none can't be created"):
        RunRecord.create(tmp_path, "postgresql+psycopg://nobody@127.0.0.1:9/none")
