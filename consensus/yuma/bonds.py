"""Steps 15 and 16 of the epoch, compiled: the weights that buy bonds, their rates, new bonds and dividends."""

# mypy: allow-untyped-defs, no-check-untyped-defs
import numpy as np

from .fixed import (
    EXP_LIMIT,
    HALF,
    LOW_32,
    MASK,
    ONE,
    SHIFT,
    TWO_32,
    divide,
    divide_wide,
    exponential,
    jit,
    multiply,
    multiply_signed,
    normalise,
)
from .median import quartile
from .ranks import weigh_column
from .setup import (
    LIQUID_V1,
    NAKAMOTO,
    P_ALPHA,
    P_ALPHA_HIGH,
    P_ALPHA_LOW,
    P_DENSE,
    P_LIQUID,
    P_LOG_HIGH,
    P_LOG_LOW,
    P_PENALTY,
    P_PREVIOUS,
    P_SLOPE,
    P_VERSION,
    YUMA3,
)


@jit
def bond_targets(setup, score, consensus, out):
    """Step 15: the weights that buy bonds; -1 for a cell that the sparse epoch drops."""
    penalty = setup[P_PENALTY]
    for k in range(score.shape[0]):
        w = score[k]
        clipped = min(w, consensus)
        if penalty == 0:
            out[k] = w
        elif penalty == ONE:
            out[k] = -1 if consensus == 0 and w > 0 else clipped
        else:
            # the difference is negative, so its floor rounds the cut up
            cut = np.int64((np.uint64(penalty) * np.uint64(w - clipped) + MASK) >> SHIFT)
            out[k] = w - cut if w > cut else -1


@jit
def sigmoid_alphas(setup, target, old, consensus, x, term, total, alpha):
    """Liquid alpha 2: one rate per bond, from how far the weight is from consensus or from the bond."""
    low, high, slope = setup[P_ALPHA_LOW], setup[P_ALPHA_HIGH], setup[P_SLOPE]
    for k in range(target.shape[0]):
        gap = target[k] - consensus if target[k] >= old[k] else old[k] - target[k]
        gap = min(max(gap, 0), ONE) - HALF
        slope_low = np.int64(slope & LOW_32)
        x[k] = min(max((slope >> 32) * gap + ((slope_low * gap) >> 32), -EXP_LIMIT), EXP_LIMIT)
    exponential(x, term, total, alpha)
    for k in range(target.shape[0]):
        by = ONE + alpha[k]
        sigma = divide(np.int64(ONE), by, TWO_32 / float(by))
        alpha[k] = min(max(low + multiply(sigma, high - low), low), high)


@jit
def logistic_alphas(setup, consensus, alphas):
    """Liquid alpha 1: one rate per miner, logistic in its consensus; False if it does not apply."""
    n = consensus.shape[0]
    low = np.int64(0)
    high = np.int64(0)
    for quarter in range(1, 4, 2):
        low = high
        high = quartile(consensus, quarter)
    if setup[P_LIQUID] == 0 or high == 0:
        return False
    slope = np.int64(0)
    offset = np.int64(0)
    if high > low:
        slope = divide_wide(setup[P_LOG_LOW] - setup[P_LOG_HIGH], high - low)
        offset = setup[P_LOG_LOW] + min(max(multiply_signed(slope, low), -(1 << 62)), 1 << 62)
    x = np.empty(n, np.int64)
    for j in range(n):
        x[j] = min(max(offset - multiply_signed(slope, consensus[j]), -EXP_LIMIT), EXP_LIMIT)
    exponential(x, np.empty(n, np.int64), np.empty(n, np.int64), alphas)
    for j in range(n):
        by = ONE + alphas[j]
        alphas[j] = divide(np.int64(ONE), by, TWO_32 / float(by))
        alphas[j] = min(max(alphas[j], setup[P_ALPHA_LOW]), setup[P_ALPHA_HIGH])
    return True


@jit
def merge(rows_a, a, rows_b, b, both, out_row, out_a, out_b):
    """Merge two columns by row, with absent entries as 0 and cells with a < 0 absent; only a's cells unless both."""
    count = 0
    i = 0
    j = 0
    size_a = rows_a.shape[0]
    size_b = rows_b.shape[0]
    while i < size_a or j < size_b:
        row_a = np.int64(rows_a[i]) if i < size_a else np.int64(1 << 20)
        row_b = np.int64(rows_b[j]) if j < size_b else np.int64(1 << 20)
        value_a = np.int64(-1)
        value_b = np.int64(0)
        if row_a <= row_b:
            value_a = a[i]
            i += 1
        if row_b <= row_a:
            value_b = b[j]
            j += 1
        if value_a >= 0 or (both and row_b <= row_a):
            out_row[count] = min(row_a, row_b)
            out_a[count] = max(value_a, 0)
            out_b[count] = value_b
            count += 1
    return count


@jit
def normalised_purchases(active, row, target):
    """Yuma1's stake-weighted purchases of one column, in place: active stake times weight, over the column's sum."""
    total = np.int64(0)
    for k in range(row.shape[0]):
        target[k] = multiply(active[row[k]], max(target[k], 0))
        total += target[k]
    total = max(total, 1)
    reciprocal = TWO_32 / float(total)
    for k in range(row.shape[0]):
        target[k] = divide(target[k], total, reciprocal)


@jit
def stored_bonds(val, per_bond, old):
    """One stored column as proportions: of 65535 each, or of the column's sum."""
    by = np.int64(0)
    for k in range(val.shape[0]):
        by += np.int64(val[k])
    by = np.int64(65535) if per_bond else max(by, 1)
    for k in range(val.shape[0]):
        old[k] = np.int64(float(np.int64(val[k]) << 32) / float(by))


@jit
def bonds_and_dividends(setup, w_columns, row_sum, b_columns, previous, bits, record):
    """Steps 15 and 16: dividends into bits[5]; returns the new bonds as (ptr, row, val) columns."""
    w_ptr, w_row, w_val = w_columns
    b_ptr, b_row, b_val = b_columns
    n = bits.shape[1]
    active, consensus, incentive, dividends = bits[1], bits[2], bits[4], bits[5]
    version = setup[P_VERSION]
    per_bond = version == YUMA3
    upscaled = not per_bond and version != NAKAMOTO
    reference = previous if per_bond and setup[P_PREVIOUS] != 0 else consensus
    per_miner = np.empty(n, np.int64)
    logistic = version == LIQUID_V1 and logistic_alphas(setup, consensus, per_miner)
    liquid = False
    for j in range(n):
        if not logistic:
            per_miner[j] = setup[P_ALPHA]
        liquid = liquid or (per_bond and setup[P_LIQUID] != 0 and reference[j] > 0)
    both = not liquid or setup[P_DENSE] != 0
    score, target, old = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    new, was, bond = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    x, term, total, alpha = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    row = np.empty(n, np.uint16)
    out_ptr = np.zeros(n + 1, np.int64)
    out_row = np.empty(w_row.shape[0] + b_row.shape[0], np.uint16)
    out_val = np.empty(w_row.shape[0] + b_row.shape[0], np.uint16)
    used = np.int64(0)
    for j in range(n):
        start, count = w_ptr[j], w_ptr[j + 1] - w_ptr[j]
        rows = w_row[start : start + count]
        weigh_column(rows, w_val[start : start + count], row_sum, score)
        bond_targets(setup, score[:count], consensus[j], target)
        if record.shape[1] > 0:
            for k in range(count):
                record[2, start + k] = target[k]
        if not per_bond:
            normalised_purchases(active, rows, target)
        old_rows = b_row[b_ptr[j] : b_ptr[j + 1]]
        stored_bonds(b_val[b_ptr[j] : b_ptr[j + 1]], per_bond, old)
        size = merge(rows, target, old_rows, old, both, row, new, was)
        if liquid:
            sigmoid_alphas(setup, new[:size], was, reference[j], x[:size], term, total, alpha)
        else:
            for k in range(size):
                alpha[k] = per_miner[j]
        column = np.int64(0)
        largest = np.int64(1)
        for k in range(size):
            bond[k] = min(multiply(ONE - alpha[k], was[k]) + multiply(alpha[k], new[k]), ONE)
            column += bond[k]
        column = max(column, 1)
        reciprocal = TWO_32 / float(column)
        for k in range(size):
            x[k] = divide(bond[k], column, reciprocal)
            bond[k] = bond[k] if per_bond else x[k]
            largest = max(largest, bond[k])
        reciprocal = TWO_32 / float(largest)
        for k in range(size):
            if bond[k] <= 0:
                continue
            dividends[row[k]] += multiply(x[k], incentive[j])
            stored = divide(bond[k], largest, reciprocal) if upscaled else bond[k]
            out_row[used] = row[k]
            out_val[used] = (stored * 65535) >> 32
            if record.shape[1] > 0:
                record[3, used], record[4, used], record[5, used] = was[k], new[k], alpha[k]
                record[6, used], record[7, used] = bond[k], x[k]
            used += 1
        out_ptr[j + 1] = used
    if per_bond:
        for i in range(n):
            dividends[i] = multiply(dividends[i], active[i])
    normalise(dividends)
    return out_ptr, out_row, out_val
