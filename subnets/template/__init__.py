"""Subnets in the shape of the field's template: a Synapse protocol, a task and a reward, run as they are."""

from .scorer import TemplateReward
from .subnet import Template

__all__ = ["Template", "TemplateReward"]
