"""The door: who is counted as one."""

import asyncio

from aiohttp import web

from miners.axon import Limits
from miners.axon.door import Connection, Door


class Line(asyncio.Transport):
    """The end of a connection from an address, which need not be one of this machine."""

    def __init__(self, address: str) -> None:
        super().__init__({"peername": (address, 50_000)})
        self.cut = False
        self.protocol: asyncio.BaseProtocol | None = None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def abort(self) -> None:
        self.cut = True

    def is_closing(self) -> bool:
        return self.cut

    def close(self) -> None:
        self.cut = True


async def nobody(request: web.BaseRequest) -> web.StreamResponse:
    raise NotImplementedError


async def test_the_addresses_that_one_line_of_ipv6_is_given_are_one_and_a_mapped_one_is_that_of_ipv4() -> None:
    door = Door(web.Server(nobody), Limits(per_address=2))
    addresses = {
        "2001:db8:0:1::1": False,
        "2001:db8:0:1:ffff::2": False,
        "2001:db8:0:1::3": True,
        "2001:db8:0:2::1": False,
        "192.0.2.1": False,
        "::ffff:192.0.2.1": False,
        "::ffff:c000:201": True,
        "fe80::1%eth0": False,
    }
    lines = [Line(address) for address in addresses]
    for line in lines:
        door.opened(line)
    assert dict(zip(addresses, (line.cut for line in lines), strict=True)) == addresses
    accepted = [line.protocol for line in lines if isinstance(line.protocol, Connection)]
    networks = [connection.network for connection in accepted]
    assert networks == ["2001:db8:0:1::/64"] * 2 + ["2001:db8:0:2::/64"] + ["192.0.2.1"] * 2 + ["fe80::/64"]
    for connection in accepted:
        connection.connection_lost(None)
    assert len(door) == 0
