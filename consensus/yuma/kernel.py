"""The compiled epoch, which computes every case of a batch in one call.

    from consensus.yuma.kernel import epochs

Importing this module imports numba; the first call on a machine compiles, later ones load from disk. Where nothing
can be written, each process compiles.
"""

# mypy: allow-untyped-defs, no-check-untyped-defs
import logging
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from .bonds import bonds_and_dividends
from .fixed import MASK, ONE, SHIFT, TWO_32, divide, jit
from .ranks import consensus_and_ranks, stakes_and_permits, transpose
from .setup import P_DENSE, P_LAST_TEMPO, P_OWNER, P_VERSION, YUMA1, YUMA3

logger = logging.getLogger(__name__)


@jit
def emissions(setup, rao, bits, paid):
    """Step 17: shares of the epoch's rao; stake stands in where nobody earned anything."""
    n = bits.shape[1]
    total = np.int64(0)
    any_active = False
    for i in range(n):
        total += bits[4, i] + bits[5, i]
        any_active = any_active or bits[1, i] > 0
    reciprocal = TWO_32 / float(max(total, 1))
    for i in range(n):
        if total > 0:
            bits[8, i] = divide(bits[4, i], total, reciprocal)
            bits[9, i] = divide(bits[5, i], total, reciprocal)
            bits[10, i] = divide(bits[4, i] + bits[5, i], total, reciprocal)
        else:
            bits[8, i] = 0
            bits[9, i] = bits[1, i] if any_active else bits[0, i]
            bits[10, i] = bits[9, i]
        for kind in range(3):
            part = bits[8 + kind, i]
            # part < 2^32 and rao < 2^63 from here: part times rao's high half fits 64 bits
            low = (np.uint64(part) * (np.uint64(rao) & MASK)) >> SHIFT
            paid[kind, i] = rao if part == ONE else part * (rao >> 32) + np.int64(low)


@jit
def store_bonds(columns, ptr, idx, val, permitted, new_permit, base, out_ptr, out_idx, out_val):
    """Step 18: rewrite rows of new permits, empty those of lost ones, keep the others; return the end of the output."""
    col_ptr, col_row, col_val = columns
    n = new_permit.shape[0]
    counts = np.zeros(n + 1, np.int64)
    for k in range(col_ptr[n]):
        counts[col_row[k]] += 1
    for i in range(n):
        out_ptr[i] = base
        if new_permit[i]:
            base += counts[i]
            counts[i] = out_ptr[i]
        elif not permitted[i]:
            for k in range(ptr[i], ptr[i + 1]):
                out_idx[base] = idx[k]
                out_val[base] = val[k]
                base += 1
    for j in range(n):
        for k in range(col_ptr[j], col_ptr[j + 1]):
            i = col_row[k]
            if new_permit[i]:
                at = counts[i]
                out_idx[at] = j
                out_val[at] = col_val[k]
                counts[i] = at + 1
    out_ptr[n] = base
    return base


@jit
def epoch(setup, rao, neurons, weights, bonds, bits, paid, active, new_permit, base, out_bonds, cells, record):
    """One epoch of one subnet; returns where its bonds end in `out_bonds`.

    `cells` and `record` receive every intermediate cell if they are not empty.
    """
    stake, permit, last_update, registered, commit, previous = neurons
    w_ptr, w_idx, w_val = weights
    b_ptr, b_idx, b_val = bonds
    out_ptr, out_idx, out_val = out_bonds
    n = stake.shape[0]
    modern = setup[P_VERSION] == YUMA1 or setup[P_VERSION] == YUMA3
    permitted = np.empty(n, np.bool_)
    stakes_and_permits(setup, stake, permit, last_update, bits, active, permitted, new_permit)
    limit = np.zeros(n, np.int64)
    for i in range(n):
        if permitted[i]:
            limit[i] = last_update[i] if last_update[i] <= commit[i] else commit[i] + 1
    self_uid = setup[P_OWNER] if modern and setup[P_DENSE] == 0 else np.int64(-1)
    row_sum = np.empty(n, np.int64)
    w_columns = transpose(w_ptr, w_idx, w_val, limit, registered, self_uid, row_sum)
    consensus_and_ranks(setup, w_columns, row_sum, bits, record)
    for i in range(n):
        limit[i] = setup[P_LAST_TEMPO] if modern else last_update[i]
    b_columns = transpose(b_ptr, b_idx, b_val, limit, registered, np.int64(-2), np.empty(n, np.int64))
    columns = bonds_and_dividends(setup, w_columns, row_sum, b_columns, previous, bits, record)
    emissions(setup, rao, bits, paid)
    if cells.shape[1] > 0:
        for j in range(n):
            for k in range(w_columns[0][j], w_columns[0][j + 1]):
                cells[0, k], cells[1, k] = w_columns[1][k], j
            for k in range(columns[0][j], columns[0][j + 1]):
                cells[2, k], cells[3, k] = columns[1][k], j
        cells[4, 0], cells[4, 1] = w_columns[0][n], columns[0][n]
    return store_bonds(columns, b_ptr, b_idx, b_val, permitted, new_permit, base, out_ptr, out_idx, out_val)


def _entry_point(sources: int) -> Any:
    @njit(error_model="numpy", nogil=True)
    def epochs(setup, rao, ends, neurons, weights, bonds, bits, paid, active, new_permit, out_bonds, cells, record):
        """Run every case of a batch; case c owns neurons ends[c]:ends[c + 1] of the arrays."""
        base = np.int64(sources * 0)  # a closure's variables are part of the cache's key
        stake, permit, last_update, registered, commit, previous = neurons
        w_ptr, w_idx, w_val = weights
        b_ptr, b_idx, b_val = bonds
        out_ptr, out_idx, out_val = out_bonds
        for c in range(setup.shape[0]):
            a, b = ends[c], ends[c + 1]
            case_bits = np.zeros((bits.shape[0], b - a), np.int64)
            case_paid = np.empty((3, b - a), np.int64)
            base = epoch(
                setup[c],
                rao[c],
                (stake[a:b], permit[a:b], last_update[a:b], registered[a:b], commit[a:b], previous[a:b]),
                (w_ptr[a : b + 1], w_idx, w_val),
                (b_ptr[a : b + 1], b_idx, b_val),
                case_bits,
                case_paid,
                active[a:b],
                new_permit[a:b],
                base,
                (out_ptr[a : b + 1], out_idx, out_val),
                cells,
                record,
            )
            for i in range(a, b):
                for kind in range(bits.shape[0]):
                    bits[kind, i] = case_bits[kind, i - a]
                for kind in range(3):
                    paid[kind, i] = case_paid[kind, i - a]
        return base

    try:
        epochs.enable_caching()
    except RuntimeError:  # neither this folder nor a home can be written to
        logger.info("no place to keep the compiled consensus; each process compiles it again")
    return epochs


def _sources_checksum() -> int:
    names = ("bonds", "fixed", "kernel", "median", "ranks", "setup")
    return zlib.crc32(b"".join(Path(__file__).with_name(f"{name}.py").read_bytes() for name in names))


epochs = _entry_point(_sources_checksum())
