"""`make audit-dependencies` says what it found, and never calls packages safe that it could not look up."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SAFE = {"name": "safe", "version": "1.0", "vulns": []}
BAD = {"name": "bad", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "local", "skip_reason": "Dependency not found"}


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit_dependencies", ROOT / "requirements" / "audit.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("found", "code", "said"),
    [
        ([SAFE], 0, "1 packages compared, 0 with known vulnerabilities, 0 unknown"),
        ([SAFE, BAD], 1, "VULNERABLE: bad 1.0: CVE-1, mended in 1.1"),
        ([SAFE, UNKNOWN], 0, "not looked up: local: Dependency not found"),
        ([UNKNOWN], 2, "compared with known vulnerabilities: the package index that answered here knows no"),
        (None, 2, "no package was compared with known vulnerabilities: no route to host; OFFLINE=1"),
    ],
    ids=["safe", "vulnerable", "one unknown", "all unknown", "no network"],
)
def test_the_exit_code_and_the_words_tell_what_was_compared(
    script: ModuleType,
    found: list[Any] | None,
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(command: list[str], **options: object) -> SimpleNamespace:
        output = Path(command[command.index("--output" if "pip_audit" in command else "--output-file") + 1])
        if "cyclonedx_py" in command:
            output.write_text(json.dumps({"components": [{}, {}]}))
        elif found is not None:
            output.write_text(json.dumps({"dependencies": found}))
        return SimpleNamespace(stderr="Traceback\nno route to host", returncode=1)

    monkeypatch.setattr(script.subprocess, "run", run)
    monkeypatch.setattr(sys, "argv", ["audit.py", "--sbom", str(tmp_path / "sbom.json")])
    assert script.main() == code
    assert said in (printed := capsys.readouterr().out) and printed.startswith("wrote ")
    assert code != 2 or printed.count("\n") == 2
    assert (tmp_path / "sbom.json").is_file()
    monkeypatch.setattr(sys, "argv", ["audit.py", "--sbom", str(tmp_path / "sbom.json"), "--offline"])
    assert script.main() == 0 and "offline: no package was compared" in capsys.readouterr().out


def test_a_missing_tool_is_one_line(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = "import sys; sys.exit('No module named cyclonedx_py')"
    run = script.subprocess.run
    monkeypatch.setattr(
        script.subprocess, "run", lambda command, **options: run([command[0], "-c", missing], **options)
    )
    monkeypatch.setattr(sys, "argv", ["audit.py", "--sbom", str(tmp_path / "sbom.json")])
    assert script.main() == 2
    assert capsys.readouterr().out.endswith("No module named cyclonedx_py; `make test` installs what is needed\n")
