"""The loop of the first text subnets: a summary, a question about it and its answer in one conversation.

There, the earlier turns were the miners' best answers, so a miner that gamed the grader wrote the next
challenge. Here they are the known right answers, and the task asks for any of the three turns.
"""

from __future__ import annotations

from subnets.task import Message
from subnets.text_prompting.truths.inquiry import Inquiry
from subnets.text_prompting.truths.phrase import Phrase
from subnets.text_prompting.truths.truth import Item, Truth
from subnets.text_prompting.world.passage import write_passage
from subnets.text_prompting.world.world import Draw, World

from . import summary

ASK_QUESTION = "Ask a single relevant question about the text, whose answer is: {answer}"
ASK_ANSWER = "Answer that question, in as few words as the text allows."


def make(draw: Draw, sentences: int) -> Item:
    """Draw a turn and ask for it after the turns before it."""
    world = World.make(draw)
    subject, key = summary.choose(draw, world, summary.KEY_FACTS)
    passage = write_passage(draw, world, key, max(sentences, 2 * summary.KEY_FACTS))
    known = summary.truth(passage, [fact for fact in passage.facts if fact.subject is subject])
    fact = draw.choice([fact for fact in key if fact.day is None])
    question = fact.question(draw)
    turns: tuple[tuple[str, Truth], ...] = (
        (f"{passage.text}\n\n{summary.instruction(subject, known)}", known),
        (ASK_QUESTION.format(answer=fact.value), Inquiry.of(fact, question)),
        (ASK_ANSWER, Phrase(fact.value, fact.aliases, passage.rivals(fact, question), question)),
    )
    step = draw.integer(0, 2)
    messages: list[Message] = []
    for demand, truth in turns[:step]:
        messages += [Message("user", demand), Message("assistant", truth.text)]
    demand, truth = turns[step]
    return Item((*messages, Message("user", demand)), truth, max_tokens=(3 * known.max_words, 64, 48)[step])
