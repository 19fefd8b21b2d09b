import sys
from pathlib import Path

import pytest

from subnets import SUBNETS, PluginError, load_subnet


def test_a_subnet_loads_by_name_by_table_and_by_class() -> None:
    named, table = load_subnet("ocr"), load_subnet({"kind": "ocr", "difficulty": 0.5})
    assert type(named) is type(table) is type(load_subnet("subnets.ocr:OCR"))
    assert named != table


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("ocrr", r"unknown subnet 'ocrr'; known: ocr.*; or name module:Class"),
        ("nowhere:Thing", r"'nowhere:Thing' .* can't be imported: ModuleNotFoundError"),
        ("subnets.ocr:Nothing", r"can't be imported: AttributeError"),
        ("pathlib:Path", r"pathlib:Path is not a subclass of Subnet"),
        ("subnets:Subnet", r"subnets:Subnet lacks gold, scorer, task; define"),
        (5, r"a subnet is a name or a table \(got 5\)"),
        (["ocr"], r"a subnet is a name or a table \(got \['ocr'\]\)"),
        ({"kind": 5}, r"a subnet needs a kind"),
        ({"difficulty": 0.5}, r"a subnet needs a kind; known: ocr"),
        ({"kind": "ocr", "dificulty": 0.5}, r"ocr.dificulty: unknown key; known: .*difficulty"),
        ({"kind": "ocr", "width": "wide"}, r"ocr.width: give an integer from 300 to 4000 \(got 'wide'\)"),
    ],
)
def test_a_wrong_spec_is_one_line_with_what_is_allowed(spec: object, message: str) -> None:
    with pytest.raises(PluginError, match=message) as caught:
        SUBNETS.load(spec)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "message"),
    [("1 / 0", "ZeroDivisionError: division by zero"), ("import sys; sys.exit(0)", "SystemExit: 0")],
)
def test_a_module_that_fails_while_it_is_imported_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, message: str
) -> None:
    (tmp_path / "broken_plugin.py").write_text(f"{code}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(PluginError, match=rf"broken_plugin:Mine.*{message}"):
        load_subnet("broken_plugin:Mine")
    sys.modules.pop("broken_plugin", None)
