"""The chain's fixed point, compiled: I32F32 in int64 bits, ONE = 2^32.

Products and quotients are the 128-bit results, floored or truncated as the chain does. Where a float64
appears it only proposes a quotient that the integer remainder then corrects, or divides whole numbers
so small that its floor is exact.
"""

# mypy: allow-untyped-defs, no-check-untyped-defs
from typing import Any

import numpy as np
from numba import njit

ONE = 1 << 32
HALF = 1 << 31
E_BITS = 22802600 << 9
"""exp(1): the chain's library stores it with 23 fractional bits."""
EXP_LIMIT = 20 << 32
EXP_TERMS = 32
TWO_32 = float(ONE)
LOW_32 = 0xFFFFFFFF
MASK = np.uint64(LOW_32)
SHIFT = np.uint64(32)
INT_MAX = 0x7FFFFFFFFFFFFFFF

_OPTIONS: dict[str, Any] = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
jit: Any = njit(error_model="numpy", **_OPTIONS)
"""Not cached: numba's cache watches one file only, so the entry point in kernel.py carries it for all."""


@jit
def multiply(a, b):
    """(a * b) >> 32, exact for a, b in 0..2^32."""
    ua = np.uint64(a)
    ub = np.uint64(b)
    return np.int64((ua >> SHIFT) * ub + (((ua & MASK) * ub) >> SHIFT))


@jit
def multiply_signed(a, b):
    """(a * b) >> 32, floored and saturating, for any signed pair."""
    estimate = float(a) * float(b)
    if estimate >= 2.0**95:
        return np.int64(INT_MAX)
    if estimate <= -(2.0**95):
        return np.int64(-INT_MAX)
    ah = a >> 32
    bh = b >> 32
    al = np.uint64(a) & MASK
    bl = np.uint64(b) & MASK
    return ((ah * bh) << 32) + ah * np.int64(bl) + np.int64(al) * bh + np.int64((al * bl) >> SHIFT)


@jit
def divide(x, by, reciprocal):
    """(x << 32) // by for a quotient up to 2^33; `reciprocal` is 2^32 / by, whose proposal is off by one at most."""
    quotient = np.int64(float(x) * reciprocal)
    remainder = (x << 32) - quotient * by  # wraps, but the true remainder is small
    return quotient + np.int64(remainder >= by) - np.int64(remainder < 0)


@jit
def divide_wide(x, by):
    """(x << 32) / by, truncated and saturating, for any x and 0 < by <= 2^32."""
    size = abs(x)
    whole = size // by
    if whole >= 1 << 31:
        quotient = np.int64(INT_MAX)
    else:
        quotient = (whole << 32) + np.int64((np.uint64(size - whole * by) << SHIFT) // np.uint64(by))
    return -quotient if x < 0 else quotient


@jit
def share(x, total):
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
def normalise(values):
    """Divide each entry by the sum, in place; a zero sum changes nothing."""
    total = np.int64(0)
    for i in range(values.shape[0]):
        total += values[i]
    if total > 0:
        reciprocal = TWO_32 / float(total)
        for i in range(values.shape[0]):
            values[i] = divide(values[i], total, reciprocal)


@jit
def exponential(x, term, total, out):
    """Exp of each I32F32 in x, by the chain's 31-term series; `term` and `total` are scratch of the same length.

    A term is a product of two numbers of at most 58 and 37 bits, in four 32-bit partial products, over i < 32:
    the first float64 quotient is never too large, and its remainder is small enough for an exact second one.
    """
    count = x.shape[0]
    for k in range(count):
        out[k] = min(abs(x[k]), EXP_LIMIT)
        term[k] = out[k]
        total[k] = ONE + out[k]
    for i in range(2, EXP_TERMS):
        inverse = 1.0 / i
        cautious = inverse * (1.0 - 2.0**-50)
        alive = np.int64(0)
        for k in range(count):
            t = np.uint64(term[k])
            u = np.uint64(out[k])
            th, tl, uh, ul = t >> SHIFT, t & MASK, u >> SHIFT, u & MASK
            product = np.int64(((th * uh) << SHIFT) + th * ul + tl * uh + ((tl * ul) >> SHIFT))
            quotient = np.int64(float(product) * cautious)
            rest = product - quotient * i
            quotient += np.int64((float(rest) + 0.5) * inverse)
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
