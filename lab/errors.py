"""What can go wrong in the laboratory.

SubnetlabError
└── LabError
    ├── ConfigError        a config can't be read, or a key of it is wrong
    └── RecordError        a record is missing, in use, newer than this version, or not what was written
        ├── AuditError     a hash, grade, weight or payout does not come out again
        └── RefusedRecord  a cluster left what is not taken, now or later
"""

from subnets import SubnetlabError


class LabError(SubnetlabError):
    """Base of the laboratory's errors; each is one line for the user."""


class ConfigError(LabError):
    """Names the file, the key, the value, what is allowed and the fix."""


class RecordError(LabError):
    """A run folder can't be used as asked."""


class AuditError(RecordError):
    """The record contradicts itself; the message names the entry."""


class RefusedRecord(RecordError):
    """What a cluster left is not taken: it would be refused again."""
