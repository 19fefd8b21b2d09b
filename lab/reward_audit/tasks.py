"""Tasks for the audit of a reward function: those of a subnet, or the lines of a JSON Lines file.

    {"prompt": "What is 6 times 7?", "reference": 42}
    {"query": 21, "reference": 42, "wrong": [21, 43]}

A line has a `reference`, the right answer, and a `prompt`, a `query` or both. `wrong` lists wrong answers; without it,
the references of other lines serve. Further keys are passed on to the function.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from lab.errors import ConfigError
from miners.adversaries import Oracle
from subnets import Message, Prompt, Seed, Subnet, Task
from subnets.text import fold

LEAST = 12
"""Fewest tasks that distinguish an attack, among dozens, from chance."""


class TaskView(dict[str, Any]):
    """What a function gets as its task: a dict whose keys are attributes, too."""

    def __getattr__(self, name: str) -> Any:
        """Return the value of a key."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the task has no {name!r}; it has {', '.join(self)}") from None


@dataclass(frozen=True, slots=True)
class AuditTask:
    """One task with a right answer and two wrong ones."""

    place: str
    """Where it comes from, for messages: "tasks.jsonl:3"."""
    prompt: str
    query: Any
    """What a function of query and response gets: the prompt, or a value of the user's own."""
    right: Any
    wrong: tuple[Any, Any]
    others: tuple[str, ...]
    """Right answers to other tasks, without repetitions."""
    usual: str
    """The most frequent right answer of all tasks."""
    seed: int
    view: TaskView

    @property
    def text(self) -> str:
        """The right answer as text."""
        return as_text(self.right)

    def as_task(self) -> Task:
        """Return the task as our miners are asked it."""
        return Task(id=str(self.seed), prompt=Prompt((Message("user", self.prompt),)), seed=self.seed)


def as_text(answer: Any) -> str:
    """Return an answer as text; JSON for what is none."""
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A task before it is known what the others are."""

    place: str
    prompt: str
    query: Any
    right: Any
    wrong: tuple[Any, ...]
    more: Mapping[str, Any]

    @classmethod
    def of_line(cls, place: str, line: str) -> Self:
        """Read a line of a file."""
        try:
            read = json.loads(line)
        except ValueError as error:
            raise ConfigError(f"{place}: not JSON ({error}); write one object on each line") from None
        if not isinstance(read, dict):
            raise ConfigError(f"{place}: write an object with a prompt and a reference (got {line[:60]!r})")
        if "reference" not in read:
            raise ConfigError(f'{place}: no reference; add the right answer as "reference"')
        prompt = read.get("prompt", read.get("query"))
        if prompt is None:
            raise ConfigError(f'{place}: neither a prompt nor a query; add what is asked as "prompt"')
        wrong = read.get("wrong", [])
        if not isinstance(wrong, list):
            raise ConfigError(f"{place}: wrong is a list of wrong answers (got {json.dumps(wrong)[:60]})")
        if read["reference"] in wrong:
            raise ConfigError(f'{place}: the reference is among the wrong answers; take it out of "wrong"')
        return cls(place, as_text(prompt), read.get("query", as_text(prompt)), read["reference"], tuple(wrong), read)


def read_tasks(path: Path) -> list[AuditTask]:
    """Read the tasks of a JSON Lines file.

    Raises:
        ConfigError: a line is no task, or there are too few or all alike.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # JSON may hold other line separators
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8; save it as UTF-8") from None
    drafts = [_Draft.of_line(f"{path}:{number}", line) for number, line in enumerate(lines, 1) if line.strip()]
    return _completed(drafts, str(path))


def make_tasks(subnet: Subnet, count: int, seed: int) -> list[AuditTask]:
    """Make tasks of a subnet whose answers are text.

    Raises:
        ConfigError: there are too few.
    """
    oracle, drafts = Oracle(subnet=subnet), []
    for number in range(count):
        root = Seed(seed).child("task", number)
        task = subnet.task(root.integer())
        wrong = [subnet.text_of(oracle.wrong(task, root.child("wrong", each))) for each in range(2)]
        place, text = f"task {number} of {subnet.name}", subnet.text_of(subnet.gold(task))
        more = {"id": task.id, "kind": task.kind, "seed": task.seed}
        drafts.append(_Draft(place, task.prompt.text, task.prompt.text, text, tuple(wrong), more))
    return _completed(drafts, subnet.name)


def _completed(drafts: Sequence[_Draft], source: str) -> list[AuditTask]:
    if len(drafts) < LEAST:
        raise ConfigError(f"{source}: {len(drafts)} tasks; give at least {LEAST}, so that attacks differ from chance")
    usual = Counter(as_text(draft.right) for draft in drafts).most_common(1)[0][0]
    return [_complete(draft, number, drafts, usual, source) for number, draft in enumerate(drafts)]


def _complete(draft: _Draft, number: int, drafts: Sequence[_Draft], usual: str, source: str) -> AuditTask:
    own = fold(as_text(draft.right))
    others = {fold(as_text(other.right)): other.right for other in (*drafts[number + 1 :], *drafts[:number])}
    others.pop(own, None)
    wrong = [*draft.wrong, *others.values()]
    if len(wrong) < 2:
        raise ConfigError(
            f"{source}: all references are alike, so nothing is known to be wrong; add other tasks, or two wrong "
            'answers as "wrong"'
        )
    view = TaskView(draft.more)
    view.update(prompt=draft.prompt, query=draft.query, reference=draft.right)
    return AuditTask(
        place=draft.place,
        prompt=draft.prompt,
        query=draft.query,
        right=draft.right,
        wrong=(wrong[0], wrong[1]),
        others=tuple(map(as_text, others.values())),
        usual=usual,
        seed=number,
        view=view,
    )
