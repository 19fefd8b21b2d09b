"""Amounts of money: whole numbers of rao internally, τ for people."""

TAO = 1_000_000_000
"""Rao in one TAO (τ)."""
MAX_RAO = 2**63 - 1
"""Largest amount, and largest issuance: the epoch holds stake in 64 bits."""


def tao(amount_rao: int) -> str:
    """Format an amount for people: 1_500_000_000 is "1.5 τ"."""
    whole, rest = divmod(abs(amount_rao), TAO)
    text = f"{whole:,}" + (f".{rest:09d}".rstrip("0") if rest else "")
    return f"{'-' if amount_rao < 0 else ''}{text} τ"
