"""Instruction following: a text is written first, and its own measures become the instructions."""

from __future__ import annotations

from subnets.text import sentences as split
from subnets.text import words
from subnets.text_prompting.truths.criteria import (
    Avoids,
    Criterion,
    Ending,
    FirstWord,
    Form,
    Instructions,
    Layout,
    Length,
    Uses,
)
from subnets.text_prompting.truths.truth import Item, ask
from subnets.text_prompting.world.world import Draw, World, invent_value

OPENINGS = ("Today", "Here", "Often", "Sometimes", "Nowadays", "Everywhere", "Usually", "Perhaps")
AVOIDED = (
    "very",
    "really",
    "good",
    "nice",
    "important",
    "also",
    "however",
    "great",
    "many",
    "because",
    "beautiful",
    "best",
    "amazing",
    "simply",
    "world",
    "perfect",
    "quality",
    "love",
    "unique",
    "make",
)
CLAUSES = (
    "{goods} hang on a wall in {town}",
    "people in {town} ask for {goods}",
    "{firm} packs {goods} into wooden crates",
    "a child carries {goods} across the square",
    "somebody sells {goods} beside the old bridge",
    "{goods} stand in the window of a quiet shop",
    "a van full of {goods} waits outside the station",
    "two neighbours argue about the price of {goods}",
    "the museum of {town} shows {goods} from long ago",
    "an apprentice learns to mend {goods} by hand",
    "{goods} from {town} reach the coast by train",
    "a painter draws {goods} in charcoal and chalk",
)
ITEMS = (
    "Count the {goods} before noon",
    "Keep {goods} away from damp walls",
    "Ask {firm} for a new list of prices",
    "Store {goods} on the upper shelf",
    "Send two crates of {goods} to {town}",
    "Dust the {goods} once a week",
    "Label every crate of {goods} by hand",
    "Show {goods} to visitors on Sunday",
)
QUESTIONS = ("Who would have thought of that?", "What might come next?", "Where will it lead?")


def make(draw: Draw, sentences: int) -> Item:
    """Ask for a text about some goods, under three to five demands."""
    world = World.make(draw, people=2, companies=2, towns=2, events=2)
    names = {
        "goods": invent_value(draw, "product"),
        "town": next(e.name for e in world.entities if e.sort == "place"),
        "firm": next(e.name for e in world.entities if e.sort == "company"),
    }
    layout: Layout = draw.choice(("plain", "plain", "bullets", "numbered"))
    count = draw.integer(3, 5)
    text = prose(draw, names, count) if layout == "plain" else listing(draw, names, count, layout)
    criteria: list[Criterion] = [Form(layout, count)]
    if layout == "plain":
        if draw.chance(0.5):
            criteria.append(Length("sentences", len(split(text)), len(split(text))))
        if draw.chance(0.7):
            criteria.append(FirstWord(text.split()[0]))
        if text.endswith("?"):
            criteria.append(Ending("?"))
    size = len(words(text))
    criteria.append(Length("words", size - draw.integer(3, 8), size + draw.integer(3, 12)))
    criteria.append(
        Uses(draw.choice([name for name in (names["town"], names["firm"]) if name in text] or [names["goods"]]))
    )
    free = [word for word in AVOIDED if word not in words(text)]
    criteria.append(Avoids(tuple(sorted(draw.sample(free, draw.integer(1, 3))))))
    demands = " ".join(criterion.demand for criterion in draw.sample(criteria, len(criteria)))
    prompt = f"Write a short text about {names['goods']}. {demands}"
    return Item(ask(prompt), Instructions(text, tuple(criteria), names["goods"]), max_tokens=192)


def prose(draw: Draw, names: dict[str, str], count: int) -> str:
    """Write `count` sentences, the last of which may be a question."""
    lines = [f"{draw.choice(OPENINGS)} {clause.format(**names)}." for clause in draw.sample(CLAUSES, count)]
    if draw.chance(0.4):
        lines[-1] = draw.choice(QUESTIONS)
    return " ".join(lines)


def listing(draw: Draw, names: dict[str, str], count: int, layout: Layout) -> str:
    """Write a list of `count` points."""
    marks = [f"{place}." if layout == "numbered" else "-" for place in range(1, count + 1)]
    points = [item.format(**names) for item in draw.sample(ITEMS, count)]
    return "\n".join(f"{mark} {point}." for mark, point in zip(marks, points, strict=True))
