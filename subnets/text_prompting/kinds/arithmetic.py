"""Arithmetic word problems: two or three steps with an exact result."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from subnets.text_prompting.truths.numeric import Amount
from subnets.text_prompting.truths.truth import Item, ask
from subnets.text_prompting.world.world import Draw, Entity, World, invent_value

Problem = tuple[str, Decimal]


class Cast:
    """The people, places and things of a problem."""

    def __init__(self, draw: Draw) -> None:
        world = World.make(draw, people=2, companies=2, towns=2, events=1)
        by_sort: dict[str, list[Entity]] = {}
        for entity in world.entities:
            by_sort.setdefault(entity.sort, []).append(entity)
        self.draw = draw
        self.ann, self.bob = (person.name for person in by_sort["person"])
        self.firm, self.fair = by_sort["company"][0].name, by_sort["event"][0].name
        self.here, self.there = (town.name for town in by_sort["place"])
        self.goods = invent_value(draw, "product")
        self.things = invent_value(draw, "collection")


def wages(cast: Cast) -> Problem:
    """Overtime at time and a half."""
    rate, hours, extra = cast.draw.integer(9, 30) * 2, cast.draw.integer(20, 40), cast.draw.integer(2, 12)
    text = (
        f"{cast.ann} earns ${rate} an hour at {cast.firm} and one and a half times as much for overtime. Last week "
        f"the work took {hours} regular hours and {extra} hours of overtime. How many dollars did {cast.ann} earn?"
    )
    return text, Decimal(rate * hours + rate * 3 * extra // 2)


def boxes(cast: Cast) -> Problem:
    """Boxes, some of whose contents break."""
    count, each, broken = cast.draw.integer(6, 60), cast.draw.integer(8, 48), cast.draw.integer(3, 40)
    text = (
        f"{cast.firm} sends {count} boxes with {each} {cast.goods} each from {cast.here} to {cast.there}. On the way "
        f"{broken} {cast.goods} are damaged. How many {cast.goods} arrive unharmed?"
    )
    return text, Decimal(count * each - broken)


def gifts(cast: Cast) -> Problem:
    """Gifts and purchases."""
    start, gift, factor = cast.draw.integer(40, 200), cast.draw.integer(5, 35), cast.draw.integer(2, 5)
    text = (
        f"{cast.ann} owns {start} {cast.things} and gives {gift} of them to {cast.bob}, who then has {factor} times "
        f"as many as {cast.bob} was given. How many {cast.things} do the two own together now?"
    )
    return text, Decimal(start - gift + factor * gift)


def train(cast: Cast) -> Problem:
    """Distance from speed and time, with a halt."""
    speed, hours, left = cast.draw.integer(5, 14) * 10, cast.draw.integer(2, 7), cast.draw.integer(11, 95)
    text = (
        f"A train leaves {cast.here} for {cast.there} at a steady {speed} kilometres an hour. After {hours} hours it "
        f"halts, {left} kilometres short of {cast.there}. How many kilometres apart are the two towns by rail?"
    )
    return text, Decimal(speed * hours + left)


def tickets(cast: Cast) -> Problem:
    """Two prices and a cost."""
    adults, children, cost = cast.draw.integer(50, 400), cast.draw.integer(20, 200), cast.draw.integer(100, 400)
    dear, cheap = cast.draw.integer(6, 20), cast.draw.integer(2, 5)
    text = (
        f"For {cast.fair}, {cast.ann} sells {adults} tickets at ${dear} and {children} at ${cheap}. Renting the hall "
        f"costs ${cost}. How many dollars are left?"
    )
    return text, Decimal(adults * dear + children * cheap - cost)


def discount(cast: Cast) -> Problem:
    """A discount in percent."""
    count, price, off = cast.draw.integer(3, 25), cast.draw.integer(4, 60), cast.draw.integer(1, 9) * 5
    text = (
        f"{cast.firm} sells {cast.goods} at ${price} each. {cast.bob} orders {count} and is given {off} percent off "
        f"the whole order. How many dollars does {cast.bob} pay?"
    )
    return text, Decimal(count * price * (100 - off)) / 100


def sharing(cast: Cast) -> Problem:
    """Equal shares and a remainder."""
    heads, each, rest = cast.draw.integer(4, 18), cast.draw.integer(6, 30), cast.draw.integer(1, 3)
    text = (
        f"{cast.ann} has {heads * each + rest} {cast.things} and divides them evenly among {heads} children, each "
        f"getting as many as possible. How many {cast.things} does every child get?"
    )
    return text, Decimal(each)


def growth(cast: Cast) -> Problem:
    """A workforce over three years."""
    start, joined, gone = cast.draw.integer(60, 400), cast.draw.integer(10, 50), cast.draw.integer(5, 50)
    text = (
        f"{cast.firm} in {cast.here} had {start} workers. In the first year {joined} joined, in the second twice as "
        f"many joined, and in the third {gone} left. How many workers did the company have then?"
    )
    return text, Decimal(start + 3 * joined - gone)


def harvest(cast: Cast) -> Problem:
    """Area times yield."""
    long, wide, each = cast.draw.integer(12, 60), cast.draw.integer(8, 40), cast.draw.integer(2, 9)
    text = (
        f"{cast.bob} has a field near {cast.there} that is {long} metres long and {wide} metres wide. Every square "
        f"metre yields {each} kilograms of potatoes, and half of the harvest goes to {cast.ann}. How many kilograms "
        f"does {cast.ann} get?"
    )
    return text, Decimal(long * wide * each) / 2


def saving(cast: Cast) -> Problem:
    """Weeks until a sum is saved."""
    weekly, weeks, have = cast.draw.integer(5, 40), cast.draw.integer(4, 30), cast.draw.integer(10, 90)
    text = (
        f"{cast.ann} wants to buy a telescope for ${have + weekly * weeks}. ${have} are in the drawer already, and "
        f"${weekly} are put aside every week. How many weeks does it take until there is enough?"
    )
    return text, Decimal(weeks)


PROBLEMS: tuple[Callable[[Cast], Problem], ...] = (
    wages,
    boxes,
    gifts,
    train,
    tickets,
    discount,
    sharing,
    growth,
    harvest,
    saving,
)


def make(draw: Draw, sentences: int) -> Item:
    """Set a problem."""
    text, result = draw.choice(PROBLEMS)(Cast(draw))
    digits = f"{result.normalize():f}"
    return Item(ask(f"{text}\nEnd with the number alone."), Amount(digits, result), max_tokens=160)
