"""Multiple choice: four options, the wrong ones from the same text if it has enough of them."""

from __future__ import annotations

from subnets.text import content
from subnets.text_prompting.truths.choice import LETTERS, Choice
from subnets.text_prompting.truths.truth import Item, ask
from subnets.text_prompting.world.passage import write_passage
from subnets.text_prompting.world.world import Draw, World, invent_fact

from ..words import places

OPTIONS = 4


def make(draw: Draw, sentences: int) -> Item:
    """Ask for one fact, giving options."""
    # Enough of each sort for three wrong options.
    world = World.make(draw, people=6, companies=6, towns=6)
    fact = draw.choice([fact for fact in world.facts if fact.day is None])
    passage = write_passage(draw, world, [fact], sentences)
    question = fact.question(draw)
    question_words = content(question)
    values = [other.value for other in world.facts if other.relation.value == fact.relation.value]
    values += [entity.name for entity in world.entities if entity.sort == fact.relation.value]
    wrong = [v for v in dict.fromkeys(values) if v != fact.value and not places(question_words, content(v))]
    present = [value for value in wrong if places(content(passage.text), content(value))]
    wrong = (present + draw.sample([v for v in wrong if v not in present], len(wrong)))[: OPTIONS - 1]
    while len(wrong) < OPTIONS - 1:
        value = invent_fact(draw, fact.subject, fact.relation, ()).value
        wrong += [value] if value not in (*wrong, fact.value) else []
    options = tuple(draw.sample([fact.value, *wrong], OPTIONS))
    right = options.index(fact.value)
    listing = "\n".join(f"{LETTERS[place]}) {option}" for place, option in enumerate(options))
    prompt = f"{passage.text}\n\nQuestion: {question}\n{listing}\nAnswer with the letter alone."
    return Item(ask(prompt), Choice(LETTERS[right], options, right), max_tokens=16)
