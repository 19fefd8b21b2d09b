"""The tesseract process: what it reads, what it costs, and that it can be stopped."""

import asyncio
import io
import os
import time
from pathlib import Path

import psutil
import pytesseract
import pytest
from PIL import Image

from miners import EngineError, load_engine
from miners.engines.image import open_image
from miners.engines.readers.lines import Line
from miners.engines.readers.reader import Reading
from miners.engines.readers.tesseract import Tesseract, installed
from subnets import Meter
from subnets.cost import process_cpu_s


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if child.name() == "tesseract"]


def read(image: bytes, **options: object) -> tuple[Line, ...]:
    return asyncio.run(Tesseract(**options).read(image))


def test_cells_are_read_apart_with_their_boxes(page: bytes) -> None:
    lines = {line.text: line for line in read(page)}
    assert {"Invoice No. 1742", "Garden chair", "124.00", "Total amount due", "142.50"} <= set(lines)
    box = lines["Total amount due"]
    assert (box.x1, box.y1) == pytest.approx((24, 172), abs=8) and box.x2 < 300


def test_a_page_is_read_as_the_engines_own_python_package_reads_it(page: bytes) -> None:
    words = Tesseract().recognise(Reading(open_image(page), 1.0, 30.0))
    table = pytesseract.image_to_data(Image.open(io.BytesIO(page)), config="--psm 3", output_type="dict")
    columns = (table[name] for name in ("text", "left", "top", "width", "height", "conf"))
    assert [(w.text, w.x1, w.y1, w.x2 - w.x1, w.y2 - w.y1) for w in words] == [
        row[:5] for row in zip(*columns, strict=True) if row[5] != -1 and row[0].strip()
    ]


def test_a_scaled_page_has_its_boxes_in_pixels_of_the_page(page: bytes) -> None:
    engine = Tesseract()
    full, half = (
        {line.text: line for line in asyncio.run(engine.read(page, scale=scale))}["Garden chair"] for scale in (1, 0.75)
    )
    assert (half.x1, half.y1, half.x2, half.y2) == pytest.approx((full.x1, full.y1, full.x2, full.y2), abs=4)


def test_what_it_charges_is_what_the_kernel_counted(dense_page: bytes) -> None:
    before, meter = process_cpu_s(), Meter()
    asyncio.run(meter.run(Tesseract().read(dense_page)))
    assert meter.cost.cpu_s == pytest.approx(process_cpu_s() - before, rel=0.2)
    assert meter.cost.cpu_s > 0


def test_engines_side_by_side_charge_each_for_its_own(page: bytes, dense_page: bytes) -> None:
    async def both() -> tuple[Meter, Meter]:
        light, heavy = Meter(), Meter()
        await asyncio.gather(light.run(Tesseract().read(page)), heavy.run(Tesseract(psm=6).read(dense_page)))
        return light, heavy

    before = process_cpu_s()
    light, heavy = asyncio.run(both())
    assert light.cost.cpu_s < heavy.cost.cpu_s
    assert light.cost.cpu_s + heavy.cost.cpu_s == pytest.approx(process_cpu_s() - before, rel=0.2)


def test_it_keeps_to_one_thread(page: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_THREAD_LIMIT", raising=False)
    spy = tmp_path / "tesseract"
    spy.write_text(f'#!/bin/sh\necho "$OMP_THREAD_LIMIT" > {tmp_path}/seen\n: > "$2.tsv"\n')
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    read(page)
    assert (tmp_path / "seen").read_text().strip() == "1"
    assert "OMP_THREAD_LIMIT" not in os.environ  # which other engines of this process would obey


def test_a_cancelled_reading_leaves_no_process_and_is_still_charged(long_page: bytes) -> None:
    async def cancelled() -> Meter:
        meter = Meter()
        task = asyncio.create_task(meter.run(Tesseract().read(long_page)))
        while not children():
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait({task}, timeout=2)
        assert task.cancelled() and not children()
        return meter

    assert asyncio.run(cancelled()).cost.cpu_s > 0


def test_a_reading_cancelled_before_its_process_started_starts_none(page: bytes) -> None:
    async def cancelled() -> None:
        task = asyncio.create_task(Tesseract().read(page))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task}, timeout=2)
        assert task.cancelled() and not children()

    asyncio.run(cancelled())


@pytest.mark.parametrize(("own", "given"), [(0.1, 30.0), (30.0, 0.1)])
def test_a_late_reading_is_killed(long_page: bytes, own: float, given: float) -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r"not read within 0\.1 s"):
        asyncio.run(Tesseract(timeout_s=own).read(long_page, timeout_s=given))
    assert time.monotonic() - started < 2 and not children()


def test_the_engine_serves_on_after_a_cancelled_reading(page: bytes, long_page: bytes) -> None:
    async def twice() -> tuple[Line, ...]:
        engine = Tesseract()
        task = asyncio.create_task(engine.read(long_page))
        await asyncio.sleep(0.1)
        task.cancel()
        return await engine.read(page)

    assert "Garden chair" in [line.text for line in asyncio.run(twice())]


def test_a_failure_is_told_in_tesseracts_own_words(
    page: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = tmp_path / "tesseract"
    failing.write_text("#!/bin/sh\necho 'Error during processing.' >&2\nexit 1\n")
    failing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(RuntimeError, match="tesseract ended with 1: .*Error during processing"):
        read(page)


def test_a_missing_binary_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(EngineError, match="apt-get install tesseract-ocr tesseract-ocr-eng"):
        asyncio.run(Tesseract().open())


def test_missing_languages_are_named_with_the_command_that_installs_them() -> None:
    with pytest.raises(EngineError, match=r"no data for xxx, chi_none .*tesseract-ocr-xxx tesseract-ocr-chi-none"):
        asyncio.run(Tesseract(language="eng+xxx+chi_none").open())


def test_what_is_installed_is_known() -> None:
    tesseract = installed()
    assert "eng" in tesseract.languages and tesseract.version[0].isdigit() and Path(tesseract.tessdata).is_dir()


@pytest.mark.parametrize("language", ["", "eng;ls", "--list-langs", "../eng", "eng+"])
def test_a_language_that_is_not_a_name_is_refused(language: str) -> None:
    with pytest.raises(ValueError, match=r"tesseract\.language"):
        load_engine({"kind": "tesseract", "language": language})
