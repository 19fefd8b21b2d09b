"""The README's worked example, typed in as it stands."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.scale.plan import Results, page

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def files() -> dict[str, str]:
    blocks = re.findall(r"^```(?:python|toml)\n# (\S+)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    return {name: f"# {name}\n{body}" for name, body in blocks}


@pytest.mark.slow
def test_the_worked_example_runs_pays_by_quality_and_passes_the_audit(tmp_path: Path) -> None:
    for name, text in files().items():
        (tmp_path / name).write_text(text)
    assert sorted(files()) == ["places.py", "reversal.py", "reversal.toml", "talker.py"]
    program = Path(sys.executable).parent / "subnetlab"

    def subnetlab(*arguments: str) -> dict[str, object]:
        result = subprocess.run([program, *arguments, "--json"], cwd=tmp_path, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return dict(json.loads(result.stdout))

    subnetlab("run", "reversal.toml")
    assert subnetlab("audit", "runs/reversal", "--trust")["complete"] is True
    from lab.record.entries import Epoch
    from lab.record.run_folder import open_run

    sys.path.insert(0, str(tmp_path))
    try:
        with open_run(tmp_path / "runs" / "reversal") as record:
            *_, last = map(Epoch.of, record.entries("epoch"))
    finally:
        sys.path.remove(str(tmp_path))
    clear, mumbling, echo = last.pay.incentive[2:]
    assert clear > mumbling > echo == 0


def test_the_epoch_of_the_readme_runs() -> None:
    (code,) = re.findall(r"^```python\n(from consensus.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


def test_each_example_is_short() -> None:
    assert all(len(text.splitlines()) < 60 for text in files().values())


def test_the_page_on_scale_is_made_of_the_figures_that_are_kept() -> None:
    results = Results.read(ROOT / "benchmarks" / "results" / "scale-2-core.json")
    assert page(results) == (ROOT / "docs" / "scale.md").read_text()


def test_every_link_of_the_documents_leads_somewhere() -> None:
    for document in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
            made = target.startswith("reference/")  # made from the code when the site is built
            assert made or (document.parent / target).exists(), f"{document.name}: {target}"
        for script in re.findall(r"python (benchmarks/\S+\.py)", document.read_text()):
            assert (ROOT / script).exists(), f"{document.name}: {script}"
