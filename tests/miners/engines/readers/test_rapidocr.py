"""PP-OCR models in process: what they read, what they cost, and that a reading can be ended."""

import asyncio
import io
import sys
from importlib.metadata import version

import pytest
from PIL import Image

import miners.engines.readers.rapidocr
from miners import EngineError, load_engine
from miners.engines.readers.lines import Line
from miners.engines.readers.rapidocr import Rapidocr
from miners.ocr import RapidocrReader
from subnets import Meter, Response
from subnets.cost import process_cpu_s
from subnets.ocr import OCR

pytestmark = pytest.mark.slow  # loads neural networks


@pytest.fixture(scope="module")
def loop() -> asyncio.Runner:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def engine(loop: asyncio.Runner) -> Rapidocr:
    opened = Rapidocr(device="cpu")
    loop.run(opened.open())
    yield opened
    loop.run(opened.close())


def test_cells_are_read_apart_with_tight_boxes(loop: asyncio.Runner, engine: Rapidocr, page: bytes) -> None:
    lines = {line.text: line for line in loop.run(engine.read(page))}
    assert {"Invoice No. 1742", "Garden chair", "124.00", "Total amount due", "142.50"} <= set(lines)
    box = lines["Total amount due"]
    assert (box.x1, box.y1) == pytest.approx((24, 174), abs=4) and box.confidence > 80


def test_a_degraded_page_earns_nearly_everything(loop: asyncio.Runner, engine: Rapidocr) -> None:
    subnet = OCR(difficulty=0.5, kinds=("receipt",), width=700)
    task = subnet.task(2)
    answer = loop.run(RapidocrReader(engine=engine).forward(task.query()))
    assert subnet.quality(task, answer) > 0.95
    assert subnet.scorer().score(task, Response(0, answer=answer)).value > 0.85


def test_it_charges_its_own_thread_and_helpers(loop: asyncio.Runner, page: bytes) -> None:
    async def metered() -> float:
        engine, meter = Rapidocr(device="cpu", threads=2), Meter()
        await engine.open()
        before_s = process_cpu_s()
        await meter.run(engine.read(page))
        used_s = process_cpu_s() - before_s
        await engine.close()
        return meter.cost.cpu_s / used_s

    assert loop.run(metered()) == pytest.approx(1.0, abs=0.2)


def test_a_late_reading_ends_before_its_next_batch_and_the_engine_serves_on(
    loop: asyncio.Runner, engine: Rapidocr, page: bytes, dense_page: bytes
) -> None:
    async def whole() -> float:
        meter = Meter()
        await meter.run(engine.read(dense_page))
        return meter.cost.cpu_s

    async def late() -> tuple[float, tuple[Line, ...]]:
        meter = Meter()
        with pytest.raises(TimeoutError, match=r"not read within 0\.05 s"):
            await meter.run(engine.read(dense_page, timeout_s=0.05))
        return meter.cost.cpu_s, await engine.read(page)

    used_s, lines = loop.run(late())
    assert 0 < used_s < 0.75 * loop.run(whole()) and "Garden chair" in [line.text for line in lines]


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3)])
def test_an_image_too_small_for_text_has_none(loop: asyncio.Runner, engine: Rapidocr, size: tuple[int, int]) -> None:
    png = io.BytesIO()
    Image.new("L", size, 0).save(png, "PNG")
    assert loop.run(engine.read(png.getvalue())) == ()


def test_an_engine_that_is_not_open_says_so(page: bytes) -> None:
    with pytest.raises(RuntimeError, match="rapidocr engine is not open"):
        asyncio.run(Rapidocr().read(page))


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    with pytest.raises(EngineError, match=r"pip install 'subnetlab\[rapidocr\]'"):
        asyncio.run(Rapidocr().open())


def test_a_gpu_that_onnxruntime_was_not_built_for_is_an_error_with_the_fix() -> None:
    with pytest.raises(EngineError, match=rf"onnxruntime {version('onnxruntime')} has no CUDA; .* onnxruntime-gpu"):
        asyncio.run(Rapidocr(device="cuda").open())


def test_it_asks_for_a_gpu_only_where_its_package_can_use_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(miners.engines.readers.rapidocr, "gpu_here", lambda: True)
    assert Rapidocr().gpus == 0.0 and Rapidocr(device="cuda", gpu_share=0.5).gpus == 0.5
    monkeypatch.setattr(miners.engines.readers.rapidocr, "_has_cuda_build", lambda: True)
    assert Rapidocr().gpus == 1.0 and Rapidocr(device="cpu").gpus == 0.0


def test_its_threads_are_the_cores_that_it_asks_for() -> None:
    assert load_engine({"kind": "rapidocr", "threads": 3}).cpus == 3.0
