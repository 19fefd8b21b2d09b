"""The economy of a run: a chain on which the validators set weights by signed calls.

It is a pure function of the config and of the weights set on it, so a resumed run and an audit rebuild it by paying
the recorded epochs again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from consensus.amounts import TAO
from consensus.chain.calls import (
    AddStake,
    CommitWeights,
    CreateSubnet,
    RemoveStake,
    RevealWeights,
    SetHyperparameters,
    SetWeights,
    commit_hash,
)
from consensus.chain.chain import Chain
from consensus.chain.emission import Epoch
from consensus.chain.hyperparameters import Hyperparameters
from consensus.chain.keys import throwaway_key
from consensus.errors import CallRefused
from lab.config.event_checks import late, neurons_of
from lab.config.events import EventTable
from lab.config.run_config import RunConfig
from lab.config.tables import PluginTable
from lab.record.entries import EpochEvents, EpochPayout, GradedRound, Neuron, PastEvent
from lab.record.record import FORMAT
from subnets import Caller, Score
from validators import Ledger, PublicView, ScoreLedger, Validator

from .timeline import Timeline

OWNER = "owner"
"""The coldkey of this name is the subnet owner's, whose miners' pay the chain can recycle."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """One epoch as it is recorded, and as the chain computed it."""

    payout: EpochPayout
    epoch: Epoch


class Economy:
    """Chain, keys and ledgers of a run. Uids are the validators', then the miners', in the config's order."""

    def __init__(self, config: RunConfig, chain_file: Path | None = None, record_format: int = FORMAT) -> None:
        """Create the chain in memory, or in `chain_file`, which must not exist yet.

        A record of an older format is continued and audited by the rules of its time.
        """
        validators, miners = config.build_validators(), config.build_miners()
        names = [*config.validator_names, *config.miner_names]
        tables: list[PluginTable] = [table for table in (*config.validators, *config.miners) for _ in table.names()]
        honesty = [validator.honest for validator in validators] + [miner.honest for miner in miners]
        roles = ["validator"] * len(validators) + ["miner"] * len(miners)
        self._hotkeys = [throwaway_key(config.seed, f"{role}/{name}") for role, name in zip(roles, names, strict=True)]
        parties = [table.coldkey for table in tables] + [event.coldkey for event in config.events if event.coldkey]
        self._owner = throwaway_key(config.seed, OWNER)
        self._coldkeys = {
            party: self._owner if party == OWNER else throwaway_key(config.seed, f"coldkey/{party}")
            for party in parties
        }
        self.config = config
        """The config as the events so far have changed it."""
        self._names, self._tables = names, tables
        self._late = set(late(config.events))
        """Names of miners that have not registered yet."""
        self._hidden: dict[int, dict[int, RevealWeights]] = {}
        """Committed weights by the epoch in which they are revealed, and by validator."""
        self._begun = -1
        """The last epoch whose events have happened."""
        self._epoch = 0
        """The open epoch."""
        self._chain, self._netuid = self._create_chain(config, tables, chain_file)
        self.validators = dict(enumerate(validators))
        self.miners = dict(enumerate(miners, start=len(validators)))
        self.ledgers: dict[int, Ledger] = {uid: validator.new_ledger() for uid, validator in self.validators.items()}
        self._corrected = record_format >= 3
        for ledger in self.ledgers.values():
            if isinstance(ledger, ScoreLedger):
                ledger.corrected = self._corrected
        self._neurons = tuple(
            Neuron(
                uid=uid,
                name=name,
                role=role,
                kind=table.options["kind"],
                honest=honest,
                hotkey=hotkey.ss58_address,
                coldkey=table.coldkey,
                stake=table.stake,
            )
            for uid, (name, role, table, honest, hotkey) in enumerate(
                zip(names, roles, tables, honesty, self._hotkeys, strict=True)
            )
        )
        self._timeline = Timeline(config, self._neurons)
        chosen = config.bare.miner
        metered = [uid for uid, miner in self.miners.items() if miner.metered]
        default = next((uid for uid in metered if self.miners[uid].honest), next(iter(metered), None))
        self.baseline_miner = default if chosen is None else names.index(chosen, len(validators))
        """Uid of the miner whose work, done once, is the baseline. None if all work is done elsewhere."""

    def _create_chain(self, config: RunConfig, tables: Sequence[PluginTable], file: Path | None) -> tuple[Chain, int]:
        """Create the chain: fund the coldkeys, create the subnet, register, stake, and hand out the first permits."""
        stakes = [round(table.stake * TAO) for table in tables]
        funds: dict[str, int] = {}
        for table, stake in zip(tables, stakes, strict=True):
            address = self._coldkeys[table.coldkey].ss58_address
            funds[address] = funds.get(address, 0) + stake
        tables_of = neurons_of(tables)
        for event in config.events:  # money with which stake will be bought waits in the buyer's balance
            if event.buys is not None:
                buyer = event.coldkey or tables_of[event.neuron].coldkey
                address = self._coldkeys[buyer].ss58_address
                funds[address] = funds.get(address, 0) + round(event.buys * TAO)
        balances = {address: rao for address, rao in funds.items() if rao}
        market = config.pay_market()
        minted = {} if market is None else {"emission_per_block_rao": market.emission_rao}
        pay_to = "stake" if config.chain.compound else "balance"
        chain = Chain.development(file, balances=balances, pay_to=pay_to, **minted)
        rules = Hyperparameters.development(**config.hyperparameters())
        netuid = chain.call(self._owner, CreateSubnet(hyperparameters=rules.as_dict())).result
        for name, table, hotkey, stake in zip(self._names, tables, self._hotkeys, stakes, strict=True):
            if name in self._late:
                continue
            coldkey = self._coldkeys[table.coldkey]
            chain.register(coldkey, netuid, [hotkey.ss58_address])
            if stake:
                chain.call(coldkey, AddStake(hotkey.ss58_address, stake))
        chain.step_to_epoch(netuid)
        return chain, netuid

    def close(self) -> None:
        """Close the chain's file."""
        self._chain.close()

    def neurons(self) -> tuple[Neuron, ...]:
        """Return the holder of each uid."""
        return self._neurons

    @property
    def asking(self) -> list[int]:
        """Uids of the validators that ask in the open epoch."""
        return [uid for uid, validator in self.validators.items() if validator.asks]

    def begin(self) -> EpochEvents | None:
        """Let the events before the open epoch happen; return them, or None if there are none or they have happened."""
        if self._begun >= self._epoch:
            return None
        self._begun = self._epoch
        places = self._timeline.due(self._epoch)
        past = tuple(self._happen(place, self.config.events[place]) for place in places)
        return EpochEvents(epoch=self._epoch, events=past) if past else None

    def _happen(self, place: int, event: EventTable) -> PastEvent:
        refused = ""
        try:
            self._carry_out(event)
        except CallRefused as error:
            refused = str(error)
        else:
            self._adopt(self.config.after(event))
        return PastEvent(place=place, text=event.text(), refused=refused)

    def _carry_out(self, event: EventTable) -> None:
        """Make the calls of an event on the chain; raises CallRefused."""
        if event.hyperparameters is not None:
            self._chain.call(self._owner, SetHyperparameters(self._netuid, event.hyperparameters))
            return
        uid = self._uid(event.neuron, event.miner is not None)
        coldkey, hotkey = self._coldkeys[event.coldkey or self._neurons[uid].coldkey], self._hotkeys[uid].ss58_address
        if event.registers:
            self._chain.register(coldkey, self._netuid, [hotkey])
            self._late.discard(event.neuron)
            if stake := round(self._tables[uid].stake * TAO):
                self._chain.call(coldkey, AddStake(hotkey, stake))
            self._chain.step()  # weights set in the block of a registration do not count for the newcomer
        elif event.buys is not None:
            self._chain.call(coldkey, AddStake(hotkey, round(event.buys * TAO)))
        elif event.sells is not None:
            self._chain.call(coldkey, RemoveStake(hotkey, round(event.sells * TAO)))
        elif event.moves is not None and event.to is not None:
            target = self._hotkeys[self._names.index(event.to)].ss58_address
            self._chain.call(coldkey, RemoveStake(hotkey, round(event.moves * TAO)))
            self._chain.call(coldkey, AddStake(target, round(event.moves * TAO)))

    def _uid(self, name: str, is_miner: bool) -> int:
        return self._names.index(name, len(self.validators) if is_miner else 0)

    def _adopt(self, config: RunConfig) -> None:
        """Put the strategies of a config in force; a validator keeps its memory unless it now remembers otherwise."""
        if config is self.config:
            return
        for uid, validator in enumerate(config.build_validators()):
            if _memory(validator) != _memory(self.validators[uid]):
                self.ledgers[uid] = validator.new_ledger()
                if isinstance(ledger := self.ledgers[uid], ScoreLedger):
                    ledger.corrected = self._corrected
            self.validators[uid] = validator
        self.miners = dict(enumerate(config.build_miners(), start=len(self.validators)))
        self.config = config

    def stakes(self) -> dict[int, float]:
        """Return the stake in tokens of each miner that a validator can ask, by uid."""
        self.begin()
        graph = self._chain.metagraph(self._netuid)
        return {uid: int(graph.stake_rao[uid]) / TAO for uid in self.miners if self._names[uid] not in self._late}

    def candidates(self, validator: int, number: int) -> dict[int, float]:
        """Return the stakes, by uid, of the miners that a validator's sampler may choose from in a round."""
        return self.validators[validator].candidates(number, self.stakes(), self.ledgers[validator])

    def sharers(self, validator: int) -> list[int]:
        """Return the uids of the other validators that the answers to this one's queries are shared with."""
        sharing = [uid for uid, each in self.validators.items() if each.asks and each.share_answers]
        return [uid for uid in sharing if uid != validator] if validator in sharing else []

    def caller(self, validator: int) -> Caller:
        """Return a validator as the miners that it asks see it."""
        graph = self._chain.metagraph(self._netuid)
        stake = int(graph.stake_rao[validator]) / TAO
        return Caller(graph.hotkeys[validator], stake, bool(graph.validator_permit[validator]))

    def observe(self, rounds: Sequence[GradedRound]) -> None:
        """Let the validators' ledgers observe their graded rounds, in the order given."""
        self.begin()
        self._timeline.observe(rounds)
        hotkeys = dict(enumerate(self._chain.metagraph(self._netuid).hotkeys))
        for graded in rounds:
            scores = {answer.uid: Score(answer.score, answer.parts) for answer in graded.answers}
            self.ledgers[graded.validator].observe(scores, hotkeys)
            for other in graded.shared:
                pairs = zip(graded.answers, other.grades, strict=True)
                scores = {answer.uid: Score(grade.score, grade.parts) for answer, grade in pairs}
                self.ledgers[other.validator].observe(scores, hotkeys)

    def weights(self) -> dict[int, dict[int, float]]:
        """Return the weights that each validator submits now, by uid, leaving out those with nothing to submit."""
        self.begin()
        graph = self._chain.metagraph(self._netuid)
        view = PublicView(
            hotkeys=dict(enumerate(graph.hotkeys)),
            consensus=dict(enumerate(float(value) for value in graph.consensus)),
            epoch=self._epoch,
            stakes={uid: int(rao) / TAO for uid, rao in enumerate(graph.stake_rao)},
        )
        early = self._weights([uid for uid, each in self.validators.items() if not each.late], view)
        late = self._weights(
            [uid for uid, each in self.validators.items() if each.late], replace(view, submitted=early)
        )
        return dict(sorted({**early, **late}.items()))

    def _weights(self, uids: Sequence[int], view: PublicView) -> dict[int, dict[int, float]]:
        """Return the weights of some validators, leaving out those with nothing to submit."""
        rows = {}
        for uid in uids:
            source = self.validators[uid].scores_from()
            rows[uid] = self.validators[uid].weights(self.ledgers[uid if source is None else source], view)
        return {uid: row for uid, row in rows.items() if row}

    def pay(self, weights: Mapping[int, Mapping[int, float]]) -> EpochPayout:
        """Have the validators set these weights and let the next epoch pay."""
        return self.settle(weights).payout

    def settle(self, weights: Mapping[int, Mapping[int, float]]) -> Settlement:
        """Do as `pay`, and return the chain's own epoch as well, with every intermediate of its consensus."""
        self.begin()
        refused: dict[int, str] = {}
        for uid, row in weights.items():
            try:
                self._set_weights(uid, SetWeights.of(self._netuid, list(row), list(row.values())))
            except CallRefused as error:
                refused[uid] = str(error)
        for uid, commit in self._hidden.pop(self._epoch, {}).items():
            try:
                self._chain.call(self._hotkeys[uid], commit)
            except CallRefused as error:
                refused[uid] = str(error)
        epoch = self._chain.step_to_epoch(self._netuid)
        result = epoch.result
        assert result is not None  # the subnet has neurons
        absent = [0] * len(self._late)
        """Results of those that have not registered yet; their uids are the last."""
        payout = EpochPayout(
            block=epoch.block,
            stake=tuple(int(rao) / TAO for rao in (*epoch.stake_rao, *absent)),
            consensus=tuple(map(int, (*result.consensus, *absent))),
            incentive=tuple(map(int, (*result.incentive, *absent))),
            dividends=tuple(map(int, (*result.dividends, *absent))),
            trust=tuple(map(int, (*result.trust, *absent))),
            validator_trust=tuple(map(int, (*result.validator_trust, *absent))),
            paid=tuple(map(int, (*(epoch.miner_rao + epoch.validator_rao), *absent))),
            owner_cut=epoch.owner_cut_rao,
            recycled=epoch.recycled_rao,
            validator_permit=tuple(map(bool, (*result.validator_permit, *absent))),
            balances={name: self._wealth(key.ss58_address) for name, key in self._coldkeys.items()},
            refused=refused,
        )
        self._timeline.close(payout)
        self._epoch += 1
        return Settlement(payout, epoch)

    def _set_weights(self, uid: int, row: SetWeights) -> None:
        """Set weights, or commit them and reveal them when the subnet's rules say; raises CallRefused."""
        rules, key = self._chain.hyperparameters(self._netuid), self._hotkeys[uid]
        if not rules.commit_reveal:
            self._chain.call(key, row)
            return
        salt = f"{self._epoch}/{uid}"  # the run is open anyway: its config makes every key
        self._chain.call(key, CommitWeights(self._netuid, commit_hash(key.ss58_address, row, salt)))
        due = self._hidden.setdefault(self._epoch + rules.commit_reveal_period, {})
        due[uid] = RevealWeights(self._netuid, row.uids, row.values, salt)

    def _wealth(self, coldkey: str) -> int:
        staked = sum(self._chain.stake(hotkey.ss58_address, coldkey) for hotkey in self._hotkeys)
        return self._chain.balance(coldkey) + staked


def _memory(validator: Validator) -> tuple[float, str]:
    """Return what decides how a validator remembers scores."""
    return validator.alpha, "" if validator.ledger is None else validator.ledger.key
