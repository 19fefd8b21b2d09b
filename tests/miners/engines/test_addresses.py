import socket

import pytest

from miners.engines.openai.addresses import check_url, public, resolve
from miners.errors import APIError


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "::1", "fd00::1", "fe80::1%eth0", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::",
        "2002:e000:1::", "2001:0:808:808::f5ff:fffe", "::10.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::a9fe:a9fe",
        "64:ff9b::e000:1", "64:ff9b:1::808:808", "fec0::1", "192.0.0.9", "3fff::1", "3fff:fff::1",
        "5f00::1", "5f00:ffff::1",
    ],
)  # fmt: skip
def test_private_and_special_networks_are_not_public(address: str) -> None:
    assert not public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "2002:808:808::", "64:ff9b::808:808"])
def test_the_rest_is_public(address: str) -> None:
    assert public(address)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://host/v1", "write http"),
        ("host/v1", "write http"),
        ("file:///etc/passwd", "write http"),
        ("https://me:secret@host/v1", "key_env"),
        ("https://host/v1?key=secret", "path alone"),
    ],
)
def test_an_invalid_base_url_is_refused_without_its_secrets(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        check_url(url)
    assert "secret" not in str(refused.value)


async def test_a_loopback_server_is_called_only_where_it_is_allowed_by_name() -> None:
    with pytest.raises(APIError, match=r'private_hosts = \["127.0.0.1"\]'):
        await resolve("127.0.0.1", 80, ())
    assert await resolve("127.0.0.1", 80, ("127.0.0.1",)) == "127.0.0.1"
    with pytest.raises(APIError, match="private network"):
        await resolve("127.0.0.2", 80, ("127.0.0.1",))


async def test_a_public_name_that_leads_to_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def rebound(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    with pytest.raises(APIError, match="169.254.169.254, in a private network"):
        await resolve("models.example", 443, ("127.0.0.1",))
