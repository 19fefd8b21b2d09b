"""Weights: the checks of the chain, in its order, then the scaling to u16.

A row is set by `SetWeights`; on a subnet with commit-reveal it is committed first (`CommitWeights`) and revealed later
(`RevealWeights`). A refused row changes nothing.
"""

import re
from collections.abc import Sequence

import numpy as np

from consensus.amounts import tao
from consensus.chain.calls import CommitWeights, RevealWeights, SetWeights, commit_hash
from consensus.chain.chain_state import ChainState
from consensus.chain.subnet import Commit, Row, Subnet
from consensus.errors import WeightsRefused

ONE = 2**32
U16 = 65535
MAX_COMMITS = 10
"""Maximum unrevealed commits of one validator."""


def set_weights(state: ChainState, signer: str, call: SetWeights) -> int:
    """Store a row and return its uid."""
    subnet = state.subnet(call.netuid)
    if subnet.hyperparameters.commit_reveal:
        raise WeightsRefused(
            "commit_reveal", f"subnet {call.netuid} hides weights (commit_reveal): commit them, reveal later"
        )
    uid, row = checked_row(state, subnet, signer, call)
    subnet.weights[uid] = row
    subnet.last_update[uid] = state.block
    subnet.touch(uid)
    return uid


def commit_weights(state: ChainState, signer: str, call: CommitWeights) -> int:
    """Store the hash of a hidden row and return the epoch in which it may be revealed."""
    subnet = state.subnet(call.netuid)
    rules = subnet.hyperparameters
    if not rules.commit_reveal:
        raise WeightsRefused("commit_reveal", f"subnet {call.netuid} has commit_reveal off: set the weights openly")
    uid = _registered(subnet, signer)
    _check_stake(state, subnet, uid)
    _check_rate(state, subnet, uid)
    if not (isinstance(call.commit_hash, str) and re.fullmatch(r"[0-9a-fA-F]{64}", call.commit_hash)):
        raise WeightsRefused("commit_hash", f"commit hash {call.commit_hash!r}; allowed: 64 hexadecimal digits")
    open_commits = unexpired(subnet, uid)
    if len(open_commits) >= MAX_COMMITS:
        raise WeightsRefused("commits", f"uid {uid} has {MAX_COMMITS} unrevealed commits, the maximum")
    subnet.commits[uid] = [*open_commits, Commit(call.commit_hash, state.block, subnet.epochs)]
    subnet.last_update[uid] = state.block
    subnet.touch(uid)
    return subnet.epochs + rules.commit_reveal_period


def reveal_weights(state: ChainState, signer: str, call: RevealWeights) -> int:
    """Store the row behind a commit, in its epoch and no other, and return the uid."""
    subnet = state.subnet(call.netuid)
    rules = subnet.hyperparameters
    if not rules.commit_reveal:
        raise WeightsRefused("commit_reveal", f"subnet {call.netuid} has commit_reveal off: nothing to reveal")
    uid = _registered(subnet, signer)
    plain = SetWeights(call.netuid, call.uids, call.values, call.version)
    try:
        digest = commit_hash(signer, plain, call.salt)
    except TypeError as error:
        raise WeightsRefused("size", f"uids and values are not sequences of whole numbers: {error}") from error
    open_commits = unexpired(subnet, uid)
    position = next((at for at, commit in enumerate(open_commits) if commit.hash == digest), None)
    if position is None:
        raise WeightsRefused("commit", f"uid {uid} has no unexpired commit of this row with this salt and version")
    reveal_epoch = open_commits[position].epoch + rules.commit_reveal_period
    if subnet.epochs < reveal_epoch:
        raise WeightsRefused(
            "too_early", f"this commit opens in epoch {reveal_epoch}; subnet {call.netuid} is in {subnet.epochs}"
        )
    uid, row = checked_row(state, subnet, signer, plain)
    subnet.weights[uid] = row
    subnet.commits[uid] = open_commits[position + 1 :]
    subnet.touch(uid)
    return uid


def unexpired(subnet: Subnet, uid: int) -> list[Commit]:
    """Return a validator's commits that can still be revealed, oldest first."""
    period = subnet.hyperparameters.commit_reveal_period
    return [commit for commit in subnet.commits.get(uid, []) if commit.epoch + period >= subnet.epochs]


def checked_row(state: ChainState, subnet: Subnet, hotkey: str, call: SetWeights) -> tuple[int, Row]:
    """Return the uid and the scaled row, after all of the chain's checks in its order."""
    rules = subnet.hyperparameters
    uids, values = _whole_numbers("uid", call.uids), _whole_numbers("value", call.values)
    if len(uids) != len(values):
        raise WeightsRefused("size", f"{len(uids)} uids but {len(values)} values; allowed: as many of both")
    if call.mechanism != 0:
        raise WeightsRefused("mechanism", f"mechanism {call.mechanism!r}; subnet {subnet.netuid} has only 0")
    if len(uids) > subnet.size:
        raise WeightsRefused("too_many", f"{len(uids)} weights; subnet {subnet.netuid} has {subnet.size} uids")
    uid = _registered(subnet, hotkey)
    _check_stake(state, subnet, uid)
    if type(call.version) is not int or call.version < rules.weights_version:
        raise WeightsRefused(
            "version", f"version {call.version!r}; subnet {subnet.netuid} asks for {rules.weights_version} or later"
        )
    if not rules.commit_reveal:
        _check_rate(state, subnet, uid)
    only_itself = uids == [uid]
    if not (only_itself or subnet.validator_permit[uid] or uid == subnet.owner_uid):
        raise WeightsRefused(
            "permit",
            f"uid {uid} has no validator permit; the next epoch gives one to the "
            f"{rules.max_allowed_validators} highest stakes",
        )
    if len(set(uids)) != len(uids):
        duplicate = next(uid for uid in uids if uids.count(uid) > 1)
        raise WeightsRefused("duplicate", f"uid {duplicate} is named {uids.count(duplicate)} times; allowed: once")
    if uids and not (min(uids) >= 0 and max(uids) < subnet.size):
        wrong = min(uids) if min(uids) < 0 else max(uids)
        raise WeightsRefused("uid", f"uid {wrong} does not exist; subnet {subnet.netuid} has 0 to {subnet.size - 1}")
    minimum = min(subnet.size, rules.min_allowed_weights)
    if len(uids) < minimum and not only_itself:
        raise WeightsRefused("too_few", f"{len(uids)} weights; subnet {subnet.netuid} asks for {minimum} or more")
    scaled = max_upscale(values)
    if not only_itself and rules.max_weight_limit != U16 and any(scaled):
        share, limit = max(scaled) * ONE // sum(scaled), rules.max_weight_limit * ONE // U16
        if share > limit:
            raise WeightsRefused(
                "weight_limit", f"the largest weight is {share / ONE:.4f} of its row; allowed: {limit / ONE:.4f}"
            )
    return uid, Row.of(uids, scaled)


def max_upscale(values: Sequence[int]) -> list[int]:
    """Scale the largest to 65535, rounding half up; all zeros stay zeros.

    Up to 32768 the quotient is exact before it is rounded; above, the ratio is first cut to 32 fractional bits, as on
    the chain.
    """
    row = np.asarray(values, np.int64)
    top = int(row.max(initial=0))
    if top == 0:
        return list(values)
    if top <= 32768:
        scaled = (2 * row * U16 + top) // (2 * top)
    else:
        scaled = np.minimum(U16, (row * (U16 * ONE // top) + ONE // 2) >> 32)
    return list(scaled.tolist())


def _whole_numbers(kind: str, entries: object) -> list[int]:
    if not isinstance(entries, list | tuple):
        raise WeightsRefused("size", f"{kind}s {entries!r}; allowed: a sequence of whole numbers")
    if set(map(type, entries)) - {int}:
        wrong = next(entry for entry in entries if type(entry) is not int)
        raise WeightsRefused(kind, f"{kind} {wrong!r}; allowed: whole numbers (SetWeights.of takes floats)")
    if kind == "value" and entries and not (min(entries) >= 0 and max(entries) <= U16):
        wrong = min(entries) if min(entries) < 0 else max(entries)
        raise WeightsRefused(kind, f"value {wrong}; allowed: 0 to {U16}")
    return list(entries)


def _registered(subnet: Subnet, hotkey: str) -> int:
    uid = subnet.uids.get(hotkey)
    if uid is None:
        raise WeightsRefused("registered", f"hotkey {hotkey} isn't registered on subnet {subnet.netuid}")
    return uid


def _check_stake(state: ChainState, subnet: Subnet, uid: int) -> None:
    threshold, stake = subnet.hyperparameters.stake_threshold_rao, state.ledger.stake(subnet.hotkeys[uid])
    if stake < threshold:
        raise WeightsRefused("stake", f"stake {tao(stake)} on uid {uid}; setting weights requires {tao(threshold)}")


def _check_rate(state: ChainState, subnet: Subnet, uid: int) -> None:
    limit = subnet.hyperparameters.weights_set_rate_limit
    passed = state.block - subnet.last_update[uid]
    if passed < limit:
        raise WeightsRefused(
            "rate",
            f"uid {uid} registered or set weights {passed} blocks ago; allowed: every {limit} blocks",
            wait_blocks=limit - passed,
        )
