"""Files that a full disk or a crash left empty or torn: one line says so, and --clean starts over."""

import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.errors import LabError, RecordError
from lab.files import read_json, write_atomically
from lab.record.run_folder import RunFolder, open_run
from lab.results.compare import compare
from lab.run.audit import audit
from lab.studies.study_folder import StudyFolder

from .records import make_config

KEPT = Path(__file__).parent / "kept_records" / "ocr"
TEARS: tuple[Callable[[bytes], bytes], ...] = (
    lambda content: b"",
    lambda content: b"\0" * len(content),
    lambda content: content[: len(content) // 2],
    lambda content: b"[" * 100_000,
    lambda content: b"[]",
    lambda content: b"{}",
    lambda content: b"\xff" + content,
)


def tear(path: Path, how: Callable[[bytes], bytes]) -> None:
    path.write_bytes(how(path.read_bytes()))


@pytest.mark.parametrize("how", TEARS)
@pytest.mark.parametrize("name", ["config.json", "run.json"])
def test_a_torn_file_of_a_run_is_one_line_and_clean_starts_over(
    tmp_path: Path, name: str, how: Callable[[bytes], bytes]
) -> None:
    folder = Path(shutil.copytree(KEPT, tmp_path / "run"))
    tear(folder / name, how)
    with pytest.raises(RecordError) as refusal:
        open_run(folder)
    assert name in str(refusal.value) and str(refusal.value).isprintable()
    assert "--clean" not in str(refusal.value)
    for mode in ("new", "resume"):
        with pytest.raises(RecordError, match="--clean starts"), RunFolder(folder, make_config()).claim(mode):
            pass
    with RunFolder(folder, make_config()).claim("clean") as record:
        assert len(record) == 0


@pytest.mark.parametrize("how", TEARS)
def test_a_torn_study_is_one_line_and_clean_starts_over(tmp_path: Path, how: Callable[[bytes], bytes]) -> None:
    folder = tmp_path / "study"
    with StudyFolder("test", make_config(), folder).claim():
        shutil.copytree(KEPT, folder / "arms" / "probe")
    tear(folder / "study.json", how)
    tear(folder / "arms" / "probe" / "config.json", how)
    with pytest.raises(RecordError, match=r"is a study; its runs are in .*/study/arms/"):
        open_run(folder)
    for mode in ("new", "resume"):
        with pytest.raises(RecordError, match="study"), StudyFolder("test", make_config(), folder, mode).claim():
            pass
    with pytest.raises(RecordError):
        compare(folder, folder)
    with StudyFolder("test", make_config(), folder, "clean").claim():
        assert not (folder / "arms" / "probe").exists()
    assert read_json(folder / "study.json")["study"] == "test"


@pytest.mark.parametrize("name", ["config.json", "run.json", "record.sqlite"])
def test_a_folder_that_lacks_one_file_is_distinguished_from_an_empty_one(tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(KEPT, tmp_path / "run"))
    (folder / name).unlink()
    with pytest.raises(RecordError, match=f"run lacks {name}"):
        open_run(folder)


def test_a_file_that_changed_after_the_run_fails_its_audit(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(KEPT, tmp_path / "run"))
    with open_run(folder) as record:
        (folder / "run.json").write_bytes(b"")
        with pytest.raises(LabError, match=r"run\.json can't be read"):
            audit(record)


def test_what_a_file_held_is_there_until_its_successor_is_whole(tmp_path: Path) -> None:
    path = write_atomically(tmp_path / "study.json", "{}")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_atomically(path, "more" * 1_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_text() == "{}"
