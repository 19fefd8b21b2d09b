"""The base of errors that users see as one line, and the errors of this room.

SubnetlabError
├── ModelError    a model is missing or can't be loaded; the message ends with the fix
└── PromptError   a model can't take this prompt
"""


class SubnetlabError(Exception):
    """Base of every error whose message is written for the user."""


class ModelError(SubnetlabError):
    """A model is missing, incomplete or not a model; the message ends with the command that fetches it."""


class PromptError(SubnetlabError, ValueError):
    """A prompt is too long for the model's context, or the chat template refuses its roles."""


def first_line(error: BaseException, length: int = 200) -> str:
    """Return the first line of a foreign error's message, empty if it has none."""
    return next(iter(str(error).strip().splitlines()), "")[:length]
