"""Replies: what a customer gets for a sale, as the OpenAI API and Mistral's page reading write it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from inference.pixels import image_size

from .account import Account
from .keys import ApiKey
from .sale import CustomerQuestion, Sale

PIECE = re.compile(r"\s*\S+\s*|\s+")
"""A word with the space around it: what a streamed answer is cut into."""
WORDS_PER_CHUNK = 8


def completion(sale: Sale) -> dict[str, Any]:
    """Return a chat completion."""
    message = {"role": "assistant", "content": sale.text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(sale)}
    return _head(sale, "chat.completion") | {"choices": [choice], "usage": _usage(sale), "receipt": receipt(sale)}


def chunks(sale: Sale, *, with_usage: bool) -> Iterator[dict[str, Any]]:
    """Yield a chat completion in pieces; the last has the receipt."""
    head = _head(sale, "chat.completion.chunk") | ({"usage": None} if with_usage else {})
    yield head | {"choices": [_delta({"role": "assistant", "content": ""})]}
    words = PIECE.findall(sale.text)
    for place in range(0, len(words), WORDS_PER_CHUNK):
        yield head | {"choices": [_delta({"content": "".join(words[place : place + WORDS_PER_CHUNK])})]}
    yield head | {"choices": [_delta({}, _finish(sale))], "receipt": receipt(sale)}
    if with_usage:
        yield head | {"choices": [], "usage": _usage(sale)}


def pages(sale: Sale, question: CustomerQuestion) -> dict[str, Any]:
    """Return a page that was read."""
    width, height = image_size(question.page) or (0, 0)
    page = {
        "index": 0,
        "markdown": sale.text,
        "images": [],
        "dimensions": {"dpi": 0, "width": width, "height": height},
    }
    usage = {"pages_processed": 1, "doc_size_bytes": len(question.page)}
    return {
        "model": sale.request.model,
        "pages": [page],
        "document_annotation": None,
        "usage_info": usage,
        "receipt": receipt(sale),
    }


def receipt(sale: Sale) -> dict[str, Any]:
    """Return the part of an answer that says who gave it and what it cost."""
    return {
        "id": sale.id,
        "miner": sale.miner,
        "claimed_model": sale.receipt.claimed_model,
        "latency_s": round(sale.receipt.latency_s, 6),
        "price_usd": sale.receipt.price_usd,
        "answer_sha256": sale.receipt.answer_sha256,
    }


def usage_of(key: ApiKey, account: Account) -> dict[str, Any]:
    """Return what a key has used, and what it may still use."""
    left = None if key.spend_usd is None else max(0.0, key.spend_usd - account.spent_usd - account.reserved_usd)
    return {
        "object": "usage",
        "key": key.name,
        "requests": account.requests,
        "answered": account.answered,
        "under_way": account.under_way,
        "input_tokens": account.input_tokens,
        "output_tokens": account.output_tokens,
        "pages": account.pages,
        "spent_usd": round(account.spent_usd, 9),
        "reserved_usd": round(account.reserved_usd, 9),
        "limit_usd": key.spend_usd,
        "remaining_usd": left if left is None else round(left, 9),
    }


def model_list(names: Iterator[str] | list[str], created: int) -> dict[str, Any]:
    """Return the models that can be asked for."""
    rows = [{"id": name, "object": "model", "created": created, "owned_by": "subnetlab"} for name in names]
    return {"object": "list", "data": rows}


def event(data: dict[str, Any]) -> bytes:
    """Return an event of a stream."""
    return f"data: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def _head(sale: Sale, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{sale.id}",
        "object": kind,
        "created": int(sale.request.time),
        "model": sale.request.model,
        "system_fingerprint": None,
    }


def _delta(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _finish(sale: Sale) -> str:
    return "length" if sale.is_cut else "stop"


def _usage(sale: Sale) -> dict[str, Any]:
    read, written = sale.request.input_tokens, sale.receipt.output_tokens
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
