"""What can go wrong in the laboratory.

SubnetlabError
└── LabError
    ├── ConfigError        a config can't be read, or one of its keys is wrong
    └── RecordError        a record is missing, in use, from a newer version, or was changed
        ├── DamagedRecord  a file of a run or a study is empty, torn or has other contents
        ├── AuditError     a hash, grade, weight or payout can't be reproduced
        └── RefusedRecord  a record from a cluster is unacceptable, and would be again
"""

from subnets import SubnetlabError


class LabError(SubnetlabError):
    """Base of the laboratory's errors; each is one line for the user."""


class ConfigError(LabError):
    """A config is wrong; the message names the file, the key, the value, what is allowed and the fix."""


class RecordError(LabError):
    """A run folder can't be used as asked."""


class DamagedRecord(RecordError):
    """A file of a run or a study is empty, torn or has other contents."""


class AuditError(RecordError):
    """The record contradicts itself; the message names the entry."""


class RefusedRecord(RecordError):
    """A record from a cluster is unacceptable; fetching it again won't help."""
