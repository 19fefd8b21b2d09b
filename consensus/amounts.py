"""Amounts: everything is counted in rao, a whole number; people read τ."""

TAO = 1_000_000_000
"""Rao in one TAO (τ)."""
MAX_RAO = 2**63 - 1
"""Neither an amount nor the whole issuance may pass this: the epoch's stake is a 64-bit number."""


def tao(amount_rao: int) -> str:
    """An amount as people write it: 1_500_000_000 is "1.5 τ"."""
    whole, rest = divmod(abs(amount_rao), TAO)
    text = f"{whole:,}" + (f".{rest:09d}".rstrip("0") if rest else "")
    return f"{'-' if amount_rao < 0 else ''}{text} τ"
