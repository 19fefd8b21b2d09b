"""Time of the OCR engines for pages and single lines, compared with plain pytesseract on the same images.

python benchmarks/ocr_engines.py [--pages 12] [--lines 40] [--difficulty 0.2]

Each engine starts from the encoded image and ends with words and boxes. Engines take turns at each image, so that a
busy machine slows them all. Ratios are medians over images, pytesseract / engine, with the 95 % interval of a
bootstrap.
"""

import argparse
import asyncio
import io
import os
import time
from collections.abc import Awaitable, Callable

import numpy as np
from PIL import Image

from miners.engines.readers.reader import Reader
from miners.engines.readers.tesseract import Tesseract
from miners.engines.readers.tesserocr import Tesserocr
from subnets.cost import process_cpu_s
from subnets.ocr import OCR
from subnets.ocr.page import page_of

Read = Callable[[bytes], Awaitable[object]]


def make_images(pages: int, lines: int, difficulty: float) -> dict[str, list[bytes]]:
    """Return pages of the OCR subnet, and lines cut out of other pages."""
    subnet = OCR(difficulty=difficulty)
    line_images: list[bytes] = []
    seed = pages
    while len(line_images) < lines:
        task = subnet.task(seed)
        image = Image.open(io.BytesIO(task.prompt.image))
        # A few from each page, long enough to be worth reading.
        for line in [line for line in page_of(task).lines if len(line.text) >= 10][:5]:
            x1, y1, x2, y2 = line.box
            encoded = io.BytesIO()
            image.crop((round(x1) - 6, round(y1) - 6, round(x2) + 6, round(y2) + 6)).save(encoded, "PNG")
            line_images.append(encoded.getvalue())
        seed += 1
    return {"pages": [subnet.task(seed).prompt.image for seed in range(pages)], "lines": line_images[:lines]}


def by_pytesseract(psm: int) -> Read:
    """Return a reader that uses pytesseract in the usual way, limited to one thread."""
    import pytesseract

    async def read(image: bytes) -> object:
        return pytesseract.image_to_data(Image.open(io.BytesIO(image)), config=f"--psm {psm}", output_type="dict")

    return read


async def measure(readers: dict[str, Read], images: list[bytes]) -> dict[str, np.ndarray]:
    """Return wall and CPU seconds of each reader, (images, 2)."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in readers}
    for read in readers.values():
        await read(images[0])
    for image in images:
        for name, read in readers.items():
            wall, cpu = time.perf_counter(), process_cpu_s()
            await read(image)
            seconds[name].append((time.perf_counter() - wall, process_cpu_s() - cpu))
    return {name: np.array(rows) for name, rows in seconds.items()}


def interval(ratios: np.ndarray) -> str:
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(ratios, (2000, len(ratios))), axis=1)
    low, high = np.percentile(medians, [2.5, 97.5])
    return f"{np.median(ratios):5.2f} [{low:.2f}, {high:.2f}]"


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=12)
    parser.add_argument("--lines", type=int, default=40)
    parser.add_argument("--difficulty", type=float, default=0.2)
    options = parser.parse_args()
    os.environ["OMP_THREAD_LIMIT"] = "1"
    print(f"{'':7} {'engine':12} {'wall ms':>8} {'cpu ms':>8}   {'times faster':20} {'times less cpu':20} n")
    for content, images in make_images(options.pages, options.lines, options.difficulty).items():
        psm = 7 if content == "lines" else 3
        engines: dict[str, Reader] = {"tesseract": Tesseract(psm=psm), "tesserocr": Tesserocr(psm=psm)}
        for engine in engines.values():
            await engine.open()
        readers = {"pytesseract": by_pytesseract(psm)} | {name: engine.read for name, engine in engines.items()}
        seconds = await measure(readers, images)
        for name, rows in seconds.items():
            wall, cpu = np.median(rows, axis=0) * 1000
            ratios = seconds["pytesseract"] / rows
            faster, cheaper = interval(ratios[:, 0]), interval(ratios[:, 1])
            print(f"{content:7} {name:12} {wall:8.1f} {cpu:8.1f}   {faster:20} {cheaper:20} {len(images)}")
        for engine in engines.values():
            await engine.close()


if __name__ == "__main__":
    asyncio.run(main())
