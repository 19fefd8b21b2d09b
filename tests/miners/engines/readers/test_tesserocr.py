"""Tesseract in process: the same text, and clear words where something is missing."""

import asyncio
import sys
from pathlib import Path

import pytest
from rapidfuzz.distance import Levenshtein

import miners.engines.readers.tesserocr
from miners import EngineError
from miners.engines.readers.lines import Line
from miners.engines.readers.reader import Reader
from miners.engines.readers.tesseract import Tesseract
from miners.engines.readers.tesserocr import Tesserocr, find_tessdata
from subnets import Meter
from subnets.cost import process_cpu_s
from subnets.ocr import OCR


async def use(engine: Reader, image: bytes, scale: float = 1.0) -> tuple[Line, ...]:
    await engine.open()
    try:
        return await engine.read(image, scale=scale)
    finally:
        await engine.close()


def test_clean_text_is_read_as_the_binary_reads_it(page: bytes) -> None:
    warm, cold = asyncio.run(use(Tesserocr(), page)), asyncio.run(Tesseract().read(page))
    assert [line.text for line in warm] == [line.text for line in cold]
    for one, other in zip(warm, cold, strict=True):
        assert (one.x1, one.y1, one.x2, one.y2) == pytest.approx((other.x1, other.y1, other.x2, other.y2), abs=2)


def test_a_whole_page_differs_by_no_more_than_two_versions_of_tesseract_do() -> None:
    image = OCR(difficulty=0.2).task(3).prompt.image
    warm, cold = asyncio.run(use(Tesserocr(), image)), asyncio.run(Tesseract().read(image))
    texts = ["\n".join(sorted(line.text for line in lines)) for lines in (warm, cold)]
    assert Levenshtein.normalized_similarity(*texts) > 0.97


def test_what_it_charges_is_what_the_kernel_counted(dense_page: bytes) -> None:
    async def metered() -> float:
        engine, meter = Tesserocr(), Meter()
        await engine.open()
        before = process_cpu_s()
        await meter.run(engine.read(dense_page))
        used = process_cpu_s() - before
        await engine.close()
        return meter.cost.cpu_s / used

    assert asyncio.run(metered()) == pytest.approx(1.0, abs=0.2)


def test_the_event_loop_goes_on_while_it_reads(dense_page: bytes) -> None:
    async def ticks() -> int:
        engine, count = Tesserocr(), 0
        await engine.open()
        task = asyncio.create_task(engine.read(dense_page))
        while not task.done():
            await asyncio.sleep(0.005)
            count += 1
        await engine.close()
        return count

    assert asyncio.run(ticks()) > 10


@pytest.fixture(scope="module")
def most_s(dense_page: bytes) -> float:
    """CPU of a little more than half of the long page."""

    async def metered() -> float:
        engine, meter = Tesserocr(), Meter()
        await engine.open()
        await meter.run(engine.read(dense_page))
        await engine.close()
        return 3 * meter.cost.cpu_s

    return 0.2 + asyncio.run(metered())


def test_a_late_reading_ends_by_itself(long_page: bytes, most_s: float) -> None:
    async def late() -> float:
        engine, meter = Tesserocr(), Meter()
        await engine.open()
        with pytest.raises(TimeoutError, match=r"not read within 0\.15 s"):
            await meter.run(engine.read(long_page, timeout_s=0.15))
        await engine.close()
        return meter.cost.cpu_s

    assert asyncio.run(late()) < most_s


def test_a_cancelled_reading_is_over_by_its_deadline_and_the_engine_serves_on(
    page: bytes, long_page: bytes, most_s: float
) -> None:
    async def cancelled() -> tuple[float, tuple[Line, ...]]:
        engine, meter = Tesserocr(), Meter()
        await engine.open()
        task = asyncio.create_task(meter.run(engine.read(long_page, timeout_s=0.6)))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        lines = await engine.read(page)
        await engine.close()
        return meter.cost.cpu_s, lines

    used_s, lines = asyncio.run(cancelled())
    assert used_s < most_s and "Garden chair" in [line.text for line in lines]


def test_an_engine_that_is_not_open_says_so(page: bytes) -> None:
    with pytest.raises(RuntimeError, match="not open"):
        asyncio.run(Tesserocr().read(page))


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tesserocr", None)
    with pytest.raises(EngineError, match=r"pip install 'subnetlab\[tesserocr\]'"):
        asyncio.run(Tesserocr().open())


def test_missing_language_data_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(EngineError, match=r"data for eng, xxx .*apt-get install tesseract-ocr-eng tesseract-ocr-xxx"):
        asyncio.run(Tesserocr(language="eng+xxx").open())


def test_the_folder_that_the_environment_names_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "eng.traineddata").touch()
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    assert find_tessdata() == tmp_path


def test_an_unusual_folder_is_found_by_asking_the_binary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TESSDATA_PREFIX", raising=False)
    monkeypatch.setattr(miners.engines.readers.tesserocr, "FOLDERS", ())
    assert (find_tessdata() / "eng.traineddata").is_file()
