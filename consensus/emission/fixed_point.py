"""The fixed point of emission: whole numbers of bits, truncated as the chain truncates.

A share is held as U64F64, so that 1 is `ONE`; money on its way to rao as U96F32, so that 1 rao is `RAO`.
"""

from collections.abc import Mapping

ONE = 1 << 64
"""One in U64F64."""
RAO = 1 << 32
"""One in U96F32 and I32F32."""
LARGEST_I32F32 = (1 << 63) - 1
LOG2_E = 12102203 << 9
"""log2(e) in I32F32: the chain's library stores it with 23 fractional bits."""
E_BITS = 22802600 << 9
"""exp(1), stored likewise."""
EXP_TERMS = 32


def ratio(numerator: int, denominator: int) -> int:
    """Divide two values of one format and return U64F64 bits; 0 for a denominator of 0."""
    return (numerator << 64) // denominator if denominator else 0


def times(a: int, b: int) -> int:
    """Multiply two U64F64 values."""
    return a * b >> 64


def normalised(values: Mapping[int, int]) -> dict[int, int]:
    """Divide U64F64 values by their sum; all are 0 if it is 0."""
    total = sum(values.values())
    return {key: ratio(value, total) for key, value in values.items()}


def power(base: int, exponent: int) -> int:
    """Return base^exponent in I32F32 bits as the chain computes it, exp(exponent * ln(base)).

    The result is the largest number of the format where it would overflow, and 0 where the base has no logarithm.
    """
    if base <= 0:
        return 0
    return _exponential(exponent * _logarithm(base))


def _multiply(a: int, b: int) -> int:
    return a * b >> 32


def _divide(a: int, b: int) -> int:
    size = (abs(a) << 32) // abs(b)
    return size if (a < 0) == (b < 0) else -size


def _logarithm(bits: int) -> int:
    """Return ln in I32F32 of a positive value, from its binary logarithm."""
    if bits < RAO:
        return -_divide(_binary_logarithm(_divide(RAO, bits)), LOG2_E)
    return _divide(_binary_logarithm(bits), LOG2_E)


def _binary_logarithm(bits: int) -> int:
    """Return log2 of a value of at least 1, one bit for each squaring."""
    whole = bits.bit_length() - 33
    result, rest = whole << 32, bits >> whole
    for place in range(31, -1, -1):
        rest = _multiply(rest, rest)
        if rest >= 2 * RAO:
            rest >>= 1
            result |= 1 << place
    return result


def _exponential(bits: int) -> int:
    """Return exp in I32F32 by the chain's series; it saturates."""
    if bits == 0:
        return RAO
    if bits == RAO:
        return E_BITS
    size = abs(bits)
    term, total = size, size + RAO
    for place in range(2, EXP_TERMS):
        term = _multiply(term, size) // place
        total += term
    if total > LARGEST_I32F32:
        return 0 if bits < 0 else LARGEST_I32F32
    return _divide(RAO, total) if bits < 0 else total
