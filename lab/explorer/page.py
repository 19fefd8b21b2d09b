"""A page of the explorer: sections of the report's kind, tables in pages, and parts that are fetched later.

Page("Runs", (PagedTable(section, pager),))
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.report.section import Section

from .addresses import with_query

PER_PAGE = 50
"""Rows of a table on one page."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the reader asked a table for."""

    search: str = ""
    sort: str = ""
    page: int = 1

    @property
    def offset(self) -> int:
        """Rows before the page."""
        return (self.page - 1) * PER_PAGE


@dataclass(frozen=True, slots=True)
class Pager:
    """Links to the other pages of a table, its orders and its search."""

    path: str
    asked: Asked
    total: int
    """Rows on all pages together."""
    sorts: tuple[str, ...] = ()
    """Orders of the rows by name, the default first."""
    searches: str = ""
    """What the search field looks through; empty if the table has none."""

    @property
    def pages(self) -> int:
        """Number of pages, at least one."""
        return max(1, -(-self.total // PER_PAGE))

    def at(self, page: int) -> str:
        """Return the address of a page in the same order."""
        return with_query(self.path, q=self.asked.search, sort=self.asked.sort, page=page if page > 1 else "")

    def by(self, sort: str) -> str:
        """Return the address of the first page in another order."""
        return with_query(self.path, q=self.asked.search, sort="" if sort == self.sorts[0] else sort)

    @property
    def sorted_by(self) -> str:
        """The order that the rows are in."""
        return self.asked.sort if self.asked.sort in self.sorts else next(iter(self.sorts), "")


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer on a task's page; everything in it may have been written by a stranger."""

    name: str
    href: str
    picture: str
    """Address of its picture; empty if there is none."""
    text: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a page: a section with its pager, words, answers, or something that is fetched."""

    section: Section | None = None
    pager: Pager | None = None
    heading: str = ""
    words: tuple[str, ...] = ()
    """Long texts, shown as they are."""
    answers: tuple[Answered, ...] = ()
    source: str = ""
    """Address of the content, which is fetched after the page."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page."""

    title: str
    blocks: tuple[Block, ...]
    meta: str = ""
    trail: tuple[tuple[str, str], ...] = ()
    """Pages above this one: name and address."""
    tabs: tuple[tuple[str, str], ...] = ()
    """Pages next to this one: name and address."""
    here: str = ""
    """Address of this page among the tabs."""
    compare: tuple[str, ...] = field(default=())
    """Keys of runs that can be compared."""
