#!/usr/bin/env bash
# Install subnetlab for each Python given and run, audit and report a small subnet there:
#     requirements/smoke.sh python3.12 python3.13
# Versions that are not installed are named and skipped; with none installed it fails.
set -euo pipefail
cd "$(dirname "$0")/.."
tried=0
for python in "$@"; do
    if ! version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null); then
        echo "$python: not installed, skipped"
        continue
    fi
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    "$python" -m venv "$folder/venv"
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check .
    cp requirements/smoke.toml "$folder"
    (
        cd "$folder"
        venv/bin/subnetlab --help > /dev/null
        venv/bin/subnetlab run smoke.toml --json > run.json
        venv/bin/subnetlab audit runs/smoke
        venv/bin/subnetlab report runs/smoke > /dev/null
        venv/bin/subnetlab export runs/smoke --csv > /dev/null
        venv/bin/python -m consensus > /dev/null
    )
    rm -rf "$folder"
    echo "Python $version: ran, audited, reported and exported"
    tried=$((tried + 1))
done
[ "$tried" -gt 0 ]
