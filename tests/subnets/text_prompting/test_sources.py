import json
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from subnets import Answer, Message, PluginError
from subnets.language_model import Conversation
from subnets.text_prompting import LanguageModel, TextPrompting, Written
from subnets.text_prompting.world.sources import read_prompts, read_texts


class FirstSentence(LanguageModel):
    """Answers with the first sentence it was shown, as a question where it is asked for one."""

    def complete(self, conversations: Sequence[Conversation], max_tokens: int) -> list[str]:
        replies = []
        for turns in conversations:
            first = turns[-1].content.split(".")[0]
            replies.append(
                f"What of this: {first}?" if "Write one short question" in turns[-1].content else f"{first}."
            )
        return replies


def test_texts_are_read_from_a_folder_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("Second. Text.")
    (tmp_path / "a.jsonl").write_text('{"body": "First."}\n\n{"body": "Then."}\n')
    (tmp_path / "c.csv").write_text("no")
    assert read_texts(tmp_path, "body") == ("First.", "Then.", "Second. Text.")


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"])
def test_a_line_of_json_ends_at_a_line_feed_alone(tmp_path: Path, separator: str) -> None:
    written = [f"A kiln{separator}and a wheel.", "Clay."]
    rows = [json.dumps({"prompt": text, "text": text}, ensure_ascii=False) for text in written]
    for end in ("\n", "\r\n"):
        file = tmp_path / f"{len(end)}.jsonl"
        file.write_bytes(end.join(rows).encode())
        assert read_texts(file, "text") == tuple(written)
        assert [turns[0].content for turns in read_prompts(file)] == written


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_not_part_of_the_text(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.jsonl").write_bytes('{"prompt": "Glaze?", "text": "Glaze."}\r\n'.encode(encoding))
    (tmp_path / "b.txt").write_bytes("Slip?".encode(encoding))
    assert read_texts(tmp_path, "text") == ("Glaze.", "Slip?")
    assert read_prompts(tmp_path / "a.jsonl") == ((Message("user", "Glaze?"),),)
    assert read_prompts(tmp_path / "b.txt") == ((Message("user", "Slip?"),),)


def test_a_folders_texts_are_neither_its_hidden_files_nor_its_checkpoints_nor_its_card(tmp_path: Path) -> None:
    for name in (
        "letters/one.TXT",
        "letters/two.Md",
        "three.JSONL",
        "readmes-of-old.txt",
        ".hidden.txt",
        "._one.txt",
        ".git/notes.md",
        ".ipynb_checkpoints/one-checkpoint.txt",
        "checkpoint-500/state.txt",
        "__MACOSX/one.txt",
        "README.md",
        "letters/ReadMe.txt",
        "LICENSE.txt",
        "dataset_card.md",
    ):
        file = tmp_path / "own" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"text": name}) if name.endswith("JSONL") else name)
    (tmp_path / "own" / "folder.txt").mkdir()
    kept = ("letters/one.TXT", "letters/two.Md", "readmes-of-old.txt", "three.JSONL")
    assert read_texts(tmp_path / "own", "text") == kept
    # A file that is named is read, whatever it is called.
    assert read_texts(tmp_path / "own" / "README.md", "text") == ("README.md",)


NEEDS_TEXT_EXTRA = pytest.mark.skipif(
    find_spec("pyarrow") is None and not os.environ.get("CI"), reason="the plain test install has no extra `text`"
)


def parquet(path: Path, **columns: list[str | None]) -> None:
    import pyarrow
    from pyarrow.parquet import write_table

    path.parent.mkdir(parents=True, exist_ok=True)
    write_table(pyarrow.table(columns), path)


@NEEDS_TEXT_EXTRA
def test_texts_are_read_from_a_column_of_parquet(tmp_path: Path) -> None:
    parquet(tmp_path / "a.parquet", body=["First.", None, " Second. "], other=["x", "y", "z"])
    assert read_texts(tmp_path, "body") == ("First.", "Second.")
    with pytest.raises(PluginError, match="has no column 'text'; known: body, other"):
        read_texts(tmp_path / "a.parquet", "text")


@NEEDS_TEXT_EXTRA
def test_texts_are_read_from_the_copy_of_a_hub_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip("huggingface_hub.constants", reason="the lowest versions come without `text`")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    kept, commit = tmp_path / "datasets--somebody--letters", "0" * 40
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text(commit)
    parquet(kept / "snapshots" / commit / "data" / "train.parquet", text=["Dear Vera."])
    assert read_texts(Path("somebody/letters"), "text") == ("Dear Vera.",)
    with pytest.raises(PluginError, match="there is no path somebody/else, and no dataset of that name can be fetched"):
        read_texts(Path("somebody/else"), "text")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", '{"text": 3}', "line 1: no text under 'text'"),
        ("a.jsonl", "{", "line 1: not JSON"),
        ("a.jsonl", "[]", "line 1: not a JSON object"),
        ("a.txt", " \n", "contains no text"),
    ],
)
def test_a_file_without_texts_is_named_with_its_line(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(PluginError, match=message):
        read_texts(tmp_path / name, "text")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"question": "?"}', 'neither "prompt" nor "messages"'),
        ('{"messages": [{"role": "robot", "content": ""}]}', "needs a role"),
        ('{"messages": [{"role": "assistant", "content": "Hi"}]}', "not the user's"),
    ],
)
def test_a_line_that_is_not_a_prompt_is_named(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "p.jsonl").write_text(line)
    with pytest.raises(PluginError, match=message):
        read_prompts(tmp_path / "p.jsonl")


def test_organic_prompts_are_mixed_in_at_their_share_and_have_no_truth(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    turns = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello?"}]
    path.write_text(json.dumps({"prompt": "Why is the sea salty?"}) + "\n" + json.dumps({"messages": turns}))
    subnet = TextPrompting(organic=path, organic_share=0.3)
    tasks = [subnet.task(seed) for seed in range(300)]
    organic = [task for task in tasks if task.kind == "organic"]
    assert 60 < len(organic) < 120
    assert {task.prompt.messages for task in organic} == {
        (Message("user", "Why is the sea salty?"),),
        (Message("system", "Be kind."), Message("user", "Hello?")),
    }
    assert organic[0].reference is None
    assert subnet.quality(organic[0], Answer(text="Because.")) is None


def test_an_organic_prompt_gets_the_writers_answer_for_a_reference(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("Why is the sea salty. Really.\n")
    task = TextPrompting(organic=tmp_path / "p.txt", organic_share=1.0, writer=FirstSentence()).task(1)
    assert task.reference == Written("Why is the sea salty.")


def test_a_written_reference_is_graded_by_likeness_and_tells_no_quality(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("Ostrava has a mill. The mill is old.")
    subnet = TextPrompting(mix={"text_summary": 1}, texts=tmp_path, writer=FirstSentence())
    task = subnet.task(1)
    assert "The mill is old." in task.prompt.text
    assert task.reference == Written("Ostrava has a mill.")
    assert task.reference.grade("Ostrava has a mill.").value == 1.0
    assert subnet.quality(task, subnet.gold(task)) is None


def test_a_hidden_text_is_asked_about_and_not_shown() -> None:
    options = {"mix": {"text_question": 1}, "writer": FirstSentence()}
    shown = TextPrompting.model_validate(options).task(1)
    hidden = TextPrompting.model_validate(options | {"hidden_context": True}).task(1)
    assert shown.reference == hidden.reference
    assert hidden.prompt.text in shown.prompt.text
    assert len(hidden.prompt.text) < len(shown.prompt.text) / 2


class Careless(LanguageModel):
    """Rewrites a question without its names."""

    def complete(self, conversations: Sequence[Conversation], max_tokens: int) -> list[str]:
        return ["Hey, whatever?"] * len(conversations)


class Careful(LanguageModel):
    """Rewrites a question and keeps its names."""

    def complete(self, conversations: Sequence[Conversation], max_tokens: int) -> list[str]:
        return [f"Oh well, {turns[-1].content}" for turns in conversations]


def test_a_rewriting_is_taken_only_if_it_keeps_every_name() -> None:
    plain = TextPrompting(mix={"extractive": 1}).task(3).prompt.text
    careless = TextPrompting(mix={"extractive": 1}, persona="model", writer=Careless()).task(3).prompt.text
    careful = TextPrompting(mix={"extractive": 1}, persona="model", writer=Careful()).task(3).prompt.text
    assert careless == plain
    assert careful == plain.replace("Question: ", "Question: Oh well, ")
