"""Random texts and damaged bytes, drawn from a seed."""

from __future__ import annotations

import json
from random import Random

TOKENS = (
    *(b"NaN", b"Infinity", b"1e999", b"-0", b"null", b"true", b"[[[[", b"]]]]", b"{", b"}", b'"', b"\\", b"\\ud800"),
    *(b"\xff\xfe", b"\x00", b"\xed\xa0\x80", b'"text":', b'"sections":', b'"box":', b"9" * 400, b"[" * 3000, b"\n\n"),
    *(b"<script>", b"\x1b[2J", b"=1+1", b"\xe2\x80\xae", b"\xe2\x80\x8b", b"1" * 5000 + b".5", b"\\u0000", b"/*"),
)
WORDS = (
    "the score is not 7 or 8 / 10 % winner: A B tie neither answer <think> </think> ``` { } [ ] \\boxed ** _ ~ ? ! "
    "twenty-one minus 1,000.5 1.000,5 1e400 9e9999 \u0663 \u4e09 \u00bd \u2212 \u202e \u200b \ufb01 \u00ad 31/02/1921 "
    "May 4th yes no maybe because unless \x00 \x1b \ud800 \n \t \u2028"
).split(" ")


def damaged(data: bytes, random: Random) -> bytes:
    """Damage bytes in one of several ways: flipped, cut, doubled, mixed with tokens, or replaced altogether."""
    out = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 5, 20))):
        place = random.randrange(len(out) + 1)
        match random.randrange(6):
            case 0 if place < len(out):
                out[place] ^= 1 << random.randrange(8)
            case 1:
                del out[place : place + random.randrange(1, 40)]
            case 2:
                out[place:place] = out[place : place + random.randrange(1, 200)]
            case 3:
                out[place:place] = random.choice(TOKENS)
            case 4:
                del out[place:]
            case 5:
                out[place:place] = random.randbytes(random.randrange(1, 30))
    return bytes(out) if random.random() > 0.02 else random.randbytes(random.randrange(2000))


def flipped(data: bytes, random: Random) -> bytes:
    """Flip one bit."""
    out = bytearray(data)
    out[random.randrange(len(out))] ^= 1 << random.randrange(8)
    return bytes(out)


def text(random: Random) -> str:
    """Return a random text of words that readers look for, or of any characters."""
    length = random.choice((1, 3, 8, 30, 300))
    if random.random() < 0.7:
        return random.choice((" ", "", "\n")).join(random.choice(WORDS) for _ in range(length))
    return "".join(
        chr(random.choice((random.randrange(128), random.randrange(0x3000), random.randrange(0x110000))))
        for _ in range(length)
    )


def body(random: Random) -> bytes:
    """Return the JSON of an answer with a random text, with lone surrogates as escapes."""
    return json.dumps({"text": text(random)}).encode()
