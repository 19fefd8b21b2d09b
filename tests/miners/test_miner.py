"""What every miner does unless it says otherwise."""

import subprocess
import sys
from dataclasses import replace

import pytest

from miners import load_miner
from miners.fakes import Slow
from subnets import Caller, Query


def asked_by(query: Query, **caller: object) -> Query:
    return replace(query, caller=Caller(**caller))


def test_a_miner_serves_all_callers_by_default(query: Query) -> None:
    assert load_miner("echo").blacklist(asked_by(query)) == ""


@pytest.mark.parametrize(("stake", "refused"), [(0.0, True), (99.9, True), (float("nan"), True), (100.0, False)])
def test_callers_below_the_minimum_stake_are_refused_with_the_reason(query: Query, stake: float, refused: bool) -> None:
    reason = load_miner({"kind": "echo", "min_stake": 100}).blacklist(asked_by(query, stake=stake))
    assert ("at least 100" in reason) is refused


def test_callers_without_a_permit_are_refused_where_one_is_required(query: Query) -> None:
    miner = load_miner({"kind": "echo", "require_permit": True})
    assert "permit" in miner.blacklist(asked_by(query, hotkey="5Unknown", stake=1e9))
    assert miner.blacklist(asked_by(query, validator_permit=True)) == ""


def test_an_unknown_caller_is_ranked_last_without_an_error(query: Query) -> None:
    miner = load_miner("echo")
    unknown, known = asked_by(query), asked_by(query, hotkey="5Hot", stake=10.0)
    assert miner.blacklist(unknown) == "" and miner.priority(unknown) < miner.priority(known)


def test_only_miners_that_learn_from_pay_or_contain_one_that_does_are_notified() -> None:
    router = load_miner("router")
    assert router.learns and Slow(miner=router).learns
    assert not Slow().learns and not load_miner("echo").learns


def test_nothing_heavy_is_imported_with_the_miners() -> None:
    code = (
        "import sys, miners, miners.ocr, miners.fakes, miners.adversaries;"
        "heavy = {'PIL', 'cv2', 'pytesseract', 'tesserocr', 'ray', 'torch', 'matplotlib', 'scipy', 'faker'};"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == ""
