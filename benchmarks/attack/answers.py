"""Answers, verdicts and images: everything that a parser or a grader reads from strangers."""

from __future__ import annotations

import io
import time
from functools import cache
from random import Random

from PIL import Image

from miners.adversaries import FAULTS, INJECTIONS
from miners.engines.image import open_image
from miners.errors import ImageError
from subnets import Answer, MalformedAnswer, Response, Subnet, Task, load_subnet
from validators import SCORERS, Validator
from validators.scorers.judging.verdict import UnreadableVerdict, read_mark, read_pick
from validators.validator import GRADER_FAILED

from .noise import body, damaged, flipped, text
from .tally import Tally

TASKS = 40
GRADERS = ("", "echo", "edit_similarity", "exact", "length", "near_duplicates", "rouge", "tfidf_cubed", "token_f1")
"""Scorers without a model; the empty name is the subnet's own."""
HUGE = frozenset(("text_of_50_mb", "open_brackets", "deep_lists", "deep_objects", "sections_100000"))
"""Faults that are thrown once, because building them takes longer than reading them."""


@cache
def tasks(kind: str) -> tuple[Subnet, list[Task], list[bytes]]:
    """Return a subnet, some of its tasks, and the bodies of their right answers."""
    subnet = load_subnet(kind)
    made = [subnet.task(seed) for seed in range(TASKS if kind == "text_prompting" else 4)]
    return subnet, made, [subnet.gold(task).body() for task in made]


def parse(tally: Tally, random: Random, until: float) -> None:
    """Damage bodies of answers; what is accepted must come back the same when it is sent on."""
    faults = [make() for name, make in FAULTS.items() if name not in HUGE]
    subnets = [tasks(kind) for kind in ("ocr", "text_prompting")]
    for subnet, _, _ in subnets:
        for name in FAULTS:
            _read(tally, subnet, FAULTS[name]())
    while time.monotonic() < until:
        subnet, _, golds = random.choice(subnets)
        whole = random.choice(faults) if random.random() < 0.1 else random.choice(golds)
        _read(tally, subnet, damaged(whole, random))


def _read(tally: Tally, subnet: Subnet, sent: bytes) -> None:
    with tally.attempt(MalformedAnswer):
        answer = subnet.read(sent)
        if len(sent) > subnet.max_answer_bytes or subnet.read(answer.body()) != answer:
            tally.lost.append(f"{subnet.name} accepted {sent[:200]!r}")


def grade(tally: Tally, random: Random, until: float) -> None:
    """Have every grader without a model grade answers that were damaged or made of noise."""
    validators = [Validator(scorer=SCORERS.load(name) if name else None) for name in GRADERS]
    while time.monotonic() < until:
        subnet, made, golds = tasks(random.choice(("ocr", "text_prompting", "text_prompting")))
        place = random.randrange(len(made))
        noise = random.random() < 0.5
        sent = body(random) if noise else damaged(golds[place], random)
        if not noise and random.random() < 0.2:
            plain = text(random).encode(errors="ignore").decode()
            sent = subnet.inject(Answer(text=plain), str(random.choice(INJECTIONS))).body()
        validator = validators[0] if subnet.name == "ocr" else random.choice(validators)
        with tally.attempt():
            grades = validator.grade(subnet, made[place], [Response(0, body=sent), Response(1, body=golds[place])])
            for score in grades.scores:
                if score.reason.startswith(GRADER_FAILED):
                    tally.raised.append(f"{validator.scorer or subnet.name}: {score.reason} for {sent[:200]!r}")


def verdicts(tally: Tally, random: Random, until: float) -> None:
    """Read verdicts of judges that write anything; a verdict lies on its scale or is unreadable."""
    while time.monotonic() < until:
        reply = text(random)
        with tally.attempt(UnreadableVerdict):
            if random.random() < 0.5:
                good = 0.0 <= read_mark(reply) <= 1.0
            else:
                good = read_pick(reply) in (-1.0, 0.0, 1.0)
            if not good:
                tally.lost.append(f"a verdict off its scale from {reply!r}")


def images(tally: Tally, random: Random, until: float) -> None:
    """Decode damaged images; a PNG has checksums, so that one with a flipped bit is refused or looks the same."""
    picture = Image.effect_noise((160, 120), 60).convert("L")
    wholes = {
        form: _encoded(picture.convert(mode), kind, **options)
        for form, mode, kind, options in (
            ("png", "L", "PNG", {}),
            ("palette", "P", "PNG", {}),
            ("rgba", "RGBA", "PNG", {}),
            ("jpeg", "RGB", "JPEG", {}),
            ("cmyk", "CMYK", "JPEG", {}),
            ("progressive", "L", "JPEG", {"progressive": True}),
        )
    }
    seen = {form: open_image(whole).grey().tobytes() for form, whole in wholes.items()}
    while time.monotonic() < until:
        form = random.choice(list(wholes))
        flip = random.random() < 0.5
        data = flipped(wholes[form], random) if flip else damaged(wholes[form], random)
        with tally.attempt(ImageError):
            grey = open_image(data).grey()
            if flip and data.startswith(b"\x89PNG") and grey.tobytes() != seen[form]:
                tally.lost.append(f"a PNG ({form}) with a flipped bit was read as another picture")


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)  # type: ignore[arg-type]
    return data.getvalue()
