"""Summaries of and questions about your own texts, with a reference written by the validator's model."""

from __future__ import annotations

from subnets.language_model import LanguageModel
from subnets.task import Message
from subnets.text import sentences
from subnets.text_prompting.truths.truth import Item, ask
from subnets.text_prompting.truths.written import Written
from subnets.text_prompting.world.world import Draw

PASSAGE_SENTENCES = 20
PASSAGE_CHARACTERS = 4_000
SUMMARISE = "Summarise this text in at most 80 words."
ASK = "Write one short question that this text answers. Write the question alone."
ANSWER = "Answer in one or two sentences."


def excerpt(draw: Draw, texts: tuple[str, ...]) -> str:
    """Return some consecutive sentences of one of the texts."""
    parts = sentences(draw.choice(texts))
    start = draw.integer(0, max(0, len(parts) - PASSAGE_SENTENCES))
    return " ".join(parts[start : start + PASSAGE_SENTENCES])[:PASSAGE_CHARACTERS]


def summary(draw: Draw, texts: tuple[str, ...], model: LanguageModel, hidden: bool) -> Item:
    """Ask for a summary; a hidden text can't be summarised, so it is always shown."""
    messages = ask(f"{excerpt(draw, texts)}\n\n{SUMMARISE}")
    (reference,) = model.complete([messages], 160)
    return Item(messages, Written(reference), max_tokens=200)


def question(draw: Draw, texts: tuple[str, ...], model: LanguageModel, hidden: bool) -> Item:
    """Have the model ask about the text and answer from it; the miner sees the text unless it is hidden."""
    text = excerpt(draw, texts)
    (query,) = model.complete([ask(f"{text}\n\n{ASK}")], 64)
    query = query.splitlines()[0].strip() if query else "What is this text about?"
    full = f"{text}\n\nQuestion: {query}\n{ANSWER}"
    (reference,) = model.complete([(Message("user", full),)], 96)
    return Item(ask(f"Question: {query}\n{ANSWER}" if hidden else full), Written(reference), max_tokens=120)
