"""Real documents as tasks: PDFs, and images beside their truth in every published form."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from subnets import PluginError, Response
from subnets.ocr import OCR
from subnets.ocr.documents.folder import DocumentFolder
from subnets.ocr.documents.picture import read_image
from subnets.ocr.grading.document_tests import DocumentTests

FONT = ImageFont.load_default(24)
ROWS = ("Invoice No. 1742", "Garden chair")
BOXES = ((40, 40, 240, 64), (40, 90, 200, 114))
ALTO = """<alto xmlns="http://www.loc.gov/standards/alto/ns-v{version}#"><Layout>
<Page WIDTH="{width}" HEIGHT="{height}">
<PrintSpace><TextBlock><TextLine HPOS="{x}" VPOS="{y}" WIDTH="{w}" HEIGHT="{h}"><String CONTENT="Invoice"/><SP/>
<String CONTENT="No."/><SP/><String CONTENT="1742"/></TextLine></TextBlock></PrintSpace></Page></Layout></alto>"""
PAGE = """<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/{year}-07-15">
<Page imageFilename="a.png" imageWidth="400" imageHeight="300"><ReadingOrder><OrderedGroup id="g">
<RegionRefIndexed index="0" regionRef="r2"/><RegionRefIndexed index="1" regionRef="r1"/></OrderedGroup></ReadingOrder>
<TextRegion id="r1"><TextLine id="b"><Coords points="40,90 200,90 200,114 40,114"/>
<TextEquiv index="1"><Unicode>Garden cha1r</Unicode></TextEquiv>
<TextEquiv index="0"><Unicode>Garden chair</Unicode></TextEquiv></TextLine></TextRegion>
<TextRegion id="r2"><TextLine id="a"><Coords>{points}</Coords><TextEquiv><Unicode>Invoice No. 1742</Unicode>
</TextEquiv></TextLine></TextRegion></Page></PcGts>"""
POINTS = '<Point x="40" y="40"/><Point x="240" y="40"/><Point x="240" y="64"/><Point x="40" y="64"/>'
HOCR = """<html><body><div class='ocr_page' title='image "a.png"; bbox 0 0 400 300; ppageno 0'>
<span class='ocr_line' title="bbox 40 40 240 64; baseline 0 0"><span class='ocrx_word' title='bbox 40 40 90 64'>Invoice
</span> <span class='ocrx_word'>No.</span> <span class='ocrx_word'><strong>1742</strong></span></span>
<span class='ocr_line' title='bbox 40 90 200 114'>Garden<br> chair</span></div></body></html>"""


def drawn(mode: str = "L") -> Image.Image:
    image = Image.new("L", (400, 300), 255)
    for text, (x, y, *_) in zip(ROWS, BOXES, strict=True):
        ImageDraw.Draw(image).text((x, y), text, font=FONT, fill=0)
    return image.convert(mode)


def folder(path: Path, name: str, truth: str) -> OCR:
    drawn().save(path / "a.png")
    (path / name).write_text(truth, encoding="utf-8")
    return OCR(documents=path, difficulty=0.0)


@pytest.mark.parametrize(
    ("name", "truth", "boxes"),
    [
        ("a.gt.txt", "Invoice No. 1742\n\nGarden chair\n", None),
        ("a.hocr", HOCR, BOXES),
        ("a.xml", PAGE.format(year=2013, points=""), ((40, 90, 200, 114),)),
        ("a.xml", PAGE.format(year=2019, points=POINTS), BOXES),
        ("a.png.xml", ALTO.format(version=4, width=400, height=300, x=40, y=40, w=200, h=24), BOXES[:1]),
        ("a.xml", ALTO.format(version=2, width=800, height=600, x=80, y=80, w=400, h=48), BOXES[:1]),
    ],
)
def test_truth_beside_an_image_is_read_in_its_order(
    tmp_path: Path, name: str, truth: str, boxes: tuple[tuple[int, ...], ...] | None
) -> None:
    subnet = folder(tmp_path, name, truth)
    task = subnet.task(1)
    texts = [line.text for line in task.reference.lines]
    assert texts == list(ROWS)[: len(texts)] and task.kind == "document"
    placed = [line.box for line in task.reference.lines if line.box is not None]
    assert placed == (list(boxes) if boxes else [])
    assert subnet.scorer().score(task, Response(0, answer=subnet.gold(task))).value == 1.0
    assert subnet.quality(task, subnet.gold(task)) == 1.0 and subnet.illustrate(task, None)


def test_documents_are_degraded_and_their_truth_follows(tmp_path: Path) -> None:
    folder(tmp_path, "a.hocr", HOCR)
    clean, worse = (OCR(documents=tmp_path, difficulty=difficulty).task(3) for difficulty in (0.0, 0.8))
    assert worse.reference.width < clean.reference.width and worse.prompt.image != clean.prompt.image
    assert worse.reference.lines[0].box[2] < clean.reference.lines[0].box[2] - 20
    assert OCR(documents=tmp_path, difficulty=0.8).task(3) == worse


def pdf_of(path: Path, *pages: list[tuple[float, float, str]]) -> None:
    """Write a PDF whose pages hold texts at places in points."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    kids = []
    for texts in pages:
        stream = "".join(f"BT /F1 14 Tf {x} {y} Td ({text}) Tj ET\n" for x, y, text in texts)
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}endstream")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents {len(objects)} 0 R /Resources "
            "<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    data, places = "%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    path.write_text(
        f"{data}xref\n0 {len(places) + 1}\n0000000000 65535 f \n{table}"
        f"trailer << /Size {len(places) + 1} /Root 1 0 R >>\nstartxref\n{len(data)}\n%%EOF\n",
        encoding="latin-1",
    )


def test_the_text_layer_of_a_pdf_is_its_truth_and_pages_without_one_are_counted(tmp_path: Path) -> None:
    pdf_of(tmp_path / "a.pdf", [(20, 150, "Garden chair"), (200, 150, "124.00"), (20, 100, "Total")], [])
    listed = DocumentFolder.at(tmp_path)
    assert (len(listed.pages), listed.skipped) == (1, 1)
    task = OCR(documents=tmp_path, difficulty=0.0, dpi=144).task(1)
    assert (task.reference.width, task.reference.height) == (600, 400)
    assert [line.text for line in task.reference.lines] == ["Garden chair", "124.00", "Total"]
    x1, y1, x2, y2 = task.reference.lines[0].box
    assert (x1, y2) == pytest.approx((42, 100), abs=5) and 150 < x2 < 220 and 74 < y1 < 86


def test_lines_that_are_set_tightly_are_lines_of_their_own(tmp_path: Path) -> None:
    texts = (r"counter \(above 0\), and the output", r"buffer \(dst\) has room", "Total, then")
    pdf_of(tmp_path / "a.pdf", [(20, 150 - 14 * line, text) for line, text in enumerate(texts)])
    page = OCR(documents=tmp_path, difficulty=0.0).task(1).reference
    assert [line.text for line in page.lines] == [text.replace("\\", "") for text in texts]


def test_a_page_with_published_tests_is_graded_by_them(tmp_path: Path) -> None:
    pdf_of(tmp_path / "a.pdf", [(20, 150, "Garden chair")], [(20, 150, "Not tested")])
    test = {"pdf": "a.pdf", "page": 1, "id": "1", "type": "present", "text": "Garden chair", "max_diffs": None}
    other = {"pdf": "b.pdf", "type": "present", "text": "two\u2028lines"}
    lines = [json.dumps(each, ensure_ascii=False) for each in (test, other)]
    (tmp_path / "tests.jsonl").write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    subnet = OCR(documents=tmp_path, difficulty=0.0)
    assert [task.reference.tests[0].id for task in map(subnet.task, range(4))] == ["1"] * 4
    task = subnet.task(1)
    assert DocumentTests().score(task, Response(0, answer=subnet.gold(task))).value == 1.0


@pytest.mark.parametrize("mode", ["1", "P", "L", "LA", "RGB", "RGBA", "CMYK", "I;16"])
def test_images_of_every_depth_and_colour_are_read_as_a_person_sees_them(tmp_path: Path, mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.asarray(drawn()).astype(np.uint16) * 257)
    else:
        image = drawn("L").convert(mode)
    path = tmp_path / ("a.tif" if mode in ("CMYK", "I;16") else "a.png")
    image.save(path)
    assert np.abs(read_image(path).astype(int) - np.asarray(drawn()).astype(int)).mean() < 4


def test_an_image_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    drawn().transpose(Image.Transpose.ROTATE_90).save(tmp_path / "a.jpg", exif=exif, quality=95)
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - np.asarray(drawn()).astype(int)).mean() < 4


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pdf", b"%PDF-1.4 nothing", r"a\.pdf: the PDF can't be read; it is broken"),
        ("a.xml", b"<alto", r"a\.xml: it is not XML"),
        ("a.xml", b"<html><Page/></html>", r"a\.xml: the XML is neither ALTO nor PAGE: its root is 'html'"),
        ("a.txt", b"\xff\xfe\xfa", r"a\.txt: it is not UTF-8"),
        ("a.txt", b"\n \n", r"a\.txt: it has no text"),
        ("a.txt", b"line\n" * 2_001, r"a\.txt: 2,001 lines; at most 2,000 are read"),
        ("a.jsonl", b"{\n", r"a\.jsonl, line 1: it is not JSON"),
        ("a.jsonl", b"\xff{}", r"a\.jsonl: it is not UTF-8"),
        ("a.jsonl", b'{"pdf": "a.png", "type": "present"}\n', r"a\.jsonl, line 1: .*needs a text for 'text'"),
        (
            "a.xml",
            ALTO.format(version=3, width=400, height=300, x=390, y=40, w=200, h=24).encode(),
            r"a\.xml: the box \[390, 40, 590, 64\] of 'Invoice No\. 1742' is not inside the image \(400 x 300 pixels\)",
        ),
        (
            "a.xml",
            ALTO.format(version=3, width=300, height=400, x=40, y=40, w=200, h=24).encode(),
            r"a\.xml: made for an image of 300 x 400 pixels, but this one has 400 x 300",
        ),
    ],
)
def test_a_file_that_can_t_be_read_is_named_with_the_reason(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    drawn().save(tmp_path / "a.png")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PluginError, match=message):
        OCR(documents=tmp_path, difficulty=0.0).task(1)


def test_a_pdf_with_a_password_or_10_000_pages_is_named(tmp_path: Path) -> None:
    pdf_of(tmp_path / "a.pdf", [(20, 150, "Garden chair")])
    plain = (tmp_path / "a.pdf").read_text(encoding="latin-1")
    lock = f"/Encrypt << /Filter /Standard /V 1 /R 2 /O <{'41' * 32}> /U <{'42' * 32}> /P -4 >> /ID [<41> <41>]"
    (tmp_path / "a.pdf").write_text(plain.replace("/Root 1 0 R", f"/Root 1 0 R {lock}"), encoding="latin-1")
    with pytest.raises(PluginError, match=r"a\.pdf: the PDF can't be read; it needs a password: remove it"):
        OCR(documents=tmp_path).task(1)
    long = plain.replace("/Kids [4 0 R] /Count 1", f"/Kids [{'4 0 R ' * 10_000}] /Count 10000")
    assert long != plain
    (tmp_path / "b.pdf").write_text(long, encoding="latin-1")
    (tmp_path / "a.pdf").unlink()
    with pytest.raises(PluginError, match=r"b\.pdf: 10,000 pages; at most 2,000 are read: split the file"):
        OCR(documents=tmp_path).task(1)


def test_a_broken_or_huge_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(PluginError, match=r"a\.png: the image can't be read"):
        OCR(documents=tmp_path).task(1)
    Image.new("1", (9_000, 10)).save(tmp_path / "a.png")
    with pytest.raises(PluginError, match=r"a\.png: 9000 x 10 pixels; at most 8,000 a side"):
        OCR(documents=tmp_path).task(1)


def test_a_folder_without_known_text_says_what_it_takes(tmp_path: Path) -> None:
    drawn().save(tmp_path / "a.png")
    with pytest.raises(PluginError, match=r"no page whose text is known \(1 pages without\): it takes PDFs with"):
        OCR(documents=tmp_path).task(1)
    with pytest.raises(PluginError, match="nowhere is not a folder"):
        OCR(documents=tmp_path / "nowhere").task(1)


def test_guesses_know_no_document_by_heart(tmp_path: Path) -> None:
    subnet = folder(tmp_path, "a.txt", "\n".join(ROWS))
    assert not {section.text for section in subnet.guess(1, 200).sections} & {"Invoice No. 1742"}
