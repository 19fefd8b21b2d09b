"""Pages in other languages than English: words, typefaces and what tesseract needs to read them."""

from collections.abc import Callable
from functools import cache

import pytest

from lab.config.run_config import RunConfig
from miners.engines.readers.tesseract import Tesseract
from subnets import PluginError, Seed
from subnets.ocr import COLUMN_GAP_EM, OCR, Line
from subnets.ocr.page import page_of
from subnets.ocr.synthetic.fonts import FAMILIES, path_of
from subnets.ocr.synthetic.kinds import KINDS
from subnets.ocr.synthetic.printing import faces, print_page
from subnets.ocr.synthetic.vocabulary import vocabularies

ALPHABETS = {
    "latin": "abcdefghijklmnopqrstuvwxyz0123456789äöüßàâçéèêëîïôœùûÿñóíúáąćęłńśźż€$%&()[]:;,.!?«»",
    "greek": "αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋΐΰ",
    "cyrillic": "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґ№«»",
}


@cache
def letters(family: str, bold: bool) -> frozenset[str]:
    from fontTools.ttLib import TTFont

    return frozenset(map(chr, TTFont(path_of(family, bold=bold)).getBestCmap()))


def drawn(language: str, kind: str) -> list[list[Line]]:
    locales = vocabularies()[language].locales or ("en_US",)
    return [print_page(kind, locales[seed % len(locales)], 500, Seed(seed), language)[1] for seed in range(2)]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_typeface_has_all_letters_of_its_scripts(family: str) -> None:
    for script in FAMILIES[family].scripts:
        wanted = ALPHABETS[script] + ALPHABETS[script].upper()
        assert not set(wanted) - letters(family, False) and not set(wanted) - letters(family, True)


@pytest.mark.parametrize("language", vocabularies())
def test_no_page_has_a_letter_that_its_typeface_lacks_or_two_texts_that_touch(language: str) -> None:
    for kind in KINDS:
        for lines in drawn(language, kind):
            assert not set("".join(line.text for line in lines)) - letters(lines[0].font.family, True)
            for place, line in enumerate(lines):
                for other in lines[place + 1 :]:
                    (a1, b1, a2, b2), (c1, d1, c2, d2) = line.box, other.box
                    if min(b2, d2) > max(b1, d1):
                        gap = COLUMN_GAP_EM * min(line.font.size, other.font.size)
                        assert max(a1, c1) - min(a2, c2) >= gap, (line.text, other.text)


@pytest.mark.parametrize(
    ("language", "script", "belongs"),
    [("ell", "greek", lambda x: "α" <= x <= "ω"), ("rus", "cyrillic", lambda x: "а" <= x <= "я")],
)
def test_a_page_is_written_in_the_script_of_its_language(
    language: str, script: str, belongs: Callable[[str], bool]
) -> None:
    assert "Lato" not in faces("letter", script) and len(faces("letter", script)) >= 4
    text = "".join(line.text for lines in drawn(language, "letter") for line in lines).lower()
    assert sum(map(belongs, text)) > 0.5 * sum(map(str.isalpha, text))


def test_each_page_is_in_one_of_the_languages() -> None:
    subnet = OCR(language="deu+fra", kinds=("invoice",), difficulty=0.0, width=500)
    pages = [page_of(subnet.task(seed)) for seed in range(12)]
    german = [any("Bezeichnung" in line.text for line in page.lines) for page in pages]
    french = [any("Désignation" in line.text for line in page.lines) for page in pages]
    assert any(german) and any(french)
    assert [one + other for one, other in zip(german, french, strict=True)] == [1] * 12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"language": "deu+xyz"}, "no pages are written in 'xyz'; known: eng, deu, fra"),
        ({"language": "deu+deu"}, "'deu[+]deu' names a language twice"),
        ({"language": "German"}, "no pages are written in 'German'; known: eng"),
        ({"language": ""}, "no pages are written in ''"),
        ({"language": "deu", "locales": ["en_GB"]}, 'they are of English pages, .*; add "[+]eng" to it'),
    ],
)
def test_languages_that_can_not_be_are_refused(options: dict[str, object], message: str) -> None:
    from subnets.registry import load_subnet

    with pytest.raises(PluginError, match=message):
        load_subnet({"kind": "ocr", **options})


def test_miners_read_in_the_languages_of_the_subnet_unless_they_name_their_own() -> None:
    config = RunConfig.parse(
        {
            "subnet": {"kind": "ocr", "language": "deu+fra"},
            "miners": [
                {"name": "plain", "kind": "tesseract"},
                {"name": "own", "kind": "tesseract", "engine": {"kind": "tesseract", "language": "eng"}},
                {"name": "router", "kind": "reader_router", "choices": ["rapidocr", "tesseract"]},
                {"name": "copy", "kind": "copycat", "victim": "plain"},
            ],
            "validators": [{"name": "alice", "stake": 1}],
        }
    )
    plain, own, router, copy = config.build_miners()
    assert [engine.language for engine in plain.engines()] == ["deu+fra"]
    assert [engine.language for engine in own.engines()] == ["eng"]
    assert [engine.language for engine in router.engines() if isinstance(engine, Tesseract)] == ["deu+fra"]
    assert copy.victims()[0].engines()[0].key == plain.engines()[0].key
