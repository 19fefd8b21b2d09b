"""The root of the project's errors: what its user sees as one line."""


class SubnetlabError(Exception):
    """Base of every error that is meant for the user's eyes."""
