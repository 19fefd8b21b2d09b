"""The accounts: free balances, stake by hotkey and coldkey, and their sum, the issuance.

Every method checks before it changes anything, so a refusal leaves no trace. Sums of balances, stake, subnet locks and
pending emission equal `issuance_rao` at every block; what was burned or recycled is in `recycled_rao`.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from consensus.amounts import MAX_RAO, tao
from consensus.errors import CallRefused, NotAllowed, Shortage

from .keys import is_address


@dataclass(slots=True)
class Ledger:
    """All accounts. The `changed_*` sets name the entries that the next block must save."""

    balances: dict[str, int] = field(default_factory=dict)
    nonces: dict[str, int] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    """Owning coldkey by hotkey."""
    takes: dict[str, int] = field(default_factory=dict)
    """Take by hotkey, if it was ever set."""
    stakes: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    """Rao by hotkey and coldkey."""
    totals: dict[str, int] = field(default_factory=dict)
    """Sum of the stake by hotkey."""
    issuance_rao: int = 0
    recycled_rao: int = 0
    changed_accounts: set[str] = field(default_factory=set)
    changed_hotkeys: set[str] = field(default_factory=set)
    changed_stakes: set[tuple[str, str]] = field(default_factory=set)

    def balance(self, coldkey: str) -> int:
        """Return the free balance."""
        return self.balances.get(coldkey, 0)

    def stake(self, hotkey: str, coldkey: str | None = None) -> int:
        """Return the stake on a hotkey, everybody's or one coldkey's."""
        if coldkey is None:
            return self.totals.get(hotkey, 0)
        return self.stakes.get(hotkey, {}).get(coldkey, 0)

    def use_nonce(self, address: str) -> None:
        """Count one accepted call."""
        self.nonces[address] = self.nonces.get(address, 0) + 1
        self.changed_accounts.add(address)

    def own(self, hotkey: str, coldkey: str) -> None:
        """Give a hotkey to the coldkey that registers it first; refuse somebody else's."""
        owner = self.check_owner(hotkey, coldkey)
        if owner is None:
            self.owners[hotkey] = coldkey
            self.changed_hotkeys.add(hotkey)

    def check_owner(self, hotkey: str, coldkey: str) -> str | None:
        """Return the coldkey that owns a hotkey, None if nobody does yet; refuse somebody else's hotkey."""
        check_address(hotkey)
        owner = self.owners.get(hotkey)
        if owner is not None and owner != coldkey:
            raise NotAllowed("owner", f"hotkey {hotkey} belongs to coldkey {owner}, not to {coldkey}")
        return owner

    def check_issuance(self, amount_rao: int) -> None:
        """Refuse an amount that would overflow the issuance."""
        if self.issuance_rao + amount_rao > MAX_RAO:
            left = MAX_RAO - self.issuance_rao
            raise CallRefused("overflow", f"{tao(amount_rao)} more would overflow; at most {tao(left)} can be added")

    def check_balance(self, coldkey: str, amount_rao: int, what: str) -> None:
        """Refuse unless the balance covers an amount."""
        have = self.balance(coldkey)
        if have < amount_rao:
            message = f"balance {tao(have)}, {what} {tao(amount_rao)}"
            raise Shortage("balance", message, have_rao=have, need_rao=amount_rao)

    def mint(self, coldkey: str, amount_rao: int) -> None:
        """Add newly issued balance."""
        self.check_issuance(amount_rao)
        self.issuance_rao += amount_rao
        self.credit(coldkey, amount_rao)

    def credit(self, coldkey: str, amount_rao: int) -> None:
        """Add an amount that was debited elsewhere to a balance."""
        self.balances[coldkey] = self.balance(coldkey) + amount_rao
        self.changed_accounts.add(coldkey)

    def debit(self, coldkey: str, amount_rao: int, what: str) -> None:
        """Take an amount that is credited elsewhere from a balance."""
        self.check_balance(coldkey, amount_rao, what)
        self.balances[coldkey] = self.balance(coldkey) - amount_rao
        self.changed_accounts.add(coldkey)

    def recycle(self, amount_rao: int) -> None:
        """Remove an amount that was debited before from the issuance."""
        self.issuance_rao -= amount_rao
        self.recycled_rao += amount_rao

    def add_stake(self, hotkey: str, coldkey: str, amount_rao: int) -> None:
        """Add an amount that was debited elsewhere to a stake."""
        self.stakes[hotkey][coldkey] = self.stake(hotkey, coldkey) + amount_rao
        self.totals[hotkey] = self.totals.get(hotkey, 0) + amount_rao
        self.changed_stakes.add((hotkey, coldkey))

    def remove_stake(self, hotkey: str, coldkey: str, amount_rao: int) -> None:
        """Take an amount that is credited elsewhere from a stake."""
        have = self.stake(hotkey, coldkey)
        if have < amount_rao:
            message = f"stake {tao(have)} on {hotkey}, requested {tao(amount_rao)}"
            raise Shortage("stake", message, have_rao=have, need_rao=amount_rao)
        self.stakes[hotkey][coldkey] = have - amount_rao
        if have == amount_rao:
            del self.stakes[hotkey][coldkey]
        self.totals[hotkey] -= amount_rao
        self.changed_stakes.add((hotkey, coldkey))


def check_address(address: object) -> None:
    """Refuse anything but an SS58 address."""
    if not is_address(address):
        raise CallRefused("address", f"{address!r} is not an SS58 address")


def check_amount(amount_rao: object) -> None:
    """Refuse anything but a positive whole number of rao within 63 bits."""
    if type(amount_rao) is not int:
        raise CallRefused("amount", f"amount {amount_rao!r}; allowed: whole numbers of rao")
    if amount_rao <= 0:
        raise CallRefused("amount", f"amount {amount_rao} rao; allowed: 1 and more")
    if amount_rao > MAX_RAO:
        raise CallRefused("overflow", f"amount {amount_rao} rao overflows; allowed: up to {MAX_RAO}")
