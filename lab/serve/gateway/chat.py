"""Requests and answers in the form of the OpenAI API's chat completions, and of Mistral's page reading."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from subnets import Message

from .refusal import ApiRefusal, invalid

Form = TypeVar("Form", bound=BaseModel)

MAX_TURNS = 512
MAX_PARTS = 64
ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}


class _Form(BaseModel):
    """Base of what is read; parameters that are not listed are accepted and have no effect."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)


class ImageUrl(_Form):
    """Where an image is: in the request itself, as a data URI."""

    url: str


class ContentPart(_Form):
    """A part of a message."""

    type: str
    text: str | None = None
    image_url: str | ImageUrl | None = None


class ChatMessage(_Form):
    """A turn of a conversation."""

    role: str
    content: str | Annotated[list[ContentPart], Field(max_length=MAX_PARTS)] | None = None


class ResponseFormat(_Form):
    """Form in which the answer is wanted."""

    type: Literal["text", "json_object"]


class StreamOptions(_Form):
    """How an answer is streamed."""

    include_usage: bool = False


class ChatRequest(_Form):
    """The body of `POST /v1/chat/completions`."""

    model: str
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MAX_TURNS)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    n: int | None = None
    response_format: ResponseFormat | None = None
    tools: list[Any] | None = None
    functions: list[Any] | None = None
    logprobs: bool | None = None

    @property
    def wants_json(self) -> bool:
        """True if the answer's own JSON is wanted, with all that it says."""
        return self.response_format is not None and self.response_format.type == "json_object"

    @property
    def token_limit(self) -> int | None:
        """Maximum tokens of the answer; None if the customer sets none."""
        limits = [limit for limit in (self.max_tokens, self.max_completion_tokens) if limit is not None]
        return min(limits, default=None)


class OcrDocument(_Form):
    """A page to read."""

    type: str
    image_url: str | ImageUrl | None = None


class OcrRequest(_Form):
    """The body of `POST /v1/ocr`."""

    model: str
    document: OcrDocument


class FeedbackRequest(_Form):
    """The body of `POST /v1/feedback`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    receipt: str
    rating: float = Field(ge=-1.0, le=1.0)
    comment: str = Field("", max_length=10_000)


def read_chat(body: bytes) -> ChatRequest:
    """Parse a request for a chat completion; raises ApiRefusal as the OpenAI API would."""
    request = read(ChatRequest, body)
    if request.n not in (None, 1):
        raise invalid(f"n is {request.n}; only one answer is given to a request", "n")
    if request.tools or request.functions:
        raise invalid("tools are not supported; leave them out", "tools")
    if request.logprobs:
        raise invalid("logprobs are not supported; leave them out", "logprobs")
    return request


def read(form: type[Form], body: bytes) -> Form:
    """Parse a body.

    Raises:
        ApiRefusal: it is not JSON of this form; names the first wrong key.
    """
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        fault: Any = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = [str(step) for step in fault["loc"] if not str(step).startswith(("ChatMessage", "function-", "list["))]
        where = ".".join(place)[:200]
        if fault["type"] == "json_invalid":
            raise invalid("We could not parse the JSON body of your request.") from None
        raise invalid(f"Invalid request: {where or 'body'}: {fault['msg'][:200]}", where or None) from None


def messages_of(request: ChatRequest, max_text: int) -> tuple[Message, ...]:
    """Return the turns of a request, without images.

    Raises:
        ApiRefusal: a role or a part is not supported, or the turns are too long.
    """
    turns = []
    for place, turn in enumerate(request.messages):
        if turn.role not in ROLES:
            raise invalid(
                f"{turn.role[:40]!r} is not one of {sorted(ROLES)} - 'messages.{place}.role'", f"messages.{place}.role"
            )
        turns.append(Message(ROLES[turn.role], _text(turn, place)))  # type: ignore[arg-type]
    size = sum(len(turn.content) for turn in turns)
    if size > max_text:
        raise invalid(
            f"This model's maximum context length is {max_text:,} characters. Your messages have {size:,}.",
            "messages",
            "context_length_exceeded",
        )
    return tuple(turns)


def image_of(request: ChatRequest) -> bytes:
    """Return the image of a conversation as it was sent; empty if there is none.

    Raises:
        ApiRefusal: there are several, or it is not a data URI.
    """
    images = [
        (part.image_url, f"messages.{place}.content")
        for place, turn in enumerate(request.messages)
        if isinstance(turn.content, list)
        for part in turn.content
        if part.type == "image_url"
    ]
    if len(images) > 1:
        raise invalid(f"the messages have {len(images)} images; send one page at a time", images[1][1])
    return decode_image(*images[0]) if images else b""


def decode_image(url: str | ImageUrl | None, param: str) -> bytes:
    """Return the bytes of a data URI; raises ApiRefusal if it is not one."""
    address = url.url if isinstance(url, ImageUrl) else url or ""
    head, comma, data = address.partition(",")
    if not (head.startswith("data:image/") and head.endswith(";base64") and comma):
        raise invalid(
            "an image must be in the request itself: data:image/png;base64,...; no address is fetched",
            param,
            "invalid_image_url",
        )
    try:
        return b64decode(data, validate=True)
    except (Base64Error, ValueError):
        raise invalid("the image is not base64", param, "invalid_base64") from None


def _text(turn: ChatMessage, place: int) -> str:
    if turn.content is None:
        raise invalid(f"messages.{place}.content is missing", f"messages.{place}.content")
    if isinstance(turn.content, str):
        return turn.content
    texts = []
    for part in turn.content:
        if part.type == "text" and part.text is not None:
            texts.append(part.text)
        elif part.type != "image_url":
            raise _unsupported(part, place)
    return "\n".join(texts)


def _unsupported(part: ContentPart, place: int) -> ApiRefusal:
    return invalid(
        f"part {part.type[:40]!r} of a message is not supported; known: text, image_url", f"messages.{place}.content"
    )
