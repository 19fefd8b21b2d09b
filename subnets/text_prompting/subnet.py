"""The text prompting subnet: questions about an invented world, with known answers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import Field, field_validator

from subnets.answer import Answer
from subnets.items import Items
from subnets.language_model import LANGUAGE_MODELS, LanguageModel
from subnets.score import Scorer
from subnets.seed import Seed
from subnets.subnet import Subnet
from subnets.task import Message, Prompt, Task
from subnets.text_prompting.truths.truth import Item, KnownTruth, Truth, truth_of
from subnets.text_prompting.truths.written import Written
from subnets.text_prompting.world import persona
from subnets.text_prompting.world.passage import write_passage
from subnets.text_prompting.world.sources import read_prompts, read_texts
from subnets.text_prompting.world.world import Draw, World

from .kinds import KINDS, Kind, own_text
from .readings import COMPARABLE, reading, wrong_answers

OwnKind = Literal["text_summary", "text_question"]
OWN_KINDS = {"text_summary": own_text.summary, "text_question": own_text.question}
Share = Annotated[float, Field(ge=0, le=1)]
ORDER: tuple[str, ...] = (*KINDS, *OWN_KINDS)
ORGANIC = "organic"
"""Kind of a task that is a prompt of a real user."""
QUESTION = "Question: "


class TextPrompting(Subnet):
    """Tasks of many kinds, mixed by weight."""

    name: ClassVar[str] = "text_prompting"
    scorers: ClassVar[Mapping[str, str]] = {
        "asks": "subnets.text_prompting.truths.inquiry:Asks",
        "calendar": "subnets.text_prompting.truths.day:Calendar",
        "chosen": "subnets.text_prompting.truths.choice:Chosen",
        "criteria": "subnets.text_prompting.truths.criteria:Criteria",
        "kept_facts": "subnets.text_prompting.truths.facts:KeptFacts",
        "known_truth": "subnets.text_prompting.truths.truth:KnownTruth",
        "named": "subnets.text_prompting.truths.phrase:Named",
        "numeric": "subnets.text_prompting.truths.numeric:Numeric",
        "own_answer": "subnets.text_prompting.truths.own_answer:OwnAnswer",
    }

    mix: dict[Kind | OwnKind, Annotated[float, Field(ge=0)]] = {kind: 1.0 for kind in KINDS}
    """Weight of each kind; kinds left out get none. `text_summary` and `text_question` need a `writer`."""
    passage_sentences: tuple[Annotated[int, Field(ge=2)], Annotated[int, Field(le=60)]] = (6, 14)
    """Minimum and maximum number of sentences in a passage; longer ones are harder."""
    texts: Path | None = None
    """Your own texts for `text_summary` and `text_question`: a file or folder of .txt, .md, .jsonl or .parquet, or a
    dataset on the Hub, OWNER/NAME. Omit it to take passages about the invented world."""
    text_field: str = "text"
    """Field or column that holds a text."""
    hidden_context: bool = False
    """Ask `text_question` without its text, as prompting 1.x did, so that the miner has to know the answer."""
    organic: Path | None = None
    """Prompts of real users: .jsonl with "prompt" or "messages", or one prompt per line."""
    organic_share: Share = 0.0
    """Share of tasks that are such prompts. Their reference is the writer's answer; without a writer, there is none."""
    persona: Literal["none", "template", "model"] = "none"
    """Persona that asks: a mood and a tone around the challenge, or a question rewritten by the writer."""
    persona_share: Share = 1.0
    """Share of tasks asked by a persona."""
    writer: Annotated[LanguageModel | None, *LANGUAGE_MODELS.optional_field()] = None
    """The validator's model, for references and personas."""

    @field_validator("mix")
    @classmethod
    def _mix_has_weight(cls, value: dict[str, float]) -> dict[str, float]:
        if not sum(value.values()) > 0:
            raise ValueError("every weight is 0; give one kind some weight")
        return value

    @field_validator("passage_sentences")
    @classmethod
    def _range_is_ordered(cls, value: tuple[int, int]) -> tuple[int, int]:
        if value[0] > value[1]:
            raise ValueError(f"{list(value)} runs backwards; write [{value[1]}, {value[0]}]")
        return value

    def model_post_init(self, context: Any, /) -> None:
        """Refuse options that depend on one that is missing."""
        lacking = [kind for kind in OWN_KINDS if self.mix.get(kind)] if self.writer is None else []  # type: ignore[call-overload]
        if lacking:
            raise ValueError(f"{lacking[0]} needs a writer; set writer = {{model = ...}}")
        if self.persona == "model" and self.writer is None:
            raise ValueError('persona = "model" needs a writer; set writer = {model = ...}')
        if self.organic_share and self.organic is None:
            raise ValueError("organic_share needs a file of prompts; set organic")

    def task(self, seed: int) -> Task:
        """Draw a kind, then a task of that kind."""
        root = Seed(seed)
        draw = Draw(root.child("choice").rng())
        kind, item = self._item(root, draw)
        messages = item.messages
        if self.persona != "none" and draw.chance(self.persona_share):
            messages = self._with_persona(Draw(root.child("persona").rng()), messages)
        return Task(
            id=f"{root.child('id').integer():016x}",
            subnet=self.name,
            seed=seed,
            prompt=Prompt(messages, max_tokens=item.max_tokens),
            reference=item.truth,
            kind=kind,
            difficulty=item.difficulty,
        )

    def kind(self, seed: int) -> str:
        """Draw the kind that `task` draws."""
        return self._kind(Draw(Seed(seed).child("choice").rng()))

    def gold(self, task: Task) -> Answer:
        """Return the right answer, or the written reference."""
        return Answer(text=truth_of(task, Truth).text)  # type: ignore[type-abstract]

    def scorer(self) -> Scorer:
        """Return the grader that uses the known truth."""
        return KnownTruth()

    def quality(self, task: Task, answer: Answer) -> float | None:
        """Grade by the truth; None for a reference that a model wrote."""
        if not isinstance(task.reference, Truth) or isinstance(task.reference, Written):
            return None
        return task.reference.grade(answer.text).value

    def items(self, task: Task, answers: Sequence[Answer | None]) -> Items | None:
        """Compare short answers; None for tasks of free writing."""
        return super().items(task, answers) if task.kind in COMPARABLE else None

    def reading(self, task: Task, answer: Answer) -> Hashable | None:
        """Return the choice, number, date or name that an answer gives."""
        return reading(task.kind, task.prompt, answer.text)

    def wrong(self, task: Task) -> int:
        """Return the number of wrong options of a choice."""
        return wrong_answers(task.kind, task.prompt, super().wrong(task))

    def reference_from(self, task: Task, answer: Answer) -> Written | None:
        """Return the answer's text as a written reference."""
        return Written(answer.text) if answer.text.strip() else None

    def _item(self, root: Seed, draw: Draw) -> tuple[str, Item]:
        kind = self._kind(draw)
        if kind == ORGANIC:
            return kind, self._organic(draw, cast(Path, self.organic))
        low, high = self.passage_sentences
        length = draw.integer(low, high)
        item_draw = Draw(root.child("item").rng())
        if kind in OWN_KINDS:
            model = cast(LanguageModel, self.writer)
            return kind, OWN_KINDS[kind](item_draw, self._texts(item_draw, length), model, self.hidden_context)
        return kind, KINDS[cast(Kind, kind)](item_draw, length)

    def _kind(self, draw: Draw) -> str:
        if draw.chance(self.organic_share) and self.organic is not None:
            return ORGANIC
        # Sorted by ORDER, because the record doesn't keep the order of a table's keys.
        kinds = [kind for kind in sorted(self.mix, key=ORDER.index) if self.mix[kind] > 0]
        weights = [self.mix[kind] for kind in kinds]
        total = sum(weights)
        return kinds[int(draw.rng.choice(len(kinds), p=[weight / total for weight in weights]))]

    def _texts(self, draw: Draw, sentences: int) -> tuple[str, ...]:
        if self.texts is not None:
            return read_texts(self.texts, self.text_field)
        world = World.make(draw)
        return (write_passage(draw, world, draw.sample(world.facts, 3), sentences).text,)

    def _organic(self, draw: Draw, path: Path) -> Item:
        messages = draw.choice(read_prompts(path))
        if self.writer is None:
            return Item(messages, None, max_tokens=256)
        (reference,) = self.writer.complete([messages], 256)
        return Item(messages, Written(reference), max_tokens=256)

    def _with_persona(self, draw: Draw, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        *before, last = messages
        text = last.content
        if self.persona == "template" or QUESTION not in text:
            return (*before, Message("user", persona.add_persona(draw, text)))
        head, _, rest = text.rpartition(QUESTION)
        question, _, tail = rest.partition("\n")
        rewritten = persona.rewrite(draw, cast(LanguageModel, self.writer), question)
        return (*before, Message("user", f"{head}{QUESTION}{rewritten}\n{tail}".strip()))
