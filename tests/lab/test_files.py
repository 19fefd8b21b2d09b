import subprocess
import sys
from pathlib import Path

import pytest

from lab.errors import RecordError
from lab.files import claim, write_atomically, write_json


def test_a_file_is_written_with_its_folder_and_leaves_no_draft(tmp_path: Path) -> None:
    path = write_atomically(tmp_path / "new" / "a.txt", "one")
    assert path.read_text() == "one"
    write_json(path, {"two": 2})
    assert path.read_text() == '{\n  "two": 2\n}\n'
    assert [child.name for child in path.parent.iterdir()] == ["a.txt"]


def test_a_claimed_folder_is_free_again_when_its_process_has_died(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path; from lab.files import claim\n"
            "with claim(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)",
            str(tmp_path),
        ],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert holder.stdout is not None
    with holder, holder.stdout:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(RecordError, match="is in use by another process"), claim(tmp_path):
            pass
        holder.kill()
        holder.wait()
    with claim(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match="file/run: Not a directory"), claim(tmp_path / "file" / "run"):
        pass


def test_nothing_is_written_through_a_link_that_lies_in_the_folder(tmp_path: Path) -> None:
    precious, folder = tmp_path / "precious", tmp_path / "run"
    precious.write_text("mine")
    folder.mkdir()
    (folder / "a.json.part").symlink_to(precious)
    (folder / "b.json.part").hardlink_to(precious)
    (folder / "c.json").symlink_to(precious)
    for name in ("a.json", "b.json", "c.json"):
        assert not write_json(folder / name, 1).is_symlink()
    (folder / "lock").symlink_to(precious)
    with pytest.raises(RecordError, match="run/lock is a symbolic link, which is not followed"), claim(folder):
        pass
    (folder / "lock").unlink()
    (folder / "lock").symlink_to(tmp_path / "nothing")
    with pytest.raises(RecordError, match="is a symbolic link"), claim(folder):
        pass
    assert precious.read_text() == "mine" and not (tmp_path / "nothing").exists()
