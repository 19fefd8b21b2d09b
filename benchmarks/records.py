"""How fast entries are kept: SQLite beside PostgreSQL, one writer and several, one entry a transaction.

    python benchmarks/records.py [postgresql+psycopg://user@host:port/db]

Without a URL only SQLite is measured. Several writers of SQLite have a file each, as runs do; those of PostgreSQL
share one database. Each entry is a round of seven answers of 2 kB, as the OCR subnet writes them.
"""

import sys
import tempfile
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from lab.record.record import FORMAT, Draft, RunRecord

ENTRIES = 300
ANSWERS = 7
BODY = {"answers": [{"uid": uid, "score": 0.5, "latency_s": 1.234, "reason": "x" * 40} for uid in range(ANSWERS)]}


def write(url: str | None) -> float:
    """Write one record; return the seconds it took."""
    with tempfile.TemporaryDirectory() as folder:
        record = RunRecord.create(Path(folder), url, run=uuid.uuid4().hex)
        record.append([Draft("start", "run", {"format": FORMAT})])
        began = time.perf_counter()
        for number in range(ENTRIES):
            blobs = [f"{number}/{uid}".encode() * 250 for uid in range(ANSWERS)]
            record.append([Draft("round", str(number), BODY)], blobs)
        took = time.perf_counter() - began
        assert record.verify() == ENTRIES + 1
        record.close()
        return took


def main(url: str | None) -> None:
    """Print a table."""
    print(f"{ENTRIES} entries a writer, {ANSWERS} answers of 2 kB each")
    databases: dict[str, str | None] = {"SQLite": None} | ({"PostgreSQL": url} if url else {})
    alone: dict[str, float] = {}
    for name, address in databases.items():
        for writers in (1, 4):
            with ProcessPoolExecutor(writers) as pool:
                began = time.perf_counter()
                list(pool.map(write, [address] * writers))
                rate = writers * ENTRIES / (time.perf_counter() - began)
            alone.setdefault(name, rate)
            beside = rate / alone["SQLite"]
            print(f"{name:<12} {writers} writers  {rate:8.0f} entries/s  {beside:5.2f} of one SQLite writer")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
