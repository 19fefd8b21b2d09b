"""The JSON that the commands `chain` and `subnet` print."""

from typing import Any

from consensus.chain.chain import Chain
from consensus.chain.emission import Epoch

Summary = dict[str, Any]
"""Ready for JSON."""


def chain_summary(chain: Chain, where: str) -> Summary:
    """Summarise the open block, the supply and the subnets."""
    return {
        "chain": where,
        "name": chain.genesis.name,
        "development": chain.genesis.development,
        "block": chain.block,
        "genesis_hash": chain.genesis_hash,
        "supply_rao": chain.supply(),
        "lock_cost_rao": chain.lock_cost(),
        "subnets": [subnet_summary(chain, netuid) for netuid in chain.netuids],
    }


def subnet_summary(chain: Chain, netuid: int) -> Summary:
    """Summarise one subnet."""
    subnet, rules = chain.subnet(netuid), chain.hyperparameters(netuid)
    return {
        "netuid": netuid,
        "owner": subnet.owner,
        "neurons": subnet.size,
        "max_allowed_uids": rules.max_allowed_uids,
        "tempo": rules.tempo,
        "epochs": subnet.epochs,
        "next_epoch": chain.next_epoch(netuid),
        "burn_rao": chain.burn_price(netuid),
        "difficulty": chain.difficulty(netuid),
        "locked_rao": subnet.locked_rao,
        "pending_rao": subnet.pending_rao,
    }


def epoch_summary(epoch: Epoch) -> Summary:
    """Summarise what an epoch paid, by role, and its consensus."""
    return {
        "netuid": epoch.netuid,
        "number": epoch.number,
        "block": epoch.block,
        "emission_rao": epoch.emission_rao,
        **{f"{role}_rao": amount for role, amount in epoch.paid_rao().items()},
        "recycled_rao": epoch.recycled_rao,
        "incentive": epoch.incentive.tolist(),
        "dividends": epoch.dividends.tolist(),
        "consensus": epoch.consensus.tolist(),
        "validator_trust": epoch.validator_trust.tolist(),
    }
