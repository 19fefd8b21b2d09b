"""The Hugging Face Hub: models by their id, OWNER/MODEL. Only `download` uses the network."""

from __future__ import annotations

from pathlib import Path

from inference.errors import ModelError, first_line

HUB_FILES = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model")
"""Files to download: weights without code, the tokenizer, the configuration."""


def is_hub_id(name: str) -> bool:
    """Return True if the name has the form of a Hub id; a path that exists may have it too."""
    owner, slash, model = name.partition("/")
    return bool(owner and slash and model) and "/" not in model and owner not in (".", "..", "~")


def cached(name: str) -> Path:
    """Return the folder of a model that was downloaded before.

    Raises:
        ModelError: it was not, or huggingface_hub is missing.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ModelError(
            f"a Hub id needs huggingface_hub ({error}); get it with: pip install 'subnetlab[text]'"
        ) from error
    try:
        return Path(snapshot_download(name, local_files_only=True, allow_patterns=list(HUB_FILES)))
    except Exception as error:  # not cached or not a valid id: the Hub's tree of errors changes between versions
        raise ModelError(
            f"model {name!r} is not on this machine ({type(error).__name__}); "
            f"get it with: subnetlab models prepare {name}"
        ) from error


def download(name: str, alternatives: str) -> None:
    """Download a model, or fall back on an earlier download if the Hub can't be reached.

    Raises:
        ModelError: neither works; the message suggests the `alternatives`.
    """
    try:
        from huggingface_hub import snapshot_download

        snapshot_download(name, allow_patterns=list(HUB_FILES), etag_timeout=10)
    except Exception as error:
        try:
            cached(name)
        except ModelError:
            raise ModelError(
                f"model {name!r} can't be fetched ({type(error).__name__}: {first_line(error)}); "
                f"copy its folder here and give its path, or use one of: {alternatives}"
            ) from error
