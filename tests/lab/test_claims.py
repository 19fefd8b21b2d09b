"""Claims and their verdicts, which come from recorded studies alone."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lab.claims.claim import Case, Claim, Claims
from lab.claims.judgement import decide, judge, overall
from lab.claims.page import markdown
from lab.claims.recorded import recorded_studies
from lab.cli.main import app
from lab.errors import ConfigError, DamagedRecord, RecordError
from lab.statistics import Estimate
from lab.studies.register import known_studies

CASES = (
    Case(where="few", section="pay", row={"n": 2}, figure="share"),
    Case(where="many", section="pay", row={"n": 8}, figure="share"),
)
CLAIM = Claim(claim="Large operators earn more.", command="c", study="size", above=0.5, cases=CASES, not_shown="costs")


def estimate(value: float, low: float, high: float) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": 20, "method": "t"}


def record(folder: Path, few: Any, many: Any) -> Path:
    rows = [{"n": 2, "share": few}, {"n": 8, "share": many}]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "result.json").write_text(json.dumps({"study": "size", "sections": [{"key": "pay", "rows": rows}]}))
    return folder


def test_a_figure_decides_only_with_its_whole_interval() -> None:
    assert decide(Estimate(0.6, 0.55, 0.7, 9), above=0.5) == "holds"
    assert decide(Estimate(0.6, 0.45, 0.7, 9), above=0.5) == "open"
    assert decide(Estimate(0.4, 0.35, 0.45, 9), above=0.5) == "fails"
    assert decide(Estimate(0.4, 0.35, 0.45, 9), below=0.5) == "holds"
    assert decide(Estimate(0.6, None, None, 1), below=0.5) == "fails"
    assert decide(Estimate(None, None, None, 0), above=0.5) == "open"
    assert decide(Estimate(0.9, None, None, 3), above=0.5) == "open"
    assert decide(Estimate(0.9, 0.9, 0.9, 20), above=0.5) == "open"


def test_a_claim_that_holds_here_and_fails_there_depends_on_the_case() -> None:
    assert overall(["holds", "fails", "open"]) == "depends"
    assert overall(["holds", "holds"]) == "holds"
    assert overall(["holds", "open"]) == "open"


def test_a_verdict_follows_the_recorded_figures(tmp_path: Path) -> None:
    record(tmp_path / "a", estimate(0.2, 0.1, 0.3), estimate(0.8, 0.7, 0.9))
    judgement = judge(CLAIM, recorded_studies([tmp_path]))
    assert judgement.verdict == "depends"
    assert judgement.figures == "few: 0.20 (0.10 to 0.30, n=20); many: 0.80 (0.70 to 0.90, n=20)"
    record(tmp_path / "a", estimate(0.6, 0.55, 0.65), 0.9)
    assert judge(CLAIM, recorded_studies([tmp_path])).verdict == "holds"


def test_a_claim_without_a_record_says_which_command_makes_it() -> None:
    judgement = judge(CLAIM, {})
    assert judgement.verdict == "not recorded"
    assert "| Large operators earn more. | **not recorded** | – | `c` | costs |" in markdown([judgement])


def test_a_record_that_lacks_the_figure_is_named_with_the_fix(tmp_path: Path) -> None:
    record(tmp_path, 1, 2)
    studies = recorded_studies([tmp_path])
    with pytest.raises(RecordError, match="no section 'other'; known: pay; record the study again"):
        studies["size"].figure(CASES[0].model_copy(update={"section": "other"}))
    with pytest.raises(RecordError, match="no figure 'share' in a row with"):
        studies["size"].figure(CASES[0].model_copy(update={"row": {"n": 3}}))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"study": "x"}',
        '{"study": "x", "sections": [1]}',
        '{"study": "x", "sections": [{"key": "a", "rows": [5]}]}',
        "5",
    ],
)
def test_a_damaged_result_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "result.json").write_text(content)
    if content == "[]":
        assert recorded_studies([tmp_path]) == {}
        return
    with pytest.raises(DamagedRecord, match="record the study again"):
        recorded_studies([tmp_path])


@pytest.mark.parametrize(
    "figure", [{"value": "much", "n": 1}, {"value": 1, "low": [], "high": 2}, {"value": 1, "n": "x"}]
)
def test_a_figure_that_is_no_number_is_named(tmp_path: Path, figure: dict[str, Any]) -> None:
    with pytest.raises(DamagedRecord, match="share is no figure; record the study again"):
        judge(CLAIM, recorded_studies([record(tmp_path, figure, 1)]))


def test_a_folder_that_is_missing_is_named() -> None:
    with pytest.raises(RecordError, match="nowhere: no such folder"):
        recorded_studies([Path("nowhere")])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("above = 1.0\nbelow = 2.0", "above: give it or .below"),
        ("", "above: give it or .below"),
        ("above = 1.0\nsurprise = 1", "surprise"),
    ],
)
def test_a_wrong_claim_is_refused_with_its_key(tmp_path: Path, change: str, message: str) -> None:
    text = (
        '[[claims]]\nclaim = "Something is so."\nnot_shown = ""\ncommand = "c"\nstudy = "s"\n'
        f'cases = [{{section = "a", figure = "b"}}]\n{change}\n'
    )
    (tmp_path / "claims.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        Claims.read(tmp_path / "claims.toml")


def test_every_shipped_claim_names_a_study_that_there_is_and_the_command_that_records_it() -> None:
    root = Path(__file__).parents[2]
    for claim in Claims.read().claims:
        if claim.study.startswith("scenario-"):
            name = claim.study.removeprefix("scenario-")
            assert (root / "configs" / "scenarios" / f"{name}.toml").is_file()
            assert claim.command == f"subnetlab study scenarios {name}"
        elif claim.study:
            assert claim.study in known_studies() and claim.command.startswith(f"subnetlab study {claim.study}")
        assert bool(claim.study) == bool(claim.cases)


def test_the_command_writes_a_page_and_markdown_and_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    arguments = ["claims", str(tmp_path / "runs"), "--out", str(tmp_path / "out"), "--markdown", str(tmp_path / "c.md")]
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    verdicts = {row["verdict"] for row in json.loads(result.stdout)["claims"]}
    assert verdicts == {"not recorded", "can't be settled here"}
    assert (tmp_path / "out" / "index.html").is_file() and "subnetlab study ecology" in (tmp_path / "c.md").read_text()
