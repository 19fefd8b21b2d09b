"""A subnet's pool: it sells alpha for TAO and buys it back, at a price that each trade moves.

    pool = Pool(alpha_rao=2_000_000 * TAO, tao_rao=40_000 * TAO)
    trade = pool.buy(100 * TAO)
    trade.received_rao, trade.impact, trade.pool      # the alpha, how far above the spot price, the pool after

A pool is a value: a trade returns another one. The two weights say how the reserves set the price; liquidity that
enters at any ratio changes them instead of the price. Rounding is down to 1e-18 of a reserve, as on the chain.
"""

from dataclasses import dataclass, replace

from consensus.errors import PoolError

from .power import UNIT, power_of_ratio

ONE = 1 << 64
HALF = UNIT // 2
FEE_PARTS = 65535
FEE = 33
"""Part of a trade's input that is taken as fee, in 1/65535: 0.05 %."""
LARGEST_INPUT = 1000
"""A trade puts in at most this many times the reserve that it adds to."""
MINIMUM_RESERVE_RAO = 1_000_000
"""What a trade must leave of the reserve that it takes from."""
LEAST_WEIGHT = UNIT // 100
"""Liquidity that would push a weight below this is refused."""


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade and what it left behind."""

    pool: "Pool"
    """The pool after it."""
    paid_rao: int
    """Input, fee included: TAO of a purchase, alpha of a sale."""
    fee_rao: int
    received_rao: int
    impact: float
    """Part of the input's worth at the spot price before that the trade did not bring, without the fee."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The reserves of a subnet's pool and their weights."""

    alpha_rao: int
    tao_rao: int
    alpha_weight: int = HALF
    """Units of 1e-18; the weight of TAO is the rest of 1."""
    fee: int = FEE
    minimum_rao: int = MINIMUM_RESERVE_RAO

    def __post_init__(self) -> None:
        for name, low, high in (
            ("alpha_rao", 1, 2**63 - 1),
            ("tao_rao", 1, 2**63 - 1),
            ("alpha_weight", LEAST_WEIGHT, UNIT - LEAST_WEIGHT),
            ("fee", 0, FEE_PARTS - 1),
            ("minimum_rao", 0, 2**63 - 1),
        ):
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise PoolError(f"pool {name}: {value!r}; allowed: a whole number from {low} to {high}")

    @classmethod
    def at_price(cls, price: float, alpha_rao: int, tao_rao: int) -> "Pool":
        """Return a pool of these reserves whose weights make this price, TAO for one alpha."""
        if not 0.0 < price < float("inf"):
            raise PoolError(f"price: {price}; allowed: above 0")
        worth = price * alpha_rao
        weight = round(worth / (worth + tao_rao) * UNIT)
        if not LEAST_WEIGHT <= weight <= UNIT - LEAST_WEIGHT:
            raise PoolError(f"price: {price:g} would give alpha a weight of {weight / UNIT:.2%}; allowed: 1 % to 99 %")
        return cls(alpha_rao, tao_rao, weight)

    @property
    def tao_weight(self) -> int:
        """Weight of TAO in units of 1e-18."""
        return UNIT - self.alpha_weight

    @property
    def price_bits(self) -> int:
        """Price of one alpha in TAO, U64F64."""
        return ((self.alpha_weight << 64) // self.tao_weight) * ((self.tao_rao << 64) // self.alpha_rao) >> 64

    @property
    def price(self) -> float:
        """Price of one alpha in TAO."""
        return self.price_bits / ONE

    def buy(self, tao_rao: int, *, with_fee: bool = True) -> Trade:
        """Buy alpha for so much TAO; the chain's own purchases pay no fee.

        Raises:
            PoolError: the trade is larger than the pool allows, or brings nothing.
        """
        fee = self._fee(tao_rao) if with_fee else 0
        net = tao_rao - fee
        self._check_input("tao", net, self.tao_rao)
        exponent = (self.tao_weight, self.alpha_weight)
        received = _output(self.alpha_rao, self.tao_rao, net, exponent)
        self._check_output("alpha", received, self.alpha_rao)
        after = replace(self, alpha_rao=self.alpha_rao - received, tao_rao=self.tao_rao + net)
        return Trade(after, tao_rao, fee, received, 1.0 - received * self.price / net)

    def sell(self, alpha_rao: int, *, with_fee: bool = True) -> Trade:
        """Sell so much alpha for TAO.

        Raises:
            PoolError: the trade is larger than the pool allows, or brings nothing.
        """
        fee = self._fee(alpha_rao) if with_fee else 0
        net = alpha_rao - fee
        self._check_input("alpha", net, self.alpha_rao)
        exponent = (self.alpha_weight, self.tao_weight)
        received = _output(self.tao_rao, self.alpha_rao, net, exponent)
        self._check_output("tao", received, self.tao_rao)
        after = replace(self, alpha_rao=self.alpha_rao + net, tao_rao=self.tao_rao - received)
        return Trade(after, alpha_rao, fee, received, 1.0 - received / (net * self.price))

    def buy_up_to(self, price: float) -> int:
        """Return the TAO, fee included, that raises the price to this limit; 0 if it is already there."""
        limit = round(price * ONE)
        if limit <= self.price_bits:
            return 0
        growth = _root(limit, self.price_bits, self.alpha_weight)
        return self._with_fee(self.tao_rao * (growth - UNIT) // UNIT)

    def sell_down_to(self, price: float) -> int:
        """Return the alpha, fee included, whose sale lowers the price to this limit; 0 if it is already there."""
        limit = round(price * ONE)
        if limit <= 0:
            raise PoolError(f"limit price: {price}; allowed: above 0")
        if limit >= self.price_bits:
            return 0
        growth = _root(self.price_bits, limit, self.tao_weight)
        return self._with_fee(self.alpha_rao * (growth - UNIT) // UNIT)

    def cost_of(self, alpha_rao: int) -> int:
        """Return the least TAO, fee included, that buys at least so much alpha.

        Raises:
            PoolError: the pool does not hold so much above its minimum.
        """
        if alpha_rao <= 0:
            return 0
        self._check_output("alpha", alpha_rao, self.alpha_rao)
        low, high = 1, self._with_fee(LARGEST_INPUT * self.tao_rao)
        if self._bought(high) < alpha_rao:
            raise PoolError(f"{alpha_rao} rao of alpha cost more than {LARGEST_INPUT} times the pool's TAO")
        while low < high:
            middle = (low + high) // 2
            if self._bought(middle) >= alpha_rao:
                high = middle
            else:
                low = middle + 1
        return low

    def add(self, tao_rao: int, alpha_rao: int) -> "Pool":
        """Add liquidity at any ratio without moving the price: the weights change instead.

        Raises:
            PoolError: a weight would fall below 1 %; nothing is added.
        """
        if tao_rao < 0 or alpha_rao < 0:
            raise PoolError(f"liquidity: {tao_rao} and {alpha_rao} rao; allowed: 0 or more of each")
        alpha, tao = self.alpha_rao + alpha_rao, self.tao_rao + tao_rao
        alpha_part = _rounded(self.alpha_weight * self.tao_rao * alpha, UNIT)
        tao_part = _rounded(self.tao_weight * self.alpha_rao * tao, UNIT)
        weight = UNIT - tao_part * UNIT // (alpha_part + tao_part)
        if not LEAST_WEIGHT <= weight <= UNIT - LEAST_WEIGHT:
            raise PoolError(f"liquidity would give alpha a weight of {weight / UNIT:.2%}; allowed: 1 % to 99 %")
        return replace(self, alpha_rao=alpha, tao_rao=tao, alpha_weight=weight)

    def _fee(self, amount_rao: int) -> int:
        return amount_rao * self.fee // FEE_PARTS

    def _with_fee(self, net_rao: int) -> int:
        """Return an input whose fee leaves this net amount."""
        return net_rao + net_rao * self.fee // (FEE_PARTS - self.fee)

    def _bought(self, tao_rao: int) -> int:
        net = tao_rao - self._fee(tao_rao)
        return _output(self.alpha_rao, self.tao_rao, net, (self.tao_weight, self.alpha_weight))

    def _check_input(self, token: str, net_rao: int, reserve_rao: int) -> None:
        limit = LARGEST_INPUT * reserve_rao
        if not 0 < net_rao <= limit:
            raise PoolError(
                f"{token}: {net_rao} rao after the fee; allowed: 1 to {limit} rao, {LARGEST_INPUT} reserves"
            )

    def _check_output(self, token: str, output_rao: int, reserve_rao: int) -> None:
        most = reserve_rao - self.minimum_rao
        if not 0 < output_rao <= most:
            raise PoolError(
                f"{token}: the trade would take {output_rao} of {reserve_rao} rao; allowed: 1 to {max(most, 0)}"
            )


def _output(out_reserve: int, in_reserve: int, net_rao: int, exponent: tuple[int, int]) -> int:
    """Return what leaves one reserve when `net_rao` enter the other."""
    left = power_of_ratio(in_reserve, in_reserve + net_rao, exponent)
    left_bits = min((left << 64) // UNIT, ONE)
    return out_reserve * (ONE - left_bits) >> 64


def _root(numerator: int, denominator: int, weight: int) -> int:
    """Return a ratio of prices, raised to a weight."""
    return power_of_ratio(numerator, denominator, (weight, UNIT))


def _rounded(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
