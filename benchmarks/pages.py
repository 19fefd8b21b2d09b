"""Measure how fast OCR pages are made, by kind and difficulty, compared with printing alone.

python benchmarks/pages.py [--pages 40]
"""

import argparse
import time

from subnets import Seed
from subnets.ocr import OCR
from subnets.ocr.synthetic.printing import print_page

TARGET = 20.0
"""Target in pages per second and core, at the default size."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=40, help="pages per row")
    pages = parser.parse_args().pages

    OCR(kinds=("invoice",), difficulty=1.0).task(0)  # loads fonts and modules
    print(f"{'kind':<10}{'difficulty':>11}{'pages/s/core':>14}{'print alone':>13}{'share':>8}{'kB':>7}")
    total_s = total = 0.0
    for kind in OCR().kinds:
        for difficulty in (0.0, 0.3, 0.6, 1.0):
            subnet = OCR(kinds=(kind,), difficulty=difficulty)
            started = time.process_time()
            sizes = [len(subnet.task(seed).prompt.image) for seed in range(pages)]
            whole_s = time.process_time() - started
            started = time.process_time()
            for seed in range(pages):
                print_page(kind, "en_US", subnet.width, Seed(seed).child("page"))
            print_s = time.process_time() - started
            total_s, total = total_s + whole_s, total + pages
            print(
                f"{kind:<10}{difficulty:>11.1f}{pages / whole_s:>14.1f}{pages / print_s:>13.1f}"
                f"{print_s / whole_s:>8.0%}{sum(sizes) / pages / 1000:>7.0f}"
            )
    print(f"{'all':<10}{'':>11}{total / total_s:>14.1f}   target {TARGET:.0f}, CPU time of one core, {total:.0f} pages")


if __name__ == "__main__":
    main()
