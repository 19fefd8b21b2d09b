"""`subnetlab audit-grader`, from a file of the user's own to the files of the card."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
REWARDS = """
def reward(query, response):
    print("grading")
    return 1.0 if response == query * 2 or response == "e" else 0.0
"""


def subnetlab(folder: Path, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "lab", "audit-grader", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == expect, done.stderr or done.stdout
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.slow
def test_a_function_in_the_current_folder_gets_its_card_on_tasks_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "rewards.py").write_text(REWARDS)
    tasks = [json.dumps({"query": number, "reference": 2 * number}) for number in range(1, 13)]
    (tmp_path / "tasks.jsonl").write_text("\n".join(tasks))
    shown = subnetlab(tmp_path, "rewards:reward", "--tasks", "tasks.jsonl", "--json").stdout
    card = json.loads(shown)
    assert card["grader"] == "rewards:reward" and "1 worthless answer" in card["findings"][1]
    folder = tmp_path / "runs" / "grader-rewards-reward"
    assert shown == (folder / "result.json").read_text()
    assert "one letter" in (folder / "index.html").read_text()
    assert {path.suffix for path in folder.glob("exploits.*")} == {".csv", ".json", ".png"}


@pytest.mark.slow
def test_what_is_wrong_with_the_call_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "rewards.py").write_text("def score(x, y):\n    return 0.0\n")
    error = subnetlab(tmp_path, "rewards:score", expect=2).stderr
    assert error.startswith("subnetlab: rewards:score: its parameter 'y' does not say") and error.count("\n") == 1
