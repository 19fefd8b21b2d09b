"""Run the contract test of a plug-in or a study, by its name or as "module:Class".

check("reversal:Reversal")                             # [] if nothing is wrong
check("talker:Talker", subnet="reversal:Reversal")     # a miner or scorer of that subnet
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lab.studies.register import known_studies, load_study
from miners import ENGINES, MINERS
from subnets import SUBNETS, PluginError, Plugins
from subnets.language_model import LANGUAGE_MODELS
from subnets.plugin import import_object
from validators import LEDGERS, SAMPLERS, SCORERS, VALIDATORS, WEIGHT_RULES

from . import grading, miner, plugin, study
from . import subnet as subnet_contract
from .rule import Rule, violations

REGISTRIES: tuple[Plugins[Any], ...] = tuple(
    [SUBNETS, MINERS, ENGINES, SCORERS, SAMPLERS, LEDGERS, WEIGHT_RULES, VALIDATORS, LANGUAGE_MODELS]
)


def check(
    name: str, options: Mapping[str, Any] | None = None, *, subnet: str | Mapping[str, Any] = "text_prompting"
) -> list[str]:
    """Return a line for each thing that is wrong with a plug-in or a study; empty if it keeps its contract.

    Args:
        name: "module:Class", or a name that `subnetlab list` or `subnetlab study` shows.
        options: its options, as in a config.
        subnet: whose tasks a miner answers, or a scorer grades.

    Raises:
        PluginError: there is no such plug-in, it can't be imported, or it is nothing that has a contract.
    """
    if name in known_studies() or (":" in name and not isinstance(import_object(name, name), type)):
        return violations(study.RULES, load_study(name))
    registry = _registry(name)
    loaded = registry.load({"kind": name, **(options or {})})
    common: Sequence[Rule[Any]] = (*plugin.RULES, plugin.writes_itself_out(registry))
    return violations((*common, *_own_rules(registry, subnet)), loaded)


def _own_rules(registry: Plugins[Any], subnet: str | Mapping[str, Any]) -> Sequence[Rule[Any]]:
    if registry is SUBNETS:
        return subnet_contract.RULES
    if registry is MINERS:
        return miner.rules(SUBNETS.load(subnet).task(1).query(timeout_s=miner.WAIT_S))
    if registry is ENGINES:
        return miner.ENGINE_RULES
    if registry is SCORERS:
        return (grading.grades(SUBNETS.load(subnet)),)
    if registry is SAMPLERS:
        return grading.SAMPLER_RULES
    return grading.WEIGHT_RULE_RULES if registry is WEIGHT_RULES else ()


def _registry(name: str) -> Plugins[Any]:
    """Return the registry of a plug-in; raises PluginError if there is none, or if several have the name."""
    if ":" in name:
        target = import_object(name, name)
        own = [each for each in REGISTRIES if isinstance(target, type) and issubclass(target, each.base)]
        if not own:
            bases = ", ".join(each.base.__name__ for each in REGISTRIES)
            raise PluginError(f"{name} is no plug-in and no study; a plug-in is a subclass of one of {bases}")
        return own[0]
    own = [each for each in REGISTRIES if name in each.sources()]
    if not own:
        raise PluginError(f"unknown plug-in {name!r}; `subnetlab list` shows those with a name; or name module:Class")
    if len(own) > 1:
        sources = ", ".join(f"{each.sources()[name]} ({each.sort})" for each in own)
        raise PluginError(f"{name!r} names several plug-ins; give one of {sources}")
    return own[0]
