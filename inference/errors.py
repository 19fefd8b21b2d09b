"""Errors that a user sees as one line, and those of the room that holds models.

SubnetlabError
├── ModelError    a model is missing or can't be loaded; the message ends with the fix
└── PromptError   a model can't take this prompt
"""


class SubnetlabError(Exception):
    """Base of every error that is meant for the user's eyes."""


class ModelError(SubnetlabError):
    """A model is missing, incomplete or not a model; the message ends with the command that gets it."""


class PromptError(SubnetlabError, ValueError):
    """A prompt is too long for the model's context, or its roles are refused by the chat template."""


def first_line(error: BaseException, length: int = 200) -> str:
    """Return the first line of a foreign error's message, empty if it has none."""
    return next(iter(str(error).strip().splitlines()), "")[:length]
