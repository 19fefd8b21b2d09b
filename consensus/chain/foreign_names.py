"""Metagraphs as other tools write them, brought into the names and units of ours.

`NAMES` is the one table of names. A name is compared without case, spaces and punctuation, and may carry a unit:
"GLOBAL STAKE(τ)", "emission_rao". A file may hold a row for each neuron, under one of `LISTS` or at its top, or an
array for each column, as the SDK does.

| tool | what differs |
|---|---|
| btcli, `subnets metagraph` and `subnets show` | upper case, spaces and units in names; `UPDATED` counts blocks since |
| SDK, a metagraph's arrays | columns instead of rows; one letter for a name: S, C, I, D, E, Tv |
| explorers such as TaoStats | keys as {"ss58": ...}, amounts in rao as text, shares as text |
| spreadsheets | semicolons, a decimal comma, "1,234.5 τ", "1.2k" |
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from consensus.amounts import MAX_RAO, TAO

NAMES: dict[str, tuple[str, ...]] = {
    "uid": ("uid", "uids"),
    "hotkey": ("hotkey", "hotkeys", "hotkeyss58", "hotkeyaddress"),
    "coldkey": ("coldkey", "coldkeys", "coldkeyss58", "coldkeyaddress", "owner"),
    "stake": ("totalstake", "globalstake", "stake", "s", "stakes"),
    "stake_weight": ("stakeweight",),
    "consensus": ("consensus", "c"),
    "incentive": ("incentive", "incentives", "i"),
    "dividends": ("dividends", "dividend", "d"),
    "validator_trust": ("validatortrust", "vtrust", "tv"),
    "emission": ("emission", "emissions", "e"),
    "active": ("active", "isactive"),
    "validator_permit": ("validatorpermit", "validatorpermits", "permit", "val", "isvalidator"),
    "last_update": ("lastupdate", "lastupdated"),
    "updated": ("updated", "blocksincelastupdate", "blockssinceupdate"),
    "registered_at": ("registeredat", "registeredatblock", "blockatregistration", "registrationblock"),
    "axon": ("axon", "axons", "axoninfo", "endpoint"),
    "netuid": ("netuid", "subnet", "subnetid"),
    "block": ("block", "blocknumber", "blockheight", "height"),
}
"""Our name, or that of an amount without its unit -> names that stand for it, the preferred one first."""
AMOUNTS = ("stake", "emission")
"""Columns that are amounts; ours end in `_rao`."""
SHARES = ("stake_weight", "consensus", "incentive", "dividends", "validator_trust")
LISTS = ("neurons", "data", "uids", "metagraph", "rows")
"""Keys under which a JSON file may hold its rows."""
UNITS = {"τ": "tao", "tao": "tao", "ρ": "rao", "rao": "rao"}
UNIT = re.compile(r"[\s_(\[]*(τ|ρ|\btao|\brao|(?<=_)tao|(?<=_)rao)[)\]\s]*$", re.IGNORECASE)
SCALES = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9}
U16 = 65535


def rows_of(content: Any) -> Sequence[Any]:
    """Return the rows of a JSON file, whichever way it holds them; raises KeyError if there are none."""
    if not isinstance(content, dict):
        rows = content
    else:
        held = (content[key] for key in LISTS if isinstance(content.get(key), list) and _has_rows(content[key]))
        rows = next(held, None)
        if rows is None:
            arrays = {key: value for key, value in content.items() if isinstance(value, list)}
            sizes = [len(value) for key, value in arrays.items() if _meaning(key) == "hotkey"]
            if not sizes:
                raise KeyError(f"it has none of {', '.join(LISTS)}, and no hotkeys; its keys are {_listed(content)}")
            whole = {key: value for key, value in arrays.items() if len(value) == sizes[0]}
            rows = [dict(zip(whole, values, strict=True)) for values in zip(*whole.values(), strict=True)]
    if not isinstance(rows, list):
        raise KeyError("the neurons are not a list of objects")
    return rows


def delimiter(text: str) -> str:
    """Return what separates the cells of a CSV file: the character of , ; and tab that its first line has most of."""
    head = text.partition("\n")[0]
    return max(",;\t", key=head.count)


def translated(row: Mapping[str, Any], block: int, *, decimal_comma: bool = False) -> dict[str, Any]:
    """Return one neuron in our names and units, and what has no meaning here under its own name.

    Args:
        row: a neuron as a tool wrote it.
        block: the block of the metagraph, to which ages are counted; 0 if it is unknown.
        decimal_comma: True for a file whose numbers are written as 1.234,5.
    """
    row = {name: plain(value, decimal_comma) for name, value in row.items()}
    own: dict[str, Any] = {}
    ranks: dict[str, tuple[bool, int]] = {}
    in_rao = any(isinstance(value, Mapping) and "ss58" in value for value in row.values())
    for name, value in row.items():
        meaning = _meaning(name)
        if meaning is None:
            continue
        rank = _unit(name) is None, NAMES[meaning].index(_bare(name))  # a name with its unit is the surer one
        if meaning in ranks and ranks[meaning] <= rank:
            continue
        ranks[meaning] = rank
        if meaning in AMOUNTS:
            unit = _unit(name) or ("rao" if in_rao else "tao")
            own[f"{meaning}_rao"] = _rao(value, unit)
        elif meaning == "updated":
            own.setdefault("last_update", max(0, block - int(value)) if isinstance(value, int | float) and block else 0)
        elif meaning == "axon":
            own["axon"] = _axon(value)
        elif meaning in ("hotkey", "coldkey"):
            own[meaning] = value.get("ss58", "") if isinstance(value, Mapping) else value
        else:
            own[meaning] = value
    return own


def with_shares(rows: Sequence[dict[str, Any]]) -> None:
    """Bring columns of u16 shares, as raw storage has them, into [0, 1]; a column of fractions stays as it is."""
    for name in SHARES:
        values = [row[name] for row in rows if row.get(name) not in (None, "")]
        if all(type(value) is int and 0 <= value <= U16 for value in values) and any(value > 1 for value in values):
            for row in rows:
                if row.get(name) not in (None, ""):
                    row[name] = row[name] / U16


THOUSANDS = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d*)?[a-zA-Z]?")


def plain(value: Any, decimal_comma: bool = False) -> Any:
    """Return the number in a text such as "1,234.5 τ", "1.234,5" or "1.2k"; anything else as it is."""
    if not isinstance(value, str):
        return value
    text = re.sub(r"[\s\u00a0\u202f\u200e_τρ]|(?i:tao|rao)", "", value)
    if (decimal_comma or text.lstrip("-").startswith("0,")) and text.rfind(",") > text.rfind("."):
        text = text.replace(".", "").replace(",", ".")
    if THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    elif text.count(",") == 1 and "." not in text:  # "1,5": no thousands end so
        text = text.replace(",", ".")
    scale = SCALES.get(text[-1:].lower(), 1)
    digits = text[:-1] if scale != 1 else text
    if not re.fullmatch(r"-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", digits, re.IGNORECASE):
        return value
    number = int(digits) if re.fullmatch(r"-?\d+", digits) else float(digits)
    return number if scale == 1 else number * scale


def _bare(name: str) -> str:
    """Return a name without unit, case, spaces and punctuation."""
    return re.sub(r"[^a-z0-9]", "", UNIT.sub("", name.strip()).lower())


def _unit(name: str) -> str | None:
    match = UNIT.search(name.strip())
    return UNITS[match[1].lower()] if match else None


def _meaning(name: Any) -> str | None:
    bare = _bare(str(name))
    return next((meaning for meaning, names in NAMES.items() if bare in names), None)


def _rao(value: Any, unit: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_RAO:
        return value  # which is refused with its place
    if unit == "tao":
        return round(value * TAO)
    return int(value) if value == int(value) else value


def _axon(value: Any) -> str:
    if isinstance(value, Mapping):
        ip, port = value.get("ip") or "", value.get("port") or 0
        return f"{ip}:{port}" if ip and port else ""
    text = re.sub(r"^/ipv[46]/", "", str(value or ""))
    return "" if text.lower() in ("none", "null", "0.0.0.0:0", "-") else text


def _has_rows(value: Sequence[Any]) -> bool:
    return bool(value) and all(isinstance(row, Mapping) for row in value)


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(map(str, names)) or "none"
