"""Keys and wallets: the field's own files, and secrets that stay in them."""

import json
import logging
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bittensor_wallet import Keypair, Wallet
from bittensor_wallet.keyfile import legacy_encrypt_keyfile_data

from consensus import Chain, throwaway_key
from consensus.chain.calls import Faucet
from consensus.chain.keys import WalletFolder, is_address, verify
from consensus.errors import KeyExists, KeyMissing, WalletError

PASSWORD = "correct horse battery staple 7!"


def test_a_throwaway_key_is_the_same_for_the_same_seed_and_name() -> None:
    assert throwaway_key(7, "miner").ss58_address == throwaway_key(7, "miner").ss58_address
    others = {throwaway_key(seed, name).ss58_address for seed in (7, 8, "7x") for name in ("miner", "validator")}
    assert len(others) == 6 and all(map(is_address, others))


def test_a_signature_verifies_for_its_message_and_signer_alone() -> None:
    key, other = throwaway_key(7, "a"), throwaway_key(7, "b")
    signature = key.sign(b"message")
    assert verify(key.ss58_address, b"message", signature)
    assert not verify(key.ss58_address, b"massage", signature)
    assert not verify(other.ss58_address, b"message", signature)
    assert not verify("nobody", b"message", signature)
    assert not is_address("\ud800")
    assert not verify(key.ss58_address, b"message", b"short")


def test_bittensor_wallet_reads_what_we_wrote(tmp_path: Path) -> None:
    folder = WalletFolder(tmp_path)
    coldkey, hotkey = folder.new_coldkey("alice"), folder.new_hotkey("alice", "first")
    wallet = Wallet(name="alice", hotkey="first", path=str(tmp_path))
    assert (wallet.coldkey.ss58_address, wallet.hotkey.ss58_address) == (coldkey, hotkey)
    assert (wallet.coldkeypub.ss58_address, wallet.hotkeypub.ss58_address) == (coldkey, hotkey)
    assert not wallet.coldkey_file.is_encrypted()


def test_we_read_what_bittensor_wallet_wrote(tmp_path: Path) -> None:
    wallet = Wallet(name="bob", hotkey="default", path=str(tmp_path))
    wallet.create_new_coldkey(use_password=False, suppress=True)
    wallet.create_new_hotkey(use_password=False, suppress=True)
    folder = WalletFolder(tmp_path)
    assert folder.coldkey("bob").ss58_address == wallet.coldkey.ss58_address
    assert folder.hotkey("bob", "default").ss58_address == wallet.hotkey.ss58_address
    (entry,) = folder.entries()
    assert (entry.name, entry.encrypted, entry.hotkeys) == ("bob", False, {"default": wallet.hotkey.ss58_address})
    with Chain.development() as chain:
        chain.call(folder.coldkey("bob"), Faucet())


@pytest.mark.slow
def test_an_encrypted_coldkey_is_the_fields_and_tells_nobody(tmp_path: Path, caplog, capfd) -> None:  # type: ignore[no-untyped-def]
    """One write and one read: the field's key derivation takes seconds and a gigabyte each time, by intention."""
    caplog.set_level(logging.DEBUG)
    folder = WalletFolder(tmp_path)
    address = folder.new_coldkey("alice", PASSWORD)
    assert folder.entry("alice").encrypted
    assert (tmp_path / "alice" / "coldkey").read_bytes().startswith(b"$NACL")
    with pytest.raises(WalletError, match="its password is needed") as missing:
        folder.coldkey("alice")
    output = "".join([*capfd.readouterr(), caplog.text, str(missing.value), *os.environ.values()])
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert PASSWORD not in output and PASSWORD.encode() not in content
    assert Wallet(name="alice", path=str(tmp_path)).get_coldkey(PASSWORD).ss58_address == address


def test_an_older_encrypted_coldkey_opens_with_its_password_alone(tmp_path: Path, caplog, capfd) -> None:  # type: ignore[no-untyped-def]
    caplog.set_level(logging.DEBUG)
    folder = WalletFolder(tmp_path / "wallets")
    address = folder.new_coldkey("alice")
    file = folder.path / "alice" / "coldkey"
    file.write_bytes(legacy_encrypt_keyfile_data(file.read_bytes(), PASSWORD))
    capfd.readouterr()
    with pytest.raises(WalletError, match="coldkey of wallet 'alice'") as wrong:
        folder.coldkey("alice", "wrong " + PASSWORD)
    assert wrong.value.__cause__ is None and wrong.value.__suppress_context__
    mine = folder.coldkey("alice", PASSWORD)
    assert mine.ss58_address == address
    with Chain.development(tmp_path / "chain.db") as chain:
        chain.call(mine, Faucet())
        chain.step()
    output = "".join([*capfd.readouterr(), caplog.text, str(wrong.value), repr(mine), *os.environ.values()])
    content = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert PASSWORD not in output and PASSWORD.encode() not in content


def test_a_mnemonic_is_in_its_key_file_and_nowhere_else(tmp_path: Path, caplog, capfd) -> None:  # type: ignore[no-untyped-def]
    caplog.set_level(logging.DEBUG)
    folder = WalletFolder(tmp_path)
    folder.new_coldkey("alice")
    folder.new_hotkey("alice", "h")
    with Chain.development(tmp_path / "chain.db") as chain:
        chain.call(folder.coldkey("alice"), Faucet())
        chain.step()
    files = [tmp_path / "alice" / "coldkey", tmp_path / "alice" / "hotkeys" / "h"]
    secrets = [
        json.loads(file.read_text())[part] for file in files for part in ("secretPhrase", "secretSeed", "privateKey")
    ]
    others = [path for path in tmp_path.rglob("*") if path.is_file() and path not in files]
    output = "".join(
        [*capfd.readouterr(), caplog.text, repr(folder.entries()), *(repr(p.read_bytes()) for p in others)]
    )
    for secret in secrets:
        assert secret and secret.removeprefix("0x") not in output
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)


def test_no_key_is_ever_replaced(tmp_path: Path) -> None:
    folder = WalletFolder(tmp_path)
    folder.new_coldkey("alice")
    folder.new_hotkey("alice", "h")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(KeyExists, match="keys are never replaced"):
        folder.new_coldkey("alice")
    with pytest.raises(KeyExists, match="keys are never replaced"):
        folder.new_hotkey("alice", "h")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["../evil", "", "a/b", ".hidden", "x" * 100, "a b"])
def test_a_name_that_is_not_a_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(WalletError, match="allowed: letters, digits"):
        WalletFolder(tmp_path / "w").new_coldkey(name)
    assert not (tmp_path / "evil").exists()


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    folder = WalletFolder(tmp_path)
    assert folder.entries() == ()
    with pytest.raises(KeyMissing, match="no wallet 'alice'") as wallet:
        folder.coldkey("alice")
    assert (wallet.value.wallet, wallet.value.hotkey) == ("alice", None)
    folder.new_coldkey("alice")
    with pytest.raises(KeyMissing, match="has no hotkey 'h'; known: none") as hotkey:
        folder.hotkey("alice", "h")
    assert (hotkey.value.wallet, hotkey.value.hotkey) == ("alice", "h")
    with pytest.raises(WalletError, match="password is empty"):
        folder.new_coldkey("bob", "")
    (tmp_path / "alice" / "coldkeypub.txt").write_text("{broken")
    with pytest.raises(WalletError, match="can't be read as a key file"):
        folder.entry("alice")


def test_a_damaged_wallet_hides_no_other(tmp_path: Path) -> None:
    folder = WalletFolder(tmp_path)
    for name in ("alice", "bob"):
        folder.new_coldkey(name)
        folder.new_hotkey(name, "default")
    (tmp_path / ".DS_Store").write_text("Bud1")
    (tmp_path / "alice/hotkeys/.DS_Store").write_text("Bud1")
    (tmp_path / "alice/hotkeys/old").mkdir()
    (tmp_path / "alice/hotkeys/notes.txt").write_text("buy milk")
    (tmp_path / "my wallet é@home").mkdir()
    (tmp_path / "my wallet é@home/coldkeypub.txt").write_bytes((tmp_path / "bob/coldkeypub.txt").read_bytes())
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/coldkeypub.txt").write_text("{")
    listing = folder.listing()
    assert [entry.name for entry in listing.entries] == ["alice", "bob", "my wallet é@home"]
    assert list(listing.entries[0].hotkeys) == ["default"]
    assert [note.split(":")[0] for note in listing.notes] == [
        f"skipped {tmp_path}/alice/hotkeys/notes.txt",
        "skipped wallet 'broken'",
    ]
    assert folder.hotkey("alice", "default").ss58_address == listing.entries[0].hotkeys["default"]


def test_a_key_that_was_half_made_is_finished_and_never_replaced(tmp_path: Path) -> None:
    folder = WalletFolder(tmp_path)
    address = folder.new_coldkey("alice")
    (tmp_path / "alice/coldkeypub.txt").unlink()
    (tmp_path / ".draft-left").mkdir()
    assert folder.new_coldkey("alice") == address == folder.entry("alice").coldkey
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".draft")] == []


def test_of_many_that_create_the_same_key_at_once_one_succeeds_and_its_key_stays(tmp_path: Path) -> None:
    def create(_: int) -> str | None:
        try:
            return WalletFolder(tmp_path).new_coldkey("alice")
        except KeyExists:
            return None

    with ThreadPoolExecutor(8) as pool:
        addresses = [address for address in pool.map(create, range(8)) if address]
    assert addresses == [WalletFolder(tmp_path).entry("alice").coldkey]


def test_a_tilde_is_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    WalletFolder(Path("~/wallets")).new_coldkey("alice")
    assert (tmp_path / "wallets/alice/coldkey").is_file()


def test_no_module_that_may_hold_a_key_logs_or_prints() -> None:
    room = Path(__file__).parents[2] / "consensus" / "chain"
    talkers = [
        path.name for path in room.rglob("*.py") if re.search(r"^\s*(print\(|import logging)", path.read_text(), re.M)
    ]
    assert talkers == [] and isinstance(throwaway_key(1, "x"), Keypair)
