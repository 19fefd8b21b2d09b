"""Endpoints: a neuron publishes the address at which it answers."""

import ipaddress

from consensus.chain.calls import ServeAxon
from consensus.chain.chain_state import ChainState
from consensus.chain.subnet import Axon
from consensus.errors import CallRefused, NotAllowed


def serve_axon(state: ChainState, signer: str, call: ServeAxon) -> int:
    """Store an endpoint and return the uid. Loopback addresses are for development chains only."""
    subnet = state.subnet(call.netuid)
    uid = subnet.uids.get(signer)
    if uid is None:
        raise NotAllowed("registered", f"hotkey {signer} isn't registered on subnet {call.netuid}")
    try:
        if not isinstance(call.ip, str) or "%" in call.ip:  # an integer, or a scope that only one machine knows
            raise ValueError
        address = ipaddress.ip_address(call.ip)
    except ValueError as error:
        raise CallRefused("ip", f"{call.ip!r} is not an IP address") from error
    if address.is_unspecified or address.is_multicast or (address.is_loopback and not state.genesis.development):
        raise CallRefused("ip", f"nobody can reach {call.ip}")
    if type(call.port) is not int or not 1 <= call.port <= 65535:
        raise CallRefused("port", f"port {call.port!r}; allowed: 1 to 65535")
    for name in ("protocol", "version"):
        if type(getattr(call, name)) is not int or not 0 <= getattr(call, name) < 2**32:
            raise CallRefused(name, f"{name} {getattr(call, name)!r}; allowed: whole numbers of 32 bits")
    limit = subnet.hyperparameters.serving_rate_limit
    if (last := subnet.axons.get(uid)) and (passed := state.block - last.block) < limit:
        raise CallRefused(
            "rate", f"uid {uid} served {passed} blocks ago; allowed: every {limit} blocks", wait_blocks=limit - passed
        )
    subnet.axons[uid] = Axon(str(address), call.port, call.protocol, call.version, state.block)
    subnet.touch(uid)
    return uid
