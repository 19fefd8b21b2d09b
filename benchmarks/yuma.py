"""Epoch times beside the chain's own, on one thread: python benchmarks/yuma.py

    python benchmarks/yuma.py memory 4096 256   # bytes that an epoch adds, per stored cell

The chain's figures are its Rust arithmetic on one thread of a two-core machine, conversion from u16
included, best of 2 or 3; ours include reading a `SubnetState` and making the `EpochResult`, best of 20.
"""

import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from consensus import Batch, Rows, SubnetState, YumaParams, run_epoch, sweep


@dataclass(frozen=True, slots=True)
class Case:
    """One size, with the chain's milliseconds; None where no figure is known."""

    n: int
    validators: int
    density: float
    yuma1_ms: float | None
    yuma3_ms: float | None
    liquid_ms: float | None


CASES = (
    Case(256, 64, 1.0, 2.4, 2.4, 27),
    Case(256, 64, 0.1, 0.51, 0.50, 25),
    Case(1024, 64, 1.0, 12.9, 10.5, 408),
    Case(1024, 64, 0.1, 3.4, 3.4, 415),
    Case(4096, 64, 1.0, 84, 80, 6860),
    Case(4096, 64, 0.1, None, None, None),
    Case(4096, 256, 1.0, 239, 241, 7490),
    Case(4096, 256, 0.1, 32, 36, 7100),
)
SIMULATOR_MS = 1.65
"""Milliseconds per 3x2 epoch of the public simulator's own 22-case suite."""


def subnet(case: Case, seed: int = 0) -> SubnetState:
    """Draw random weights and bonds; in a sparse subnet half of each row is on miners that every validator names."""
    rng = np.random.default_rng(seed)
    n, validators = case.n, case.validators
    cells = np.zeros((validators, n), np.bool_)
    cells[:, validators:] = rng.random((validators, n - validators)) < (case.density / 2 if case.density < 1 else 1)
    cells[:, validators : validators + round((n - validators) * case.density / 2)] = True
    weights = np.where(cells, rng.integers(1, 65536, cells.shape), 0)
    bonds = np.where(cells, rng.integers(1, 65536, cells.shape), 0)
    is_validator = np.arange(n) < validators
    return SubnetState(
        stake=np.where(is_validator, rng.integers(10**12, 10**15, n), 0),
        validator_permit=is_validator,
        last_update=np.where(is_validator, 900, 0),
        registered_at=np.zeros(n, np.int64),
        weights=Rows.from_dense(weights),
        bonds=Rows.from_dense(bonds, name="bonds"),
        block=1000,
        last_tempo=640,
    )


def best_ms(call: Callable[[], object], repeats: int = 20) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


def sizes() -> None:
    print("| n / validators / density | cells | yuma1 | yuma3 | yuma3 + liquid alpha |")
    print("|---|---|---|---|---|")
    for case in CASES:
        state = subnet(case)
        row = []
        for params, chain_ms in (
            (YumaParams(version="yuma1", max_allowed_validators=case.validators), case.yuma1_ms),
            (YumaParams(version="yuma3", max_allowed_validators=case.validators), case.yuma3_ms),
            (YumaParams(version="yuma3", max_allowed_validators=case.validators, liquid_alpha=True), case.liquid_ms),
        ):
            ms = best_ms(lambda state=state, params=params: run_epoch(state, params))  # type: ignore[misc]
            row.append(f"{ms:.2f} ms" if chain_ms is None else f"{ms:.2f} ms, chain {chain_ms:g}: {chain_ms / ms:.1f}x")
        cells = len(state.weights.indices)
        print(f"| {case.n} / {case.validators} / {case.density:.0%} | {cells} | {' | '.join(row)} |", flush=True)


def small(count: int = 20_000) -> None:
    """Time one epoch each of 3 validators and 2 miners, from dense arrays and from ready states."""
    rng = np.random.default_rng(1)
    stake = np.zeros((count, 5), np.int64)
    stake[:, :3] = rng.integers(10**9, 10**12, (count, 3))
    weights: npt.NDArray[np.int64] = np.zeros((count, 3, 5), np.int64)
    weights[:, :, 3:] = rng.integers(0, 65536, (count, 3, 2))
    states = [
        SubnetState.from_rows(
            stake=stake[c],
            validator_permit=[True] * 3 + [False] * 2,
            last_update=[1000] * 3 + [0] * 2,
            registered_at=[0] * 5,
            weights={i: [(3, int(weights[c, i, 3])), (4, int(weights[c, i, 4]))] for i in range(3)},
            block=1000,
            last_tempo=999,
        )
        for c in range(2000)
    ] * (count // 2000)
    for name, params in (
        ("yuma1", YumaParams(version="yuma1")),
        ("yuma3", YumaParams()),
        ("yuma3 + liquid alpha", YumaParams(liquid_alpha=True)),
    ):
        arrays = best_ms(lambda p=params: sweep(Batch.from_dense(stake=stake, weights=weights), p), 3)  # type: ignore[misc]
        ready = best_ms(lambda p=params: sweep(states, p), 3)  # type: ignore[misc]
        single = statistics.median(best_ms(lambda p=params: run_epoch(states[0], p), 20) for _ in range(5))  # type: ignore[misc]
        print(
            f"3x2, {name}: {count / arrays * 1e3:,.0f} epochs/s from dense arrays, {count / ready * 1e3:,.0f} from "
            f"ready states, {single * 1e3:.0f} us alone; simulator {1e3 / SIMULATOR_MS:,.0f}/s"
        )


def memory(n: int, validators: int) -> None:
    """Print the peak memory that an epoch adds per stored cell of weights and bonds; run it in its own process."""
    state = subnet(Case(n, validators, 1.0, None, None, None))
    params = YumaParams(max_allowed_validators=validators, liquid_alpha=True)
    tiny = Case(16, 4, 1.0, None, None, None)
    run_epoch(subnet(tiny), params)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run_epoch(state, params)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cells = len(state.weights.indices) + len(state.bonds.indices)
    print(f"{n}/{validators}: {cells} cells, {max(after - before, 0) * 1024 / cells:.1f} bytes a cell at the peak")


def main() -> None:
    if len(sys.argv) > 1 and sys.argv[1] == "memory":
        memory(int(sys.argv[2]), int(sys.argv[3]))
        return
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, one thread\n")
    start = time.perf_counter()
    run_epoch(subnet(Case(16, 4, 1.0, None, None, None)), YumaParams())
    print(f"first epoch of this process, compiling or loading from cache: {time.perf_counter() - start:.1f} s\n")
    sizes()
    print()
    small()


if __name__ == "__main__":
    main()
