"""The epoch once more, slowly: Python integers, one step after the other, matrices as lists of dicts."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from consensus import YumaParams

ONE = 1 << 32
U16 = 65535
Vector = list[int]
Matrix = list[dict[int, int]]


def mul(a: int, b: int) -> int:
    return (a * b) >> 32


def div(a: int, b: int) -> int:
    if b == 0:
        return 0
    quotient = (abs(a) << 32) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def normalised(vector: Vector) -> Vector:
    total = sum(vector)
    return [div(x, total) for x in vector] if total else list(vector)


def columns_normalised(matrix: Matrix) -> Matrix:
    totals: dict[int, int] = {}
    for row in matrix:
        for j, x in row.items():
            totals[j] = totals.get(j, 0) + x
    return [{j: div(x, totals[j]) if totals[j] else x for j, x in row.items()} for row in matrix]


def exp(x: int) -> int:
    x = max(-20 * ONE, min(20 * ONE, x))
    if x == 0:
        return ONE
    if x == ONE:
        return 22802600 << 9
    term = abs(x)
    total = ONE + term
    for i in range(2, 32):
        term = div(mul(term, abs(x)), i * ONE)
        total += term
    return div(ONE, total) if x < 0 else total


def ln(x: int) -> int:
    if x <= 0:
        return 0
    if x < ONE:
        return -ln(div(ONE, x)) if div(ONE, x) != ONE else 0
    whole = 0
    while x >= 2 * ONE:
        whole, x = whole + 1, (x >> 1) + (x & 1)
    bits = whole << 32
    if x != ONE:
        for place in range(31, -1, -1):
            x = mul(x, x)
            if x >= 2 * ONE:
                bits |= 1 << place
                x = (x >> 1) + (x & 1)
    return div(bits, 12102203 << 9)


def median(stake: Vector, scores: Vector, kappa: int) -> int:
    voters = [i for i, s in enumerate(stake) if s > 0]
    share = normalised([stake[i] for i in voters])
    limit = sum(share) - kappa
    occurring = sorted({scores[i] for i in voters})
    best = occurring[0] if occurring else 0
    for w in occurring:
        if sum(s for s, i in zip(share, voters, strict=True) if scores[i] < w) <= limit:
            best = w
    return best


def quartile(values: Vector, quarter: int) -> int:
    ordered = sorted(values)
    position = quarter * (len(values) - 1)
    low, part = ordered[position // 4], (position % 4) * ONE // 4
    return low + mul(part, ordered[min(position // 4 + 1, len(values) - 1)] - low)


@dataclass
class Slow:
    bits: dict[str, Vector] = field(default_factory=dict)
    permits: list[bool] = field(default_factory=list)
    bonds: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    paid: dict[str, Vector] = field(default_factory=dict)


def slow_epoch(case: dict[str, Any], p: YumaParams, rao: int) -> Slow:
    out = Slow()
    n = len(case["stake"])
    uids = range(n)
    modern = p.version in ("yuma1", "yuma3")
    dense = p.semantics == "dense"
    owner = case["owner_uid"] if modern else None
    block, lu, reg = case["block"], case["last_update"], case["registered_at"]
    active = [lu[i] + p.activity_cutoff >= block for i in uids]
    raw = [s if not modern or s >= p.stake_threshold or i == owner else 0 for i, s in enumerate(case["stake"])]
    total = sum(raw)
    stake = [((s << 64) // total) >> 32 if total else 0 for s in raw]
    permit = [bool(x) or i == owner for i, x in enumerate(case["validator_permit"])]
    new = [s > 0 or not modern for s in stake]
    if n >= p.max_allowed_validators:
        for i in sorted(uids, key=lambda i: stake[i])[: n - p.max_allowed_validators]:
            new[i] = False
    out.permits = [x or i == owner for i, x in enumerate(new)]
    a = normalised([s if active[i] and (permit[i] or p.version == "nakamoto") else 0 for i, s in enumerate(stake)])

    weights: Matrix = []
    for i in uids:
        row = dict(case["weights"].get(i, [])) if permit[i] else {}
        keeps_self = i == owner and not dense
        row = {j: w << 32 for j, w in row.items() if (i != j or keeps_self) and lu[i] > reg[j]}
        if case["commit_block"] is not None:
            row = {j: w for j, w in row.items() if case["commit_block"][i] >= reg[j]}
        whole = sum(row.values())
        weights.append({j: div(w, whole) if whole else w for j, w in row.items()})
    if dense:
        weights = [{j: row.get(j, 0) for j in uids} for row in weights]

    kappa = div(p.kappa, U16)
    clipped = weights
    vtrust = [0] * n
    if p.version == "nakamoto":
        rank = normalised([sum(mul(a[i], weights[i].get(j, 0)) for i in uids) for j in uids])
        bar = 429496730 // (n + 1)
        trust = [sum(a[i] for i in uids if weights[i].get(j, 0) > bar) for j in uids]
        c = [div(ONE, ONE + exp(mul(-p.rho * ONE, t - kappa))) for t in trust]
        incentive = normalised([mul(r, x) for r, x in zip(rank, c, strict=True)])
    else:
        c = [median(a, [row.get(j, 0) for row in weights], kappa) for j in uids]
        clipped = [{j: min(w, c[j]) for j, w in row.items() if dense or c[j] or not w} for row in weights]
        vtrust = [sum(row.values()) for row in clipped]
        after = [sum(mul(a[i], clipped[i].get(j, 0)) for i in uids) for j in uids]
        before = [sum(mul(a[i], weights[i].get(j, 0)) for i in uids) for j in uids]
        trust = [div(x, y) for x, y in zip(after, before, strict=True)]
        rank = incentive = normalised(after)

    beta = div({"nakamoto": 0, "liquid_alpha_v1": U16}.get(p.version, p.bonds_penalty), U16)
    target: Matrix = []
    for w_row, c_row in zip(weights, clipped, strict=True):
        if beta in (0, ONE):
            target.append(dict(c_row if beta else w_row))
        else:
            row = {j: w + mul(beta, c_row.get(j, 0) - w) for j, w in w_row.items()}
            target.append({j: x for j, x in row.items() if x > 0 or dense})

    since = [case["last_tempo"]] * n if modern else lu
    stored = {i: dict(case["bonds"].get(i, [])) for i in uids}
    old: Matrix = [{j: b << 32 for j, b in stored[i].items() if since[i] > reg[j]} for i in uids]
    rate = ONE - ((p.bonds_moving_average << 64) // 10**6 >> 32) if p.version != "nakamoto" else 429496730
    low, high = div(p.alpha_low, U16), div(p.alpha_high, U16)

    def moved(goal: Matrix, held: Matrix, alpha: Callable[[int, int], int], cells: Callable[[int], set[int]]) -> Matrix:
        result: Matrix = []
        for i in uids:
            row = {}
            for j in cells(i):
                x = alpha(i, j)
                row[j] = min(ONE, mul(ONE - x, held[i].get(j, 0)) + mul(x, goal[i].get(j, 0)))
            result.append({j: x for j, x in row.items() if x > 0})
        return result

    if p.version == "yuma3":
        old = [{j: div(b, U16 << 32) for j, b in row.items()} for row in old]
        seen = c
        if p.liquid_alpha_consensus == "previous" or (p.liquid_alpha_consensus == "auto" and p.bonds_penalty == U16):
            seen = [div(x, U16) for x in case["previous_consensus"] or [0] * n]
        liquid = p.liquid_alpha and any(seen)

        def per_bond(i: int, j: int) -> int:
            w, b = target[i].get(j, 0), old[i].get(j, 0)
            gap = max(0, min(ONE, w - seen[j] if w >= b else b - w))
            e = exp(mul(div(p.alpha_sigmoid_steepness * ONE, -100 * ONE), gap - ONE // 2))
            return max(low, min(high, low + mul(div(ONE, ONE + e), high - low)))

        only_targets = liquid and not dense
        bonds = moved(
            target,
            old,
            per_bond if liquid else lambda i, j: rate,
            lambda i: set(target[i]) if only_targets else set(target[i]) | set(old[i]),
        )
        held = columns_normalised(bonds)
        d = [mul(sum(mul(x, incentive[j]) for j, x in held[i].items()), a[i]) for i in uids]
        kept = bonds
    else:
        old = columns_normalised(old)
        delta = columns_normalised([{j: mul(a[i], w) for j, w in target[i].items()} for i in uids])
        alphas = [rate] * n
        if p.version == "liquid_alpha_v1" and p.liquid_alpha and any(c):
            c_high, c_low = quartile(c, 3), quartile(c, 1)
            if c_high > 0:
                slope = offset = 0
                if c_high > c_low:
                    odds_low, odds_high = ln(div(ONE, low) - ONE), ln(div(ONE, high) - ONE)
                    slope = div(odds_high - odds_low, c_low - c_high)
                    offset = odds_low + mul(slope, c_low)
                alphas = [div(ONE, ONE + exp(offset - mul(slope, x))) for x in c]
                alphas = [max(low, min(high, x)) for x in alphas]
        bonds = moved(delta, old, lambda i, j: alphas[j], lambda i: set(delta[i]) | set(old[i]))
        held = columns_normalised(bonds)
        d = [sum(mul(x, incentive[j]) for j, x in row.items()) for row in held]
        kept = held
        if p.version != "nakamoto":
            tops = {j: max(row.get(j, 0) for row in held) for row in held for j in row}
            kept = [{j: div(x, tops[j]) for j, x in row.items()} for row in held]
    dividends = normalised(d)

    earned = [x + y for x, y in zip(incentive, dividends, strict=True)]
    whole = sum(earned)
    server = [div(x, whole) for x in incentive]
    if whole:
        validator, combined = [div(x, whole) for x in dividends], [div(x, whole) for x in earned]
    else:
        validator = combined = a if any(a) else stake
    out.paid = {
        "server_emission": [x * rao >> 32 for x in server],
        "validator_emission": [x * rao >> 32 for x in validator],
        "emission": [x * rao >> 32 for x in combined],
    }
    for i in uids:
        if out.permits[i]:
            cells = [(j, min(U16, x * U16 >> 32)) for j, x in sorted(kept[i].items())]
        else:
            cells = [] if permit[i] else sorted(stored[i].items())
        if cells:
            out.bonds[i] = cells
    out.bits = {
        "stake": stake,
        "active_stake": a,
        "consensus": c,
        "validator_trust": vtrust,
        "incentive": incentive,
        "dividends": dividends,
        "rank": rank,
        "trust": trust,
    }
    return out
