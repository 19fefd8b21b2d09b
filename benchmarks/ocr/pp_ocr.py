"""Pages of PP-OCR through the lab, beside rapidocr alone, and of lines read in batches over several pages.

    python benchmarks/ocr/pp_ocr.py [--pages 8] [--width 700] [--together 4]

The lab decodes a page, reads it on a host, meters it, and receives and grades the answer; rapidocr alone reads the
decoded pixels. Both read each page in turn on one thread. Times are CPU seconds, which other work on the machine hardly
changes. `document_tests` grades the same answers by as many tests as olmOCR-bench has for a page.
"""

import argparse
import asyncio
import io
import time
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from cluster.hosts.host import Host
from miners.engines.readers.rapidocr import Rapidocr
from miners.ocr import RapidocrReader
from subnets import Response
from subnets.cost import process_cpu_s
from subnets.ocr import OCR
from subnets.ocr.document_test import DocumentTest
from subnets.ocr.grading.document_tests import passed_share
from subnets.ocr.page import page_of
from validators import receive

TESTS = 5
"""Tests of a page in olmOCR-bench, in the mean."""


def pixels_of(image: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(image)).convert("L").convert("RGB"))


def crops_of(models: Any, pixels: np.ndarray) -> list[np.ndarray]:
    """Detect the lines of a page, as rapidocr does before it reads them."""
    prepared, _ = models.preprocess_img(pixels)
    return list(models.detect_and_crop(prepared, {})[0])


def recognised(models: Any, crops: list[np.ndarray], batch: int) -> float:
    """Read lines in batches of a size; return the CPU seconds."""
    models.text_rec.rec_batch_num = batch
    started = process_cpu_s()
    models.recognize_txt(crops)
    return process_cpu_s() - started


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=8)
    parser.add_argument("--width", type=int, default=700)
    parser.add_argument("--together", type=int, default=4, help="pages whose lines are read in one batch")
    options = parser.parse_args()

    subnet = OCR(width=options.width, difficulty=0.3)
    tasks = [subnet.task(seed) for seed in range(options.pages)]
    miner = RapidocrReader(engine=Rapidocr(timeout_s=300.0))
    host = Host("pp-ocr", {0: miner})
    await host.open()
    models: Any = miner.engine._models
    lab_s, bare_s, test_ms = [], [], []
    for task in tasks:
        pixels = pixels_of(task.prompt.image)
        started = process_cpu_s()
        models(pixels)
        bare_s.append(process_cpu_s() - started)
        started = process_cpu_s()
        response: Response = receive(subnet, await host.serve(0, task.query(timeout_s=300.0)))
        score = subnet.scorer().score(task, response)
        lab_s.append(process_cpu_s() - started)
        assert score.value, response.reason
        assert response.answer is not None
        lines = [line.text for line in page_of(task).lines][:TESTS]
        tests = tuple(DocumentTest(pdf="page.pdf", id=text, type="present", text=text) for text in lines)
        began = time.process_time()
        passed_share(tests, subnet.text_of(response.answer))
        test_ms.append(1000 * (time.process_time() - began))
    ratio = sum(bare_s) / sum(lab_s)
    print(
        f"{len(tasks)} pages, {options.width} wide: rapidocr alone {len(tasks) / sum(bare_s):.3f} pages a CPU second,"
    )
    print(f"through the lab {len(tasks) / sum(lab_s):.3f}; ratio {ratio:.3f}, of single pages {_range(bare_s, lab_s)}")
    print(f"document_tests: {median(test_ms):.2f} ms of CPU a page at the median, {max(test_ms):.2f} ms at most")

    crops = [crops_of(models, pixels_of(task.prompt.image)) for task in tasks[: options.together]]
    usual = models.text_rec.rec_batch_num
    everything = [crop for page in crops for crop in page]
    alone_s = [sum(recognised(models, page, usual) for page in crops) for _ in range(2)]
    print(f"{len(everything)} lines of {len(crops)} pages: {min(alone_s):.2f} CPU s page by page, {usual} at once")
    for batch in (usual, 4 * usual, len(everything)):
        together_s = [recognised(models, everything, batch) for _ in range(2)]
        print(f"    over all pages, {batch} at once: {min(alone_s) / min(together_s):.2f} times as fast")
    await host.close()


def _range(above: list[float], below: list[float]) -> str:
    ratios = [one / other for one, other in zip(above, below, strict=True)]
    return f"{min(ratios):.3f} to {max(ratios):.3f}"


if __name__ == "__main__":
    asyncio.run(main())
