"""Keys: sr25519 pairs, throw-away or in the field's own wallet folders.

    key = throwaway_key(seed=7, name="validator-0")     # the same key every time, in memory only
    key.ss58_address, key.sign(b"...")

A wallet folder is `<path>/<name>/coldkey`, `coldkeypub.txt` and `hotkeys/<hotkey>`, as bittensor-wallet writes and
reads it. Secrets leave this module in those files alone: nothing here logs, prints or raises one. Never put a
bittensor_wallet Keyfile into a message; its text holds the file's whole content.
"""

import hashlib

from bittensor_wallet import Keypair
from bittensor_wallet.utils import is_valid_ss58_address


def throwaway_key(seed: int | str, name: str) -> Keypair:
    """A key made from a seed and a name alone. Anyone who knows both can sign with it: for experiments only."""
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=32, person=b"subnetlab-key").hexdigest()
    return Keypair.create_from_seed(digest)  # type: ignore[arg-type]  # its stub says bytes; it takes hexadecimal


def is_address(text: object) -> bool:
    """Whether this is an SS58 address."""
    return isinstance(text, str) and bool(is_valid_ss58_address(text))


def verify(address: str, message: bytes, signature: bytes) -> bool:
    """Whether this signature of the message is the address's."""
    try:
        return bool(Keypair(ss58_address=address).verify(message, signature))
    except ValueError:
        return False
