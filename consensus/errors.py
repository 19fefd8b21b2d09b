"""What this room refuses.

ConsensusError
├── ParamsError      a parameter out of its range
└── StateError       a subnet's state that no chain could hold

Both are also `ValueError`: they are raised before anything is computed or changed.
"""


class ConsensusError(Exception):
    """The root of this room's errors."""


class ParamsError(ConsensusError, ValueError):
    """A parameter out of its range."""


class StateError(ConsensusError, ValueError):
    """A subnet's state that no chain could hold: a missing uid, a duplicate, a negative weight."""
