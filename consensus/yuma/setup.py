"""Parameters as the compiled epoch reads them: one row of integers per case, indexed by the names here."""

from functools import lru_cache

from .params import U16_MAX, YumaParams

ONE = 1 << 32
LOG2_E = 12102203 << 9
"""log2(e) as the chain's library holds it, with 23 fractional bits."""
TENTH = 429496730
"""0.1 to the nearest bit: the fixed rate of "nakamoto"; every later rate is 1 - average, floored."""

VERSIONS = ("nakamoto", "yuma1", "liquid_alpha_v1", "yuma3")
NAKAMOTO, YUMA1, LIQUID_V1, YUMA3 = range(4)
(
    P_VERSION,
    P_DENSE,
    P_KAPPA,
    P_PENALTY,
    P_ALPHA,
    P_LIQUID,
    P_ALPHA_LOW,
    P_ALPHA_HIGH,
    P_SLOPE,
    P_LOG_LOW,
    P_LOG_HIGH,
    P_PREVIOUS,
    P_RHO,
    P_CUTOFF,
    P_MAX_VALIDATORS,
    P_THRESHOLD,
    P_BLOCK,
    P_LAST_TEMPO,
    P_OWNER,
) = range(19)
"""Columns of a row; the last three are the state's, the others come from `constants`."""

BITS = 11
"""Rows of the kernel's output: stake, active stake, consensus, validator trust, incentive, dividends, rank, trust,
then the server, validator and combined shares of emission."""


@lru_cache(maxsize=4096)
def constants(params: YumaParams) -> tuple[int, ...]:
    """Return the parameters as the chain's fixed-point integers, in column order."""
    penalty = {"nakamoto": 0, "liquid_alpha_v1": U16_MAX}.get(params.version, params.bonds_penalty)
    mode = params.liquid_alpha_consensus
    stored = mode == "previous" or (mode == "auto" and params.bonds_penalty == U16_MAX)
    slope = (abs(params.alpha_sigmoid_steepness) << 32) // 100
    average = (params.bonds_moving_average << 64) // 1_000_000 >> 32
    return (
        VERSIONS.index(params.version),
        int(params.semantics == "dense"),
        proportion(params.kappa),
        proportion(penalty),
        TENTH if params.version == "nakamoto" else ONE - average,
        int(params.liquid_alpha),
        proportion(params.alpha_low),
        proportion(params.alpha_high),
        -slope if params.alpha_sigmoid_steepness > 0 else slope,
        log_odds(proportion(params.alpha_low)),
        log_odds(proportion(params.alpha_high)),
        int(stored),
        params.rho,
        params.activity_cutoff,
        params.max_allowed_validators,
        params.stake_threshold,
    )


def proportion(u16: int) -> int:
    """Return the I32F32 bits of u16 / 65535, truncated."""
    return (u16 << 32) // U16_MAX


def log_odds(alpha: int) -> int:
    """Return ln(1/alpha - 1) by the chain's bitwise logarithm; 0 where it has none."""
    x = (1 << 64) // alpha - ONE
    if x <= 0:
        return 0
    negative = x < ONE
    if negative:
        x = (1 << 64) // x
    bits = 0
    while x >= 2 * ONE:
        bits += 1
        x = (x >> 1) + (x & 1)
    if x == ONE:
        bits <<= 32
    else:
        for _ in range(32):
            x = x * x >> 32
            bits <<= 1
            if x >= 2 * ONE:
                bits |= 1
                x = (x >> 1) + (x & 1)
    quotient = (bits << 32) // LOG2_E
    return -quotient if negative else quotient
