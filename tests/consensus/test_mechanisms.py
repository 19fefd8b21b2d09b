"""Null consensus, two mechanisms in a subnet, and weights that stay hidden for a time."""

import pytest

from consensus import Chain, Hyperparameters, SubnetState, YumaParams, run_epoch, throwaway_key
from consensus.chain.calls import CreateSubnet
from consensus.errors import ParamsError, StateError
from consensus.mechanisms.mechanisms import check_mechanisms, combine, split_emission
from consensus.mechanisms.timelock import TimelockQueue, reveal_block
from consensus.yuma.state import NO_COMMIT


def state(weights: dict[int, list[tuple[int, int]]], **changes: object) -> SubnetState:
    base: dict[str, object] = {
        "stake": [300, 100, 0, 0],
        "validator_permit": [True, True, False, False],
        "last_update": [990, 990, 0, 0],
        "registered_at": [0, 0, 0, 0],
        "block": 1000,
        "last_tempo": 640,
    }
    return SubnetState.from_rows(weights=weights, **(base | changes))  # type: ignore[arg-type]


# Null consensus


def test_null_consensus_pays_everybody_alike_and_stake_in_proportion() -> None:
    result = run_epoch(state({0: [(2, 65535)]}), YumaParams(version="null"), 1_000_000)
    assert result.validator_emission.tolist() == [375_000, 125_000, 0, 0]
    assert result.server_emission.tolist() == [125_000] * 4
    assert result.incentive.tolist() == [16383] * 4


def test_null_consensus_ignores_activity_and_weights() -> None:
    silent = state({}, last_update=[0, 0, 0, 0], validator_permit=[False] * 4, block=10**6)
    voted = state({0: [(2, 65535)], 1: [(3, 65535)]})
    params = YumaParams(version="null")
    assert (run_epoch(silent, params, 10**6).emission == run_epoch(voted, params, 10**6).emission).all()


def test_null_consensus_without_stake_gives_all_to_miners() -> None:
    result = run_epoch(state({}, stake=[0, 0, 0, 0]), YumaParams(version="null"), 1_000_000)
    assert result.emission.tolist() == [250_000] * 4


def test_a_subnet_of_a_local_chain_can_choose_null_consensus() -> None:
    chain, owner = Chain.development(), throwaway_key(7, "owner")
    rules = Hyperparameters.development(yuma_version="null", owner_cut=0).as_dict()
    netuid = chain.call(owner, CreateSubnet(hyperparameters=rules)).result
    hotkeys = [throwaway_key(7, f"miner-{number}").ss58_address for number in range(4)]
    chain.register(throwaway_key(7, "miners"), netuid, hotkeys)
    epoch = chain.step_to_epoch(netuid)
    assert len(set(epoch.miner_rao.tolist())) == 1 and epoch.miner_rao[0] > 0


def test_null_consensus_has_no_intermediates() -> None:
    with pytest.raises(ParamsError, match='"null" has no intermediates'):
        run_epoch(state({}), YumaParams(version="null")).trace()


# Two mechanisms


def test_the_emission_is_split_by_parts_and_the_remainder_goes_to_the_first() -> None:
    assert split_emission(100, (32768, 32767)) == [51, 49]
    assert sum(split_emission(10**9 + 7, (49152, 16383))) == 10**9 + 7


@pytest.mark.parametrize(
    ("parts", "uids", "message"),
    [
        ((32768, 32768), 4, "mechanism parts"),
        ((65536, -1), 4, "mechanism parts"),
        ((21845,) * 3, 4, "mechanisms: 3; allowed: 1 to 2"),
        ((32768, 32767), 129, "2 for 129 uids"),
    ],
)
def test_parts_that_the_chain_refuses_are_refused(parts: tuple[int, ...], uids: int, message: str) -> None:
    with pytest.raises(ParamsError, match=message):
        check_mechanisms(parts, uids)


def test_emissions_of_mechanisms_add_up_and_shares_are_averaged_by_emission() -> None:
    first, second = state({0: [(2, 65535)], 1: [(2, 65535)]}), state({0: [(3, 65535)], 1: [(3, 65535)]})
    parts = split_emission(1_000_000, (49151, 16384))
    combined = combine([run_epoch(entry, YumaParams(), rao) for entry, rao in zip((first, second), parts, strict=True)])
    assert combined.server_emission[2] == pytest.approx(375_000, abs=10)
    assert combined.server_emission[3] == pytest.approx(125_000, abs=10)
    assert combined.incentive[2] / 65535 == pytest.approx(0.75, abs=1e-3)
    assert combined.emission.sum() == pytest.approx(1_000_000, abs=10)
    assert combined.validator_permit.tolist() == [True, True, False, False]


# Time-locked weights


def test_hidden_weights_count_from_their_reveal_on() -> None:
    queue = TimelockQueue().commit(0, [(2, 65535)], 100, reveal_block(100, 360))
    assert queue.reveal(459).rows == {}
    revealed = queue.reveal(460)
    assert revealed.rows[0].weights == ((2, 65535),) and revealed.queue.waiting == ()


def test_of_two_rows_that_open_together_the_last_committed_counts() -> None:
    queue = TimelockQueue().commit(0, [(2, 1)], 100, 460).commit(0, [(3, 1)], 110, 460)
    assert queue.reveal(460).rows[0].weights == ((3, 1),)


def test_a_miner_that_registered_after_the_commit_is_masked() -> None:
    queue = TimelockQueue().commit(0, [(2, 40000), (3, 20000)], 500, 900)
    assert queue.reveal(900).rows[0].masked([0, 0, 600, 500]) == ((3, 20000),)


def test_waiting_commits_mask_columns_in_the_epoch() -> None:
    queue = TimelockQueue().commit(0, [(2, 1)], 500, 2000).commit(0, [(2, 1)], 700, 2000)
    blocks = queue.commit_blocks(4)
    assert blocks.tolist() == [500, NO_COMMIT, NO_COMMIT, NO_COMMIT]
    rows = {0: [(2, 30000), (3, 30000)], 1: [(2, 30000), (3, 30000)]}
    late = run_epoch(state(rows, registered_at=[0, 0, 600, 0], commit_block=blocks), YumaParams())
    plain = run_epoch(state(rows, registered_at=[0, 0, 600, 0]), YumaParams())
    assert late.incentive[2] < plain.incentive[2] and late.incentive[3] > plain.incentive[3]


def test_a_commit_can_not_open_before_it_is_made() -> None:
    with pytest.raises(StateError, match="reveal block 5; allowed: after the commit in block 5"):
        TimelockQueue().commit(0, [], 5, 5)
