"""Steps 1 to 14 of the epoch, compiled: from stake and weights to consensus, ranks and incentive.

Weights are turned into columns (one miner, all validators) once, so that everything after it is a pass
over the stored cells with scratch the height of one column.
"""

# mypy: allow-untyped-defs, no-check-untyped-defs
import numpy as np

from .fixed import EXP_LIMIT, ONE, TWO_32, divide, exponential, jit, multiply, multiply_signed, normalise, share
from .median import order_statistic, weighted_median
from .setup import (
    NAKAMOTO,
    P_BLOCK,
    P_CUTOFF,
    P_KAPPA,
    P_MAX_VALIDATORS,
    P_OWNER,
    P_RHO,
    P_THRESHOLD,
    P_VERSION,
    TENTH,
    YUMA1,
    YUMA3,
)


@jit
def stakes_and_permits(setup, stake, permit, last_update, bits, active, permitted, new_permit):
    """Steps 1 to 7: which neurons are active, which may validate now and next, and whose stake counts."""
    n = stake.shape[0]
    modern = setup[P_VERSION] == YUMA1 or setup[P_VERSION] == YUMA3
    owner = setup[P_OWNER] if modern else np.int64(-1)
    total = np.int64(0)
    counted = np.zeros(n, np.int64)
    for i in range(n):
        active[i] = last_update[i] + setup[P_CUTOFF] >= setup[P_BLOCK]
        if not modern or stake[i] >= setup[P_THRESHOLD] or i == owner:
            counted[i] = stake[i]
        total += counted[i]
    normal = bits[0]
    for i in range(n):
        normal[i] = share(counted[i], total) if total > 0 else 0
        permitted[i] = permit[i] != 0 or i == owner
        new_permit[i] = not modern or normal[i] > 0
    losers = n - setup[P_MAX_VALIDATORS]
    if losers >= 0:
        edge = order_statistic(normal, losers) if losers < n else np.int64(4 * ONE)
        spare = setup[P_MAX_VALIDATORS]
        for i in range(n):
            spare -= normal[i] > edge
        for i in range(n - 1, -1, -1):
            if normal[i] == edge and spare > 0:
                spare -= 1
            elif normal[i] <= edge:
                new_permit[i] = False
    if owner >= 0:
        new_permit[owner] = True
    for i in range(n):
        counts = active[i] and (permitted[i] or setup[P_VERSION] == NAKAMOTO)
        bits[1, i] = normal[i] if counts else 0
    normalise(bits[1])


@jit
def transpose(ptr, idx, val, limit, registered, self_uid, row_sum):
    """Turn rows into (ptr, row, val) columns, and write the sum of each row's remaining cells into row_sum.

    A cell (i, j) remains if registered[j] < limit[i] and, unless self_uid is i or -2, i != j.
    """
    n = limit.shape[0]
    size = ptr[n] - ptr[0]
    col_ptr = np.zeros(n + 1, np.int64)
    col_row = np.empty(size, np.uint16)
    col_val = np.empty(size, np.uint16)
    for i in range(n):
        total = np.int64(0)
        for k in range(ptr[i], ptr[i + 1]):
            j = np.int64(idx[k])
            if registered[j] < limit[i] and (i != j or self_uid == i or self_uid == -2):
                col_ptr[j + 1] += 1
                total += np.int64(val[k])
        row_sum[i] = total
    for j in range(n):
        col_ptr[j + 1] += col_ptr[j]
    cursor = np.empty(n, np.int64)
    for j in range(n):
        cursor[j] = col_ptr[j]
    for i in range(n):
        for k in range(ptr[i], ptr[i + 1]):
            j = np.int64(idx[k])
            if registered[j] < limit[i] and (i != j or self_uid == i or self_uid == -2):
                at = cursor[j]
                cursor[j] = at + 1
                col_row[at] = i
                col_val[at] = val[k]
    return col_ptr, col_row, col_val


@jit
def weigh_column(row, val, row_sum, score):
    """Row-normalised weights of one column: (u16 << 32) // row sum, exact in float64 as both fit 48 and 28 bits."""
    for k in range(row.shape[0]):
        score[k] = np.int64(float(np.int64(val[k]) << 32) / float(max(row_sum[row[k]], 1)))


@jit
def consensus_and_ranks(setup, columns, row_sum, bits, record):
    """Steps 10 to 14: row-normalised weights, their stake-weighted median, clipped ranks, trust, incentive."""
    ptr, row, val = columns
    n = bits.shape[1]
    active, consensus, vtrust, rank, trust = bits[1], bits[2], bits[3], bits[6], bits[7]
    median_stake = np.empty(n, np.int64)
    for i in range(n):
        median_stake[i] = active[i]
    normalise(median_stake)
    total = np.int64(0)
    for i in range(n):
        total += median_stake[i]
    nakamoto = setup[P_VERSION] == NAKAMOTO
    threshold = np.int64(TENTH) // (n + 1)
    score = np.empty(n, np.int64)
    weight = np.empty(n, np.int64)
    for j in range(n):
        start, count = ptr[j], ptr[j + 1] - ptr[j]
        rows = row[start : start + count]
        weigh_column(rows, val[start : start + count], row_sum, score)
        support = np.int64(0)
        for k in range(count):
            weight[k] = median_stake[rows[k]]
            support += active[rows[k]] if score[k] > threshold else 0
        if nakamoto:
            consensus[j] = ONE
            trust[j] = support
        else:
            consensus[j] = weighted_median(score[:count], weight[:count], total, total - setup[P_KAPPA])
        before = np.int64(0)
        after = np.int64(0)
        for k in range(count):
            i = rows[k]
            clipped = min(score[k], consensus[j])
            before += multiply(active[i], score[k])
            after += multiply(active[i], clipped)
            vtrust[i] += 0 if nakamoto else clipped
        rank[j] = after
        if not nakamoto:
            trust[j] = divide(after, before, TWO_32 / float(before)) if before > 0 else 0
        if record.shape[1] > 0:
            for k in range(count):
                record[0, start + k] = score[k]
                record[1, start + k] = min(score[k], consensus[j])
    normalise(rank)
    if nakamoto:
        vote_sigmoid(setup, trust, consensus)
    for j in range(n):
        bits[4, j] = multiply(rank[j], consensus[j]) if nakamoto else rank[j]
    if nakamoto:
        normalise(bits[4])


@jit
def vote_sigmoid(setup, trust, consensus):
    """Consensus before the median: 1 / (1 + exp(-rho (trust - kappa)))."""
    n = trust.shape[0]
    x = np.empty(n, np.int64)
    for j in range(n):
        x[j] = min(max(multiply_signed(-(setup[P_RHO] << 32), trust[j] - setup[P_KAPPA]), -EXP_LIMIT), EXP_LIMIT)
    exponential(x, np.empty(n, np.int64), np.empty(n, np.int64), consensus)
    for j in range(n):
        by = ONE + consensus[j]
        consensus[j] = divide(np.int64(ONE), by, TWO_32 / float(by))
