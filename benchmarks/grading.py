"""Measure the time of the OCR scorers for one answer, compared with matching every pair of texts without pruning.

python benchmarks/grading.py [--repeats 200]
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from rapidfuzz.distance import Levenshtein
from scipy.optimize import linear_sum_assignment

from subnets import MalformedAnswer, Response, Task
from subnets.ocr import MAX_SECTIONS, OCR, Font, Line, OCRAnswer, Page, Section, Sections, Tutorial


def page(sections: int, rng: np.random.Generator) -> Page:
    """Return a page with sections in three columns, 6 to 24 letters each."""
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz 0123456789"))
    lines = []
    for number in range(sections):
        x, y = 40.0 + 320 * (number % 3), 40.0 + 24 * (number // 3)
        text = "".join(rng.choice(letters, rng.integers(6, 25))).strip() or "x"
        x2, y2 = x + 11 * len(text), y + 16
        lines.append(Line(text, ((x, y), (x2, y), (x2, y2), (x, y2)), Font(family="Lato", size=20.0)))
    return Page(1000, 1333, tuple(lines))


def read_with_errors(truth: Page, rng: np.random.Generator) -> OCRAnswer:
    """Return an honest answer: one letter in twenty wrong, boxes off by a pixel or two."""
    sections = []
    for line in truth.lines:
        text = "".join("#" if rng.random() < 0.05 else letter for letter in line.text)
        x1, y1, x2, y2 = (np.array(line.box) + rng.uniform(-2, 2, 4)).tolist()
        sections.append(Section(text=text, box=(x1, y1, x2, y2)))
    return OCRAnswer(sections=tuple(sections))


def every_pair(truth: Page, answer: OCRAnswer) -> float:
    """Match as the scorer does, but compare all texts and compute boxes in plain Python."""

    def similarity(line: Line, section: Section) -> float:
        (a1, b1, a2, b2), (c1, d1, c2, d2) = line.box, section.box
        inside = max(0.0, min(a2, c2) - max(a1, c1)) * max(0.0, min(b2, d2) - max(b1, d1))
        iou = inside / ((a2 - a1) * (b2 - b1) + (c2 - c1) * (d2 - d1) - inside)
        text = Levenshtein.normalized_similarity(line.text, section.text)
        return float(text**0.7 * iou**0.3)

    matrix = np.array([[similarity(line, section) for section in answer.sections] for line in truth.lines])
    rows, columns = linear_sum_assignment(matrix, maximize=True)
    return float(matrix[rows, columns].sum())


def median_ms(work: Callable[[], object], repeats: int) -> float:
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return 1000 * float(np.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=200)
    repeats = parser.parse_args().repeats
    rng = np.random.default_rng(0)
    truth = page(60, rng)
    task = Task(id="1", reference=truth)
    junk = tuple(Section(text="junk", box=(0.0, 0.0, 900.0, 900.0)) for _ in range(MAX_SECTIONS))
    worst = tuple(Section(text=line.text + "?", box=line.box) for line in truth.lines * (MAX_SECTIONS // 60))
    answers = {
        "60 read with errors": read_with_errors(truth, rng),
        f"{MAX_SECTIONS:,} page-sized junk": OCRAnswer(sections=junk),
        f"{len(worst):,} near copies": OCRAnswer(sections=worst),
    }
    print(
        f"{'60 true sections against':<28}{'sections':>10}{'tutorial':>10}{'every pair':>12}{'schema':>8}   median ms"
    )
    for name, answer in answers.items():
        response = Response(uid=0, answer=answer)
        body = answer.body()
        cells = [
            median_ms(lambda response=response: Sections().score(task, response), repeats),
            median_ms(lambda response=response: Tutorial().score(task, response), max(5, repeats // 10)),
            median_ms(lambda answer=answer: every_pair(truth, answer), max(3, repeats // 50)),
            median_ms(lambda body=body: OCR().read(body), max(5, repeats // 10)),
        ]
        print(f"{name:<28}{cells[0]:>10.2f}{cells[1]:>10.2f}{cells[2]:>12.2f}{cells[3]:>8.2f}")

    def refuse() -> None:
        try:
            OCR().read(five_thousand)
        except MalformedAnswer:
            return
        raise AssertionError("5,000 sections were read")

    section = b'{"text":"junk","box":[0,0,9,9]}'
    five_thousand = b'{"sections":[' + b",".join([section] * 5000) + b"]}"
    print(f"{'5,000 junk sections':<28}{'refused':>10}{'':>22}{median_ms(refuse, 20):>8.2f}")


if __name__ == "__main__":
    main()
