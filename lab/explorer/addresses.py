"""Addresses of the explorer's pages. A key comes last, since it may hold slashes; everything in it is quoted."""

from __future__ import annotations

from urllib.parse import quote, urlencode


def run_page(key: str) -> str:
    """Return the address of a run."""
    return f"/run/{quote(key)}"


def miner_page(key: str, uid: int) -> str:
    """Return the address of a miner of a run."""
    return f"/miner/{uid}/{quote(key)}"


def validator_page(key: str, uid: int) -> str:
    """Return the address of a validator of a run."""
    return f"/validator/{uid}/{quote(key)}"


def tasks_page(key: str) -> str:
    """Return the address of the list of a run's tasks."""
    return f"/tasks/{quote(key)}"


def task_page(key: str, validator: int, number: int) -> str:
    """Return the address of a task."""
    return f"/task/{validator}/{number}/{quote(key)}"


def picture(key: str, validator: int, number: int, uid: int | None) -> str:
    """Return the address of a task's picture with the answer of a miner, or with the true one."""
    return f"/picture/{validator}/{number}/{'truth' if uid is None else uid}/{quote(key)}"


def coldkeys_page(key: str) -> str:
    """Return the address of a run's coldkeys."""
    return f"/coldkeys/{quote(key)}"


def chain_page(key: str) -> str:
    """Return the address of a run's chain; the chain that the explorer was given has no key."""
    return f"/chain/{quote(key)}"


def study_page(key: str) -> str:
    """Return the address of a study."""
    return f"/study/{quote(key)}"


def study_document(key: str) -> str:
    """Return the address of the page that a study has published."""
    return f"/published/{quote(key)}"


def part(name: str, key: str, *place: object) -> str:
    """Return the address of a part of a page, which the page fetches by itself."""
    return "/".join(["/part", name, *map(str, place), quote(key)])


def with_query(path: str, **values: object) -> str:
    """Return an address with a query, leaving out what is empty."""
    given = {name: value for name, value in values.items() if value not in ("", None)}
    return f"{path}?{urlencode(given)}" if given else path
