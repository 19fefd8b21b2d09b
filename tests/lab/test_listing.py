"""Lists in a terminal lose no word, whatever its width."""

import pytest

from lab.cli.console.listing import print_rows

ROWS = [
    ("ok", "python", "3.11.7"),
    ("missing", "disk", "0.40 GiB free here, but a run may need 1 GiB for its record, its tasks and its models"),
    ("ok", "model", "/home/somebody/.cache/subnetlab/models/smollm2-135m-instruct.q4_1-c71087e5b9d9-and-more"),
    ("ok", "a name that is much longer than any column of it", "short"),
]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_list_wraps_between_words_and_cuts_none(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    print_rows(ROWS)
    shown = capsys.readouterr().out
    assert shown.split() == " ".join(" ".join(row) for row in ROWS).split()
    long = [line for line in shown.splitlines() if len(line) > width]
    assert [line for line in long if "/models/" not in line and "longer than any column" not in line] == []


def test_a_wide_list_has_one_line_for_each_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_rows(ROWS, wide=True)
    assert len(capsys.readouterr().out.splitlines()) == len(ROWS)
