"""Docstrings of the fields of a model, which are the help of its keys.

They are read from the source when somebody asks for help. Pydantic's `use_attribute_docstrings` reads them whenever a
class is made, which took a quarter of the time in which a command or a host starts.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise

from pydantic import BaseModel


def field_docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return the text below each field of a model or of its base classes; none where the source is not at hand."""
    texts: dict[str, str] = {}
    for ancestor in reversed(model.__mro__):
        if issubclass(ancestor, BaseModel) and ancestor is not BaseModel:
            texts |= _own(ancestor)
    return texts


def _own(model: type[BaseModel]) -> dict[str, str]:
    try:
        source = inspect.getsource(model)
    except (OSError, TypeError):  # a class of an interactive session, or made by a program
        return {}
    (definition,) = ast.parse(textwrap.dedent(source)).body
    assert isinstance(definition, ast.ClassDef)
    texts = {}
    for field, text in pairwise(definition.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            if isinstance(text.value, ast.Constant) and isinstance(text.value.value, str):
                texts[field.target.id] = inspect.cleandoc(text.value.value)
    return texts
