"""GGUF files, converted once into folders of float32 safetensors with tokenizer and chat template."""

from __future__ import annotations

import hashlib
from pathlib import Path

from inference.errors import ModelError, first_line
from inference.quiet import quiet

from .cache import FORMAT, build_once, cache_folder, sha256


def converted_folder(source: Path) -> Path:
    """Return the folder for a converted GGUF file, whether it exists or not."""
    size = source.stat().st_size
    identity = hashlib.sha256(f"{FORMAT}:{source.name}:{size}:{_hash_of_edges(source)}".encode()).hexdigest()
    return cache_folder() / f"{source.stem.lower()}-{identity[:12]}"


def convert(source: Path) -> Path:
    """Convert a GGUF file unless its folder exists, and return the folder.

    Raises:
        ModelError: a package is missing, or the file can't be read.
    """
    origin = {"source": source.name, "sha256": sha256(source)}
    return build_once(converted_folder(source), origin, lambda folder: _write(source, folder))


def _hash_of_edges(path: Path, count: int = 1 << 20) -> str:
    """Hash the first and last megabyte: the header with its table of tensors, and some weights."""
    with path.open("rb") as file:
        head = file.read(count)
        file.seek(max(0, path.stat().st_size - count))
        return hashlib.sha256(head + file.read(count)).hexdigest()


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
            # A model that remembers its quantisation refuses to be saved, so its weights move to a plain one.
            config = model.config
            if hasattr(config, "quantization_config"):
                del config.quantization_config
            plain = AutoModelForCausalLM.from_config(config)
            plain.load_state_dict(model.state_dict())
            plain.generation_config = model.generation_config
            plain.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
    except Exception as error:  # a foreign file may fail in any way inside the parser
        raise ModelError(
            f"{source} can't be read as GGUF ({type(error).__name__}: {first_line(error)}); "
            "get the model as safetensors instead"
        ) from error
