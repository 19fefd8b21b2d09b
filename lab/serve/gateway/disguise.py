"""The disguise: a customer's query in the form of the validators' own, so that a miner can't serve customers worse.

The form is learned from tasks that validators would set after the end of the run. What customers ask can differ from
what validators ask; the id, the caller, the time limit, the limit on tokens and the image's format do not.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from lab.run.guest import OpenRun
from miners.engines.image import open_image
from miners.engines.image_file import reduce_file
from miners.errors import ImageError
from subnets import Caller, Message, Prompt, Query

from .refusal import invalid

BEYOND = 1_000_000_000
"""Number of the first round whose task is looked at; no run is so long."""
TEXTS, PAGES = 48, 8
"""Tasks that are looked at; pages take longer to make."""
JPEG, PNG = b"\xff\xd8", b"\x89PNG"
QUALITY = 95
"""JPEG quality of a customer's image that comes in another format than tasks."""


@dataclass(frozen=True, slots=True)
class CallerForm:
    """What one validator's queries have in common."""

    uid: int
    timeout_s: float


class Disguise:
    """Makes queries for customers."""

    def __init__(self, run: OpenRun, queries: Sequence[Query]) -> None:
        self._run = run
        self._subnet = run.config.subnet.name
        validators = run.economy.validators
        self._callers = [
            CallerForm(uid, validator.timeout_s) for uid, validator in validators.items() if validator.asks
        ]
        self._known: dict[int, Caller] = {}
        """Callers as of the last epoch, by uid."""
        self._known_after = -1
        prompts = [query.prompt for query in queries]
        self.reads_pages = bool(prompts) and all(prompt.image for prompt in prompts)
        """True if every task has an image."""
        self._limits = sorted({prompt.max_tokens for prompt in prompts if prompt.max_tokens is not None})
        same = {prompt.messages for prompt in prompts}
        self._instruction = next(iter(same)) if self.reads_pages and len(same) == 1 else None
        """The turns of every task, where a task differs from others by its image alone."""
        self._jpeg = self.reads_pages and all(prompt.image.startswith(JPEG) for prompt in prompts)
        self._modes = {open_image(prompt.image).image.mode for prompt in prompts if prompt.image}

    @classmethod
    async def learn(cls, run: OpenRun) -> Disguise:
        """Look at tasks of the run's validators; raises PoolError if they can't be made."""
        uids = [uid for uid, validator in run.economy.validators.items() if validator.asks]
        queries: list[Query] = []
        number = BEYOND
        while uids and len(queries) < (PAGES if queries and queries[0].prompt.image else TEXTS):
            uid = uids[number % len(uids)]
            assignment = await run.pool.prepare(uid, number, run.economy.stakes(), run.economy.caller(uid))
            queries.append(assignment.query)
            number += 1
        return cls(run, queries)

    def query(self, messages: tuple[Message, ...], page: bytes = b"", token_limit: int | None = None) -> Query:
        """Return the query by which miners are asked, with a page that `page` has prepared."""
        form = secrets.choice(self._callers)
        prompt = Prompt(self._instruction or messages, page, self._limit(token_limit))
        return Query(secrets.token_hex(8), self._subnet, prompt, form.timeout_s, self._caller(form.uid))

    def page(self, image: bytes) -> bytes:
        """Return a customer's image as tasks have them; empty for none.

        Raises:
            ApiRefusal: the image is missing, unwanted, or can't be read.
        """
        if self.reads_pages and not image:
            raise invalid("this subnet reads pages: send one as an image_url part", "messages", "invalid_image")
        if image and not self.reads_pages:
            raise invalid("this subnet reads no images; send text alone", "messages", "invalid_image")
        try:
            return self._reformatted(image) if image else b""
        except ImageError as error:
            raise invalid(f"the image can't be read: {error}"[:400], "messages", "invalid_image") from None

    def _limit(self, wanted: int | None) -> int | None:
        """Return the smallest limit of the validators' that is large enough, or their largest."""
        enough = [limit for limit in self._limits if wanted is not None and limit >= wanted]
        return next(iter(enough), self._limits[-1] if self._limits else None)

    def _reformatted(self, data: bytes) -> bytes:
        """Return an image in the tasks' own format, without what its file says beyond pixels."""
        opened = open_image(data)
        is_alike = data.startswith(JPEG if self._jpeg else PNG) and opened.image.mode in self._modes
        upright = opened.grey()  # also refuses what can't be decoded, before anybody pays for it
        if is_alike and opened.orientation == 1:
            return reduce_file(data).data
        file = io.BytesIO()
        if self._jpeg:
            upright.save(file, "JPEG", quality=QUALITY)
        else:
            upright.save(file, "PNG")
        return file.getvalue()

    def _caller(self, uid: int) -> Caller:
        epochs = self._run.standing().epochs
        if epochs != self._known_after:
            self._known = {form.uid: self._run.economy.caller(form.uid) for form in self._callers}
            self._known_after = epochs
        return self._known[uid]
