"""List the installed packages as an SBOM, and compare them with known vulnerabilities.

    make audit-dependencies              # needs a network, and fails without one
    make audit-dependencies OFFLINE=1    # only writes the SBOM

The SBOM (CycloneDX) is written first, whatever comes after it. The exit code is 0 if all is well, 1 if a package has a
known vulnerability, and 2 if packages could not be looked up.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

VULNERABLE, NOT_LOOKED_UP = 1, 2
OURS = "subnetlab"


def main() -> int:
    """Do what the command line asks; return the exit code."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sbom", type=Path, default=Path("sbom.json"), help="file to write (default: sbom.json)")
    options.add_argument("--offline", action="store_true", help="write the SBOM and look nothing up")
    arguments = options.parse_args()
    try:
        write_sbom(arguments.sbom)
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or ["no reason given"])[-1][:300]
        print(f"{arguments.sbom} can't be written: {reason}; `make test` installs what is needed")
        return NOT_LOOKED_UP
    if arguments.offline:
        print("offline: no package was compared with known vulnerabilities")
        return 0
    report, problem = look_up()
    if report is not None and all("skip_reason" in each for each in report):
        report, problem = None, "the package index that answered here knows no vulnerabilities"
    if report is None:
        print(f"no package was compared with known vulnerabilities: {problem}; OFFLINE=1 looks nothing up")
        return NOT_LOOKED_UP
    return judge(report)


def write_sbom(path: Path) -> None:
    """Write a CycloneDX SBOM of everything installed."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--pyproject", "pyproject.toml"]
    options = ["--output-format", "JSON", "--output-file", str(path), sys.executable]
    subprocess.run([*command, *options], check=True, capture_output=True, text=True)
    print(f"wrote {path}: {len(json.loads(path.read_text())['components'])} packages")


def look_up() -> tuple[list[dict[str, object]] | None, str]:
    """Ask for the vulnerabilities of all packages; return them by package, or None and the reason."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "audit.json"
        command = [sys.executable, "-m", "pip_audit", "--local", "--skip-editable", "--progress-spinner", "off"]
        done = subprocess.run(
            [*command, "--timeout", "10", "--format", "json", "--output", str(output)], capture_output=True, text=True
        )
        if not output.exists():  # a vulnerability is no failure: it is written
            return None, (done.stderr.strip().splitlines() or ["no reason given"])[-1][:300]
        return json.loads(output.read_text())["dependencies"], ""


def judge(dependencies: list[dict[str, object]]) -> int:
    """Print vulnerabilities and packages that could not be looked up; return the exit code."""
    unknown = {str(each["name"]): str(each["skip_reason"]) for each in dependencies if "skip_reason" in each}
    unknown.pop(OURS, None)
    looked_up = [each for each in dependencies if "skip_reason" not in each]
    vulnerable = [each for each in looked_up if each.get("vulns")]
    for each in vulnerable:
        for known in each["vulns"]:  # type: ignore[attr-defined]
            fix = ", ".join(known["fix_versions"]) or "no version yet"
            print(f"VULNERABLE: {each['name']} {each['version']}: {known['id']}, mended in {fix}")
    for name, reason in unknown.items():
        print(f"not looked up: {name}: {reason}")
    print(f"{len(looked_up)} packages compared, {len(vulnerable)} with known vulnerabilities, {len(unknown)} unknown")
    return VULNERABLE if vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())
