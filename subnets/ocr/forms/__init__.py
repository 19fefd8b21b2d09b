"""Forms in which models write down a page."""

from .forms import FORMS, ModelForm, read_form

__all__ = ["FORMS", "ModelForm", "read_form"]
