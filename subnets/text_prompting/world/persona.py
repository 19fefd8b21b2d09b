"""Personas: the same challenge as different people would put it, so that challenges can't be looked up.

Subnets that did this never checked that the challenge stays the same; here, a rewritten question is used
only if it keeps every name and number.
"""

from __future__ import annotations

import re

from subnets.language_model import LanguageModel
from subnets.task import Message
from subnets.text import words

from .world import Draw

OPENINGS = {
    "cheerful": ("What a lovely day! I have something for you.", "Hello there, this one is fun!"),
    "tired": ("I have been up all night, so please bear with me.", "One last thing before I go to bed."),
    "anxious": ("I am a little worried that I get this wrong.", "Sorry to bother you, I really need help."),
    "impatient": ("I am in a hurry.", "Quickly, please."),
    "curious": ("I have been wondering about this.", "Here is something that made me think."),
    "sceptical": ("I doubt that you can do this.", "Others have got this wrong."),
    "sad": ("It has not been my best week.", "I hope this will take my mind off things."),
    "excited": ("You will not believe what I found!", "I can't wait to hear what you say!"),
    "bored": ("There is nothing else to do here.", "Let us pass the time."),
}
CLOSINGS = {
    "formal": "I should be most grateful for your answer.",
    "casual": "Cheers!",
    "polite": "Thank you very much in advance.",
    "blunt": "That is all.",
    "warm": "Take care, and thanks.",
    "humble": "Forgive me if this is a simple one.",
    "teacherly": "Take your time and read it twice.",
    "businesslike": "I need this for a report.",
    "playful": "No peeking!",
    "stern": "I shall check it.",
    "neutral": "",
}
"""No tone asks for another form of answer, so the grading stays the same."""

NAME = re.compile(r"\b[A-Z][\w'-]+")


def add_persona(draw: Draw, text: str) -> str:
    """Put a mood before the text and a tone after it."""
    opening = draw.choice(OPENINGS[draw.choice(tuple(OPENINGS))])
    closing = CLOSINGS[draw.choice(tuple(CLOSINGS))]
    return f"{opening}\n\n{text}\n\n{closing}".strip()


def rewrite(draw: Draw, model: LanguageModel, question: str) -> str:
    """Rewrite a question in the words of a drawn persona; return it unchanged if the rewriting loses something."""
    mood, tone = draw.choice(tuple(OPENINGS)), draw.choice(tuple(CLOSINGS))
    system = (
        f"You are a {mood} person who writes in a {tone} tone. Put the user's question in your own words. "
        "Keep every name and number exactly. Write the question alone."
    )
    (rewritten,) = model.complete([(Message("system", system), Message("user", question))], 96)
    names = set(words(" ".join(NAME.findall(question)[1:])))
    required = names | {word for word in words(question) if word[0].isdigit()}
    if "?" not in rewritten or not required <= set(words(rewritten)) or len(rewritten) > 4 * len(question):
        return question
    return rewritten
