"""Run a model or pass the request on? Miners compared on quality, wins, speed, cost, profit and detection."""

from lab.studies.study import MeasuredStudy

from .config import MinersConfig
from .contest import MinersData
from .page import page

__all__ = ["STUDY"]

STUDY = MeasuredStudy("miners", MinersConfig, MinersData.read, page)
