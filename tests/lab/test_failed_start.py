"""Runs and studies that never began: no folder stands in the way of the next try."""

from pathlib import Path

import pytest

from cluster import PoolError
from lab.config.run_config import RunConfig
from lab.errors import RecordError
from lab.run.session import run
from lab.studies.overhead import STUDY
from lab.studies.overhead.config import OverheadConfig
from lab.studies.study import measure
from tests.lab.records import make_config

NOWHERE = {"kind": "ray", "address": "127.0.0.1:1"}
BROKEN = {
    "name": "sayer",
    "command": ["{python}", "-c", "raise SystemExit('no such device: {port}')"],
}


def unreachable() -> RunConfig:
    return make_config(pool=NOWHERE)


def study() -> OverheadConfig:
    grid = {"miners": [1, 2], "validators": [1], "probe_rounds": 1}
    return OverheadConfig.parse(unreachable().model_dump(mode="json") | {"overhead": grid})


def test_a_run_whose_pool_does_not_start_leaves_no_folder(tmp_path: Path) -> None:
    for mode in ("new", "clean"):
        with pytest.raises(PoolError, match=r"Ray can't be reached at 127\.0\.0\.1:1"):
            run(unreachable(), tmp_path / "run", mode=mode)  # type: ignore[arg-type]
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_stays_with_what_it_held(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(PoolError):
        run(unreachable(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", "lock"}


def test_the_log_of_a_server_that_kept_a_run_from_starting_stays(tmp_path: Path) -> None:
    with pytest.raises(PoolError, match="no such device"):
        run(make_config(servers=[BROKEN]), tmp_path / "run")
    assert "no such device" in (tmp_path / "run" / "server-sayer.log").read_text()
    assert not (tmp_path / "run" / "config.json").exists()


def no_pool(*_: object, **__: object) -> None:
    raise PoolError("no memory")


def test_a_run_that_was_begun_is_kept_when_it_can_not_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = make_config(chain={"epochs": 2, "rounds_per_epoch": 1})

    def stop(event: object) -> None:
        if getattr(event, "stage", None) == "epoch":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(config, tmp_path / "run", watch=stop)
    with monkeypatch.context() as patch, pytest.raises(PoolError, match="no memory"):
        patch.setattr("lab.run.session.build_pool", no_pool)
        run(config, tmp_path / "run", mode="resume")
    with run(config, tmp_path / "run", mode="resume") as record:
        assert record.find("end", "run") is not None


def test_a_study_whose_pool_does_not_start_leaves_no_folder(tmp_path: Path) -> None:
    config = study()
    for _ in range(2):
        with pytest.raises(PoolError):
            measure(STUDY, config, tmp_path / "study")
        assert list(tmp_path.iterdir()) == []


def test_a_study_that_holds_something_is_refused_and_kept(tmp_path: Path) -> None:
    config = study()
    (tmp_path / "study.json").write_text("{}")
    with pytest.raises(RecordError):
        measure(STUDY, config, tmp_path)
    assert (tmp_path / "study.json").exists()
