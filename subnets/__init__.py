"""Subnets: the contracts of tasks, answers, scores and costs, and the workloads built on them."""

from .answer import Answer, Fault, Response
from .cost import Cost, Meter, spend
from .errors import MalformedAnswer, PluginError, SubnetlabError
from .items import NOTHING, SILENT, Items
from .plugin import Plugin, Plugins
from .registry import SUBNETS, load_subnet
from .score import Score, Scorer
from .seed import Seed
from .subnet import Subnet
from .task import Caller, Message, Prompt, Query, Task

__all__ = [
    "NOTHING",
    "SILENT",
    "SUBNETS",
    "Answer",
    "Caller",
    "Cost",
    "Fault",
    "Items",
    "MalformedAnswer",
    "Message",
    "Meter",
    "Plugin",
    "PluginError",
    "Plugins",
    "Prompt",
    "Query",
    "Response",
    "Score",
    "Scorer",
    "Seed",
    "Subnet",
    "SubnetlabError",
    "Task",
    "load_subnet",
    "spend",
]
