"""Loading models without progress bars and warnings on the terminal."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from threading import RLock

_loading = RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers while a model loads. Threads take turns, because stderr belongs to the whole process."""
    from transformers.utils import logging

    _loading.acquire()
    verbosity, progress_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with redirect_stderr(io.StringIO()):  # the GGUF reader's progress bar has no switch
            yield
    finally:
        logging.set_verbosity(verbosity)
        if progress_bars:
            logging.enable_progress_bar()
        _loading.release()
