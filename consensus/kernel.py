"""The epoch's integer arithmetic, compiled with numba: one function per step, one loop over cases.

Numbers are I32F32: int64 bits, ONE = 2^32. Products and quotients are exact 128-bit results floored or
truncated as the chain does; where a float64 appears it only proposes a quotient that an integer
remainder then corrects, or divides whole numbers so small that its floor is provably exact.
Cells are handled column by column (one miner, all validators), so that time and memory are linear in
the stored cells. All kernels share this file because numba's disk cache only watches the file that
holds the entry point.
"""

# mypy: disable-error-code="untyped-decorator"
from typing import Any

import numpy as np
from numba import njit

ONE = 1 << 32
HALF = 1 << 31
E_BITS = 22802600 << 9
"""exp(1): the chain's library stores it with 23 fractional bits."""
EXP_LIMIT = 20 << 32
EXP_TERMS = 32
EXP_SHORT = 8 << 32
"""Below it every product of the series stays under 2^45, where one float64 quotient is exact."""
TWO_32 = float(ONE)
MASK_INT = 0xFFFFFFFF
MASK = np.uint64(MASK_INT)
SHIFT = np.uint64(32)

(WHITEPAPER, NAKAMOTO, YUMA1, LIQUID_V1, YUMA3) = range(5)
SETUP = (
    "version", "dense", "kappa", "penalty", "alpha", "liquid", "alpha_low", "alpha_high", "slope", "log_low", "log_high",
    "previous", "rho", "cutoff", "max_validators", "threshold", "block", "last_tempo", "owner",
)  # fmt: skip
(
    P_VERSION, P_DENSE, P_KAPPA, P_PENALTY, P_ALPHA, P_LIQUID, P_ALPHA_LOW, P_ALPHA_HIGH, P_SLOPE, P_LOG_LOW, P_LOG_HIGH,
    P_PREVIOUS, P_RHO, P_CUTOFF, P_MAX_VALIDATORS, P_THRESHOLD, P_BLOCK, P_LAST_TEMPO, P_OWNER,
) = range(19)  # fmt: skip
BITS = (
    "stake", "active_stake", "consensus", "validator_trust", "incentive", "dividends", "rank", "trust",
    "server_share", "validator_share", "combined_share",
)  # fmt: skip

jit: Any = njit(cache=True, error_model="numpy", nogil=True)


@jit
def multiply(a, b):  # type: ignore[no-untyped-def]
    """(a * b) >> 32, exact for a, b in 0..2^32."""
    ua = np.uint64(a)
    ub = np.uint64(b)
    return np.int64((ua >> SHIFT) * ub + (((ua & MASK) * ub) >> SHIFT))


@jit
def multiply_signed(a, b):  # type: ignore[no-untyped-def]
    """(a * b) >> 32, floored and saturating, for any signed pair."""
    estimate = float(a) * float(b)
    if estimate >= 2.0**95:
        return np.int64(0x7FFFFFFFFFFFFFFF)
    if estimate <= -(2.0**95):
        return np.int64(-0x7FFFFFFFFFFFFFFF)
    ah = a >> 32
    bh = b >> 32
    al = np.uint64(a) & MASK
    bl = np.uint64(b) & MASK
    return ((ah * bh) << 32) + ah * np.int64(bl) + np.int64(al) * bh + np.int64((al * bl) >> SHIFT)


@jit
def divide(x, by, reciprocal):  # type: ignore[no-untyped-def]
    """(x << 32) // by for a quotient up to 2^33; `reciprocal` is 2^32 / by, whose proposal is off by one at most."""
    quotient = np.int64(float(x) * reciprocal)
    remainder = (x << 32) - quotient * by  # wraps, but the true remainder is small
    return quotient + np.int64(remainder >= by) - np.int64(remainder < 0)


@jit
def divide_wide(x, by):  # type: ignore[no-untyped-def]
    """(x << 32) // by for x >= 0 and 0 < by <= 2^32, saturating."""
    whole = x // by
    if whole >= 1 << 31:
        return np.int64(0x7FFFFFFFFFFFFFFF)
    return (whole << 32) + np.int64((np.uint64(x - whole * by) << SHIFT) // np.uint64(by))


@jit
def share(x, total):  # type: ignore[no-untyped-def]
    """(x << 32) // total for 0 <= x <= total < 2^63, bit by bit: stakes do not fit the other division."""
    rest = np.uint64(x)
    by = np.uint64(total)
    bits = np.int64(0)
    if rest >= by:
        rest -= by
        bits = np.int64(1)
    for _ in range(32):
        rest = rest << np.uint64(1)
        bits = bits << 1
        if rest >= by:
            rest -= by
            bits += 1
    return bits


@jit
def normalise(values):  # type: ignore[no-untyped-def]
    """Divide each entry by the sum, in place; a zero sum changes nothing."""
    total = np.int64(0)
    for i in range(values.shape[0]):
        total += values[i]
    if total > 0:
        reciprocal = TWO_32 / float(total)
        for i in range(values.shape[0]):
            values[i] = divide(values[i], total, reciprocal)


@jit
def exponential(x, term, total, out):  # type: ignore[no-untyped-def]
    """exp of each I32F32 in x, by the chain's 31-term series; `term` and `total` are scratch of the same length."""
    count = x.shape[0]
    largest = np.int64(0)
    for k in range(count):
        size = min(abs(x[k]), EXP_LIMIT)
        out[k] = size
        term[k] = size
        total[k] = ONE + size
        largest = max(largest, size)
    for i in range(2, EXP_TERMS):
        inverse = 1.0 / i
        alive = np.int64(0)
        if largest < EXP_SHORT:
            for k in range(count):
                t = np.uint64(term[k])
                u = np.uint64(out[k])
                th, tl, uh, ul = t >> SHIFT, t & MASK, u >> SHIFT, u & MASK
                product = np.int64(((th * uh) << SHIFT) + th * ul + tl * uh + ((tl * ul) >> SHIFT))
                quotient = np.int64((float(product) + 0.5) * inverse)
                term[k] = quotient
                total[k] += quotient
                alive |= quotient
        else:
            for k in range(count):
                t = np.uint64(term[k])
                u = np.uint64(out[k])
                th, tl, uh, ul = t >> SHIFT, t & MASK, u >> SHIFT, u & MASK
                product = np.int64(((th * uh) << SHIFT) + th * ul + tl * uh + ((tl * ul) >> SHIFT))
                quotient = product // i
                term[k] = quotient
                total[k] += quotient
                alive |= quotient
        if alive == 0:
            break
    for k in range(count):
        result = total[k]
        if x[k] < 0:
            result = divide(np.int64(ONE), result, TWO_32 / float(result))
        elif x[k] == ONE:
            result = np.int64(E_BITS)
        out[k] = result


@jit
def largest_within(values, weights, below, limit, low, high):  # type: ignore[no-untyped-def]
    """Largest v in low..high with below + (weight of values < v) <= limit; low itself must satisfy it."""
    while low < high:
        middle = low + ((high - low + 1) >> 1)
        total = np.int64(below)
        for k in range(values.shape[0]):
            total += weights[k] if values[k] < middle else 0
        if total <= limit:
            low = middle
        else:
            high = middle - 1
    return low


@jit
def order_statistic(values, position):  # type: ignore[no-untyped-def]
    """The entry at `position` (from 0) of the ascending values, all in 0..2^33."""
    return largest_within(values, np.ones(values.shape[0], np.int64), 0, position, np.int64(0), np.int64(2 * ONE))


@jit
def weighted_median(scores, weights, total, limit):  # type: ignore[no-untyped-def]
    """Largest occurring score w with weight(score < w) <= limit, else the smallest; absent scores are 0.

    `scores` and `weights` hold the present cells; `total` counts the absent ones' weight too.
    """
    present = np.int64(0)
    low = np.int64(2 * ONE)
    high = np.int64(0)
    for k in range(scores.shape[0]):
        if weights[k] > 0:
            present += weights[k]
            low = min(low, scores[k])
            high = max(high, scores[k])
    if present == 0 or (total > present and total - present > limit):
        return np.int64(0)
    if limit < 0:
        return np.int64(0) if total > present else low
    return largest_within(scores, weights, total - present, limit, low, high)


@jit
def transpose(ptr, idx, val, limit, registered, keep_self, col_ptr, col_row, col_val, row_sum):  # type: ignore[no-untyped-def]
    """Rows to columns, keeping cell (i, j) if registered[j] < limit[i] and (i != j or keep_self is i or -2)."""
    n = limit.shape[0]
    col_ptr[:] = 0
    for i in range(n):
        total = np.int64(0)
        for k in range(ptr[i], ptr[i + 1]):
            j = np.int64(idx[k])
            if registered[j] < limit[i] and (i != j or keep_self == i or keep_self == -2):
                col_ptr[j + 1] += 1
                total += val[k]
        row_sum[i] = total
    for j in range(n):
        col_ptr[j + 1] += col_ptr[j]
    cursor = col_ptr[:n].copy()
    for i in range(n):
        for k in range(ptr[i], ptr[i + 1]):
            j = np.int64(idx[k])
            if registered[j] < limit[i] and (i != j or keep_self == i or keep_self == -2):
                at = cursor[j]
                cursor[j] = at + 1
                col_row[at] = i
                col_val[at] = val[k]


@jit
def stakes_and_permits(setup, stake, permit, last_update, bits, active, permitted, new_permit):  # type: ignore[no-untyped-def]
    """Steps 1 to 7: who is active, who may validate now and next, and whose stake counts."""
    n = stake.shape[0]
    modern = setup[P_VERSION] in (YUMA1, YUMA3)
    owner = setup[P_OWNER] if modern else -1
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
def consensus_and_ranks(setup, ptr, row, val, row_sum, bits, record):  # type: ignore[no-untyped-def]
    """Steps 10 to 14: row-normalised weights, their stake-weighted median, clipped ranks, trust, incentive."""
    n = bits.shape[1]
    active, consensus, vtrust, rank, trust = bits[1], bits[2], bits[3], bits[6], bits[7]
    median_stake = active.copy()
    normalise(median_stake)
    total = median_stake.sum()
    limit = total - setup[P_KAPPA]
    nakamoto = setup[P_VERSION] == NAKAMOTO
    threshold = np.int64(429496730) // (n + 1)  # 0.1 to the nearest bit
    score = np.empty(n, np.int64)
    weight = np.empty(n, np.int64)
    for j in range(n):
        start, count = ptr[j], ptr[j + 1] - ptr[j]
        weigh_column(row[start : start + count], val[start : start + count], row_sum, score)
        support = np.int64(0)
        for k in range(count):
            i = row[start + k]
            weight[k] = median_stake[i]
            support += active[i] if score[k] > threshold else 0
        if nakamoto:
            consensus[j] = ONE
            trust[j] = support
        else:
            consensus[j] = weighted_median(score[:count], weight[:count], total, limit)
        before = np.int64(0)
        after = np.int64(0)
        for k in range(count):
            i = row[start + k]
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
    if nakamoto:
        x = np.empty(n, np.int64)
        for j in range(n):
            x[j] = min(max(multiply_signed(-setup[P_RHO] << 32, trust[j] - setup[P_KAPPA]), -EXP_LIMIT), EXP_LIMIT)
        exponential(x, np.empty(n, np.int64), np.empty(n, np.int64), consensus)
        normalise(rank)
        for j in range(n):
            by = ONE + consensus[j]
            consensus[j] = divide(np.int64(ONE), by, TWO_32 / float(by))
            bits[4, j] = multiply(rank[j], consensus[j])
        normalise(bits[4])
    else:
        normalise(rank)
        bits[4, :] = rank


@jit
def weigh_column(row, val, row_sum, score):  # type: ignore[no-untyped-def]
    """Row-normalised weights of one column: (u16 << 32) // row sum, exact in float64 as both fit 48 and 28 bits."""
    for k in range(row.shape[0]):
        score[k] = np.int64(float(np.int64(val[k]) << 32) / float(row_sum[row[k]]))


@jit
def bond_targets(setup, score, consensus, out):  # type: ignore[no-untyped-def]
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
            # floored even though it is negative: penalty * (clipped - w) / 2^32
            cut = (penalty * (w - clipped) + MASK_INT) >> 32
            out[k] = w - cut if w > cut else -1


@jit
def sigmoid_alphas(setup, target, old, consensus, x, term, total, alpha):  # type: ignore[no-untyped-def]
    """Liquid alpha 2: one rate per bond, from how far the weight is from consensus or from the bond."""
    low, high, slope = setup[P_ALPHA_LOW], setup[P_ALPHA_HIGH], setup[P_SLOPE]
    for k in range(target.shape[0]):
        gap = target[k] - consensus if target[k] >= old[k] else old[k] - target[k]
        gap = min(max(gap, 0), ONE) - HALF
        slope_low = np.int64(slope & MASK_INT)
        x[k] = min(max((slope >> 32) * gap + ((slope_low * gap) >> 32), -EXP_LIMIT), EXP_LIMIT)
    exponential(x, term, total, alpha)
    for k in range(target.shape[0]):
        by = ONE + alpha[k]
        sigma = divide(np.int64(ONE), by, TWO_32 / float(by))
        alpha[k] = min(max(low + multiply(sigma, high - low), low), high)


@jit
def quantile(values, quarter):  # type: ignore[no-untyped-def]
    """The quarter/4 quantile with linear interpolation."""
    position = quarter * (values.shape[0] - 1)
    low = order_statistic(values, position // 4)
    if position % 4 == 0:
        return low
    high = order_statistic(values, position // 4 + 1)
    return low + multiply((position % 4) << 30, high - low)


@jit
def logistic_alphas(setup, consensus, alphas):  # type: ignore[no-untyped-def]
    """Liquid alpha 1: one rate per miner, logistic in its consensus; False if it does not apply."""
    n = consensus.shape[0]
    high = quantile(consensus, 3)
    low = quantile(consensus, 1)
    if setup[P_LIQUID] == 0 or high == 0:
        return False
    slope = np.int64(0)
    offset = np.int64(0)
    if high > low:
        slope = divide_wide(setup[P_LOG_LOW] - setup[P_LOG_HIGH], high - low)
        offset = setup[P_LOG_LOW] + min(multiply_signed(slope, low), np.int64(1 << 62))
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
def merge(rows_a, a, rows_b, b, both, out_row, out_a, out_b):  # type: ignore[no-untyped-def]
    """Union of two columns by row, absent entries as 0; cells with a < 0 are absent; only a's cells if not both."""
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
def bonds_and_dividends(setup, w_ptr, w_row, w_val, row_sum, b_ptr, b_row, b_val, previous, bits, out_ptr, out_row, out_val, record):  # type: ignore[no-untyped-def]  # noqa: E501
    """Steps 15 and 16: new bonds by column into out_*, dividends into bits[5]."""
    n = bits.shape[1]
    active, consensus, incentive, dividends = bits[1], bits[2], bits[4], bits[5]
    version = setup[P_VERSION]
    per_bond = version == YUMA3
    alphas = np.full(n, setup[P_ALPHA])
    reference = consensus
    if per_bond and setup[P_PREVIOUS] != 0:
        reference = previous
    liquid = setup[P_LIQUID] != 0 and per_bond and reference.max() > 0
    if version == LIQUID_V1 and not logistic_alphas(setup, consensus, alphas):
        alphas[:] = setup[P_ALPHA]
    score, target, old = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    u_row = np.empty(n, np.uint16)
    new, was, bond = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    x, term, total, alpha = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    used = 0
    out_ptr[0] = 0
    for j in range(n):
        start, count = w_ptr[j], w_ptr[j + 1] - w_ptr[j]
        row = w_row[start : start + count]
        weigh_column(row, w_val[start : start + count], row_sum, score)
        bond_targets(setup, score[:count], consensus[j], target)
        if record.shape[1] > 0:
            for k in range(count):
                record[2, start + k] = target[k]
        if not per_bond:
            sum_new = np.int64(0)
            for k in range(count):
                target[k] = multiply(active[row[k]], max(target[k], 0))
                sum_new += target[k]
            reciprocal = TWO_32 / float(max(sum_new, 1))
            for k in range(count):
                target[k] = divide(target[k], sum_new, reciprocal) if sum_new > 0 else 0
        b_start, b_count = b_ptr[j], b_ptr[j + 1] - b_ptr[j]
        by = np.int64(0)
        for k in range(b_count):
            by += b_val[b_start + k]
        if per_bond:
            by = np.int64(65535)
        for k in range(b_count):
            old[k] = np.int64(float(np.int64(b_val[b_start + k]) << 32) / float(max(by, 1)))
        both = not liquid or setup[P_DENSE] != 0
        size = merge(row, target[:count], b_row[b_start : b_start + b_count], old, both, u_row, new, was)
        if liquid:
            sigmoid_alphas(setup, new[:size], was[:size], reference[j], x[:size], term, total, alpha)
        else:
            alpha[:size] = alphas[j]
        column = np.int64(0)
        largest = np.int64(0)
        for k in range(size):
            bond[k] = min(multiply(ONE - alpha[k], was[k]) + multiply(alpha[k], new[k]), ONE)
            column += bond[k]
        column = max(column, 1)
        reciprocal = TWO_32 / float(column)
        for k in range(size):
            x[k] = divide(bond[k], column, reciprocal)
        if not per_bond:
            bond[:size] = x[:size]
        for k in range(size):
            largest = max(largest, bond[k])
        upscale = not per_bond and version != NAKAMOTO
        reciprocal = TWO_32 / float(max(largest, 1))
        for k in range(size):
            if bond[k] <= 0:
                continue
            i = u_row[k]
            dividends[i] += multiply(x[k], incentive[j])
            stored = divide(bond[k], largest, reciprocal) if upscale else bond[k]
            out_row[used] = i
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


@jit
def emissions(setup, rao, bits, paid):  # type: ignore[no-untyped-def]
    """Step 17: shares of the epoch's rao; stake stands in where nobody earned anything."""
    n = bits.shape[1]
    active, incentive, dividends = bits[1], bits[4], bits[5]
    total = np.int64(0)
    for i in range(n):
        total += incentive[i] + dividends[i]
    stand_in = bits[1] if active.max() > 0 else bits[0]
    reciprocal = TWO_32 / float(max(total, 1))
    for i in range(n):
        if total > 0:
            bits[8, i] = divide(incentive[i], total, reciprocal)
            bits[9, i] = divide(dividends[i], total, reciprocal)
            bits[10, i] = divide(incentive[i] + dividends[i], total, reciprocal)
        else:
            bits[8, i] = 0
            bits[9, i] = stand_in[i]
            bits[10, i] = stand_in[i]
        for kind in range(3):
            part = bits[8 + kind, i]
            # part <= 2^32 and rao < 2^63: the high half times part fits 64 bits
            low = (np.uint64(part) * (np.uint64(rao) & MASK)) >> SHIFT
            paid[kind, i] = rao if part == ONE else part * (rao >> 32) + np.int64(low)


@jit
def store_bonds(col_ptr, col_row, col_val, ptr, idx, val, permitted, new_permit, base, out_ptr, out_idx, out_val):  # type: ignore[no-untyped-def]  # noqa: E501
    """Step 18: rows of new permits rewritten, of lost ones emptied, others untouched; returns the end of the output."""
    n = new_permit.shape[0]
    counts = np.zeros(n + 1, np.int64)
    for k in range(col_ptr[n]):
        counts[col_row[k]] += 1
    for i in range(n):
        out_ptr[i] = base
        if new_permit[i]:
            base += counts[i]
        elif not permitted[i]:
            for k in range(ptr[i], ptr[i + 1]):
                out_idx[base] = idx[k]
                out_val[base] = val[k]
                base += 1
    cursor = out_ptr[:n].copy()
    for j in range(n):
        for k in range(col_ptr[j], col_ptr[j + 1]):
            i = col_row[k]
            if new_permit[i]:
                out_idx[cursor[i]] = j
                out_val[cursor[i]] = col_val[k]
                cursor[i] += 1
    out_ptr[n] = base
    return base


@jit
def epoch(setup, rao, stake, permit, last_update, registered, commit, previous, w_ptr, w_idx, w_val, b_ptr, b_idx, b_val, bits, paid, active, new_permit, base, out_ptr, out_idx, out_val, cells, record):  # type: ignore[no-untyped-def]  # noqa: E501
    """One epoch of one subnet; returns where its bonds end in out_idx and out_val.

    `cells` and `record` receive every intermediate cell if they are not empty.
    """
    n = stake.shape[0]
    permitted = np.empty(n, np.bool_)
    stakes_and_permits(setup, stake, permit, last_update, bits, active, permitted, new_permit)
    modern = setup[P_VERSION] in (YUMA1, YUMA3)
    limit = np.empty(n, np.int64)
    for i in range(n):
        limit[i] = min(last_update[i], commit[i] + 1 if commit[i] < last_update[i] else last_update[i])
        if not permitted[i]:
            limit[i] = 0
    self_uid = setup[P_OWNER] if modern and setup[P_DENSE] == 0 else -1
    row_sum = np.empty(n, np.int64)
    wc_ptr = np.empty(n + 1, np.int64)
    size = w_ptr[n] - w_ptr[0]
    wc_row, wc_val = np.empty(size, np.uint16), np.empty(size, np.uint16)
    transpose(w_ptr, w_idx, w_val, limit, registered, self_uid, wc_ptr, wc_row, wc_val, row_sum)
    for i in range(n):
        row_sum[i] = max(row_sum[i], 1)
    bits[2:8] = 0
    consensus_and_ranks(setup, wc_ptr, wc_row, wc_val, row_sum, bits, record)
    if setup[P_VERSION] in (YUMA1, YUMA3):
        limit[:] = setup[P_LAST_TEMPO]
    else:
        limit[:] = last_update
    bc_ptr = np.empty(n + 1, np.int64)
    b_size = b_ptr[n] - b_ptr[0]
    bc_row, bc_val = np.empty(b_size, np.uint16), np.empty(b_size, np.uint16)
    bond_sum = np.empty(n, np.int64)
    transpose(b_ptr, b_idx, b_val, limit, registered, -2, bc_ptr, bc_row, bc_val, bond_sum)
    oc_ptr = np.empty(n + 1, np.int64)
    oc_row, oc_val = np.empty(size + b_size, np.uint16), np.empty(size + b_size, np.uint16)
    bonds_and_dividends(
        setup, wc_ptr, wc_row, wc_val, row_sum, bc_ptr, bc_row, bc_val, previous, bits, oc_ptr, oc_row, oc_val, record
    )
    emissions(setup, rao, bits, paid)
    if cells.shape[1] > 0:
        for j in range(n):
            for k in range(wc_ptr[j], wc_ptr[j + 1]):
                cells[0, k], cells[1, k] = wc_row[k], j
            for k in range(oc_ptr[j], oc_ptr[j + 1]):
                cells[2, k], cells[3, k] = oc_row[k], j
        cells[4, 0], cells[4, 1] = wc_ptr[n], oc_ptr[n]
    return store_bonds(oc_ptr, oc_row, oc_val, b_ptr, b_idx, b_val, permitted, new_permit, base, out_ptr, out_idx, out_val)


@jit
def epochs(setup, rao, ends, stake, permit, last_update, registered, commit, previous, w_ptr, w_idx, w_val, b_ptr, b_idx, b_val, bits, paid, active, new_permit, out_ptr, out_idx, out_val, cells, record):  # type: ignore[no-untyped-def]  # noqa: E501
    """Every case of a batch; case c owns neurons ends[c]:ends[c + 1] of the arrays laid end to end."""
    base = np.int64(0)
    for c in range(setup.shape[0]):
        a, b = ends[c], ends[c + 1]
        n = b - a
        case_bits = np.empty((bits.shape[0], n), np.int64)
        case_paid = np.empty((3, n), np.int64)
        base = epoch(
            setup[c], rao[c], stake[a:b], permit[a:b], last_update[a:b], registered[a:b], commit[a:b], previous[a:b],
            w_ptr[a : b + 1], w_idx, w_val, b_ptr[a : b + 1], b_idx, b_val, case_bits, case_paid,
            active[a:b], new_permit[a:b], base, out_ptr[a : b + 1], out_idx, out_val, cells, record,
        )  # fmt: skip
        bits[:, a:b] = case_bits
        paid[:, a:b] = case_paid
    return base
