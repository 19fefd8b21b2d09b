"""Verdicts that a judge writes: a mark from 0 to 10, or a pick between answers A and B.

    read_mark("Score (0-10): 8")        ->  0.8
    read_mark("Score: 4/5")             ->  0.8
    read_pick("**Winner:** answer B")   ->  -1.0

A verdict counts only if it can be read in one way. Ranges, hedges, denials, unknown scales and two different
verdicts raise `UnreadableVerdict`.
"""

from __future__ import annotations

import json
import re

from inference.thinking import split
from subnets.text import separate_digits, unify

MAX_READ = 8_000
"""Maximum characters of a reply without its thinking; a longer one is not a verdict."""
DENOMINATORS = frozenset((1.0, 4.0, 5.0, 10.0, 20.0, 50.0, 100.0))
"""Tops of scales that judges use. "7/8" is more likely to mean "7 or 8"."""
MARK_KEYS = frozenset(("score", "mark", "grade", "rating", "final_score", "overall_score"))
PICK_KEYS = frozenset(("winner", "better", "verdict", "pick", "choice", "preferred", "better_answer"))
TOP_KEYS = frozenset(("scale", "max", "max_score", "maximum", "out_of"))

TAG = re.compile(r"<(/?)([A-Za-z_]{1,20})>")
DRESS = re.compile(r"\\(?:boxed|text|textbf|mathrm|mathbf)\b|[*`\"()\[\]{}$|]|(?<!\w)_+|_+(?!\w)|(?m:^\s*#+)")
SPOKEN = "zero one two three four five six seven eight nine ten".split()
NUMBER = rf"(?:\d+(?:[.,]\d+)?|(?:{'|'.join(SPOKEN)})\b)"
SCALED = re.compile(
    rf"\s*(?P<mark>{NUMBER})(?![\w.,]*\d)"
    rf"(?:\s*(?:/|out\s+of|of)\s*(?P<top>{NUMBER})(?!\s*[/\w.,]*\d)|\s*(?P<percent>%|per\s?cent\b))?"
    r"(?:\s*(?:points?|pts)\b)?(?P<tail>.*)",
    re.IGNORECASE | re.DOTALL,
)
MARK_CUE = re.compile(
    r"(?:(?P<before>[\w'-]+)[ \t]+)?\b(?:scored?|scores|marks?|graded?|grades|rat(?:ed?|ing|ings))\b", re.IGNORECASE
)
DETERMINERS = frozenset("the a an my your this its final overall with of is as gets get earns deserves be".split())
"""Words that may stand before "score": "the top score is 10" and "style score: 3" are not verdicts on the answer."""
LINK = re.compile(r"\s*(?:(?:[:=]|(?:is|was|of|at|as|equals)\b|-(?=\s))\s*){0,2}(?=\S)", re.IGNORECASE)
RANGE = re.compile(r"(\d+)\s*(?:-|to|\.\.\.?)\s*(\d+)")
TOP = re.compile(r"(?:/|out of|of|max(?:imum)?\.?|up to)\s*(\d+)\s*$")
CORRECTED = re.compile(
    r"(?i)\b(?:actually|wait|correction|sorry|scratch|on (?:second thought|reflection)|reconsider\w*|i mean|"
    r"should (?:be|have been)|make (?:that|it)|changed? my mind|revised?|let me (?:correct|change))\b"
)
"""Words by which a judge takes a verdict back: "Score: 3. Wait, it should be 8."."""
SENTENCE_END = re.compile(r"[.!;](?=\s|$)|\n")
REASON = re.compile(r"\b(?:because|since|due|as it)\b", re.IGNORECASE)
HEDGE = re.compile(
    r"(?i)\b(?:or|nor|not|no|never|neither|cannot|hardly|if|unless|instead|rather|could|might|may|maybe|perhaps|"
    r"possibly|probably|would be|would have|too|but|until|except|only|wrong|false|doubt\w*|nobody|no one|few|"
    r"half|plus|minus|ish|between|most|least|less|more|about|around|"
    r"roughly|almost|nearly|than|previous|stars?)\b|n't\b|[?~<>+\u00b1\u2248]"
)
BEFORE_HEDGE = re.compile(
    r"(?i)\b(?:not|no|never|neither|cannot|hardly|if|unless|instead|rather|could|might|may|maybe|perhaps|possibly|"
    r"between|previous|nor|until|except|only|wrong|false|incorrect|doubt\w*|nobody|no one|few|far from|anything but|"
    r"had|were|whether|suppos\w+|claims?|claimed|others?|some)\b|n't\b"
)

NAME = r"(?:(?:answer|response|option|assistant|candidate)\s+)?"
SIDE = r"(?:[AB]\b|[ab]\b(?!\s+\w)|(?i:tie|tied|draw)\b)"
PICK = re.compile(
    rf"(?i:\b(?:winner|winning\s+answer|verdict|decision|(?:better|best|preferred)(?:\s+(?:answer|response|one))?)\b)"
    rf"\s*(?:(?:[:=]|-(?=\s)|(?i:is|goes\s+to)\b)\s*){{0,2}}(?i:{NAME}|a\s+(?=tie|draw))(?P<pick>{SIDE})(?P<tail>.*)",
    re.DOTALL,
)
PICK_CUE = re.compile(r"\b(?:winner|winning|verdict|decision|better|best|preferred)\b(?!\s+than)", re.IGNORECASE)
SUBJECT = re.compile(
    rf"(?i:{NAME})\b(?P<pick>[AB])\s+(?:(?i:is|was)\s+(?P<how>(?:\w+\s+){{0,3}}?)"
    r"(?i:better|best|stronger|superior|preferable|(?:the\s+)?winner)\b|(?i:wins)\b)(?P<tail>.*)",
    re.DOTALL,
)
PICK_ALONE = re.compile(
    rf"\s*(?:(?i:{NAME})(?P<letter>[ABab])|(?i:(?:it'?s|it\s+is)?\s*(?:a\s+)?)(?P<tie>(?i:tie|draw)))\s*[.!]?\s*"
)
BEATEN = re.compile(r"(?i:\b(?:over|than|beats|against)\b)\s+" + f"(?i:{NAME})" + r"[AB]\b")
OTHER_SIDE = re.compile(r"\b(?:[AB]|(?i:tie|tied|draw|equal|equally|both))\b")
PICKS = {"a": 1.0, "b": -1.0, "tie": 0.0, "tied": 0.0, "draw": 0.0}


class UnreadableVerdict(ValueError):
    """A judge's reply that isn't a verdict."""


def read_mark(reply: str) -> float:
    """Read a mark, by default on the requested scale from 0 to 10, as a number in [0, 1].

    Raises:
        UnreadableVerdict: there is no mark, more than one, one outside its scale, or a doubtful one.
    """
    error = UnreadableVerdict(f"no single mark from 0 to 10 in {reply[:80]!r}")
    text = _plain(reply, MARK_KEYS, "score")
    if text is None or _is_corrected(text, NUMBER):
        raise error
    marks: set[float | None] = set()
    cues = list(MARK_CUE.finditer(text))
    for place, cue in enumerate(cues):
        end = cues[place + 1].start() if place + 1 < len(cues) else len(text)
        segment = text[cue.end() : end]
        if not re.search(rf"\d|\b(?:{'|'.join(SPOKEN)})\b", segment.lower()):
            continue
        before = (cue["before"] or "").lower()
        doubtful = BEFORE_HEDGE.search(_sentence_before(text, cue.end())) or (before and before not in DETERMINERS)
        marks.add(None if doubtful else _stated_mark(segment))
    if not cues:
        marks.add(_mark(text, None))
    if len(marks) != 1 or (mark := marks.pop()) is None:
        raise error
    return mark


def read_pick(reply: str) -> float:
    """Read "Winner: A" as 1, "B" as -1, "tie" as 0.

    Raises:
        UnreadableVerdict: neither or both are named, or the pick is hedged or denied.
    """
    error = UnreadableVerdict(f"no single winner in {reply[:80]!r}")
    text = _plain(reply, PICK_KEYS, "winner")
    if text is None or _is_corrected(text, rf"\b{SIDE}"):
        raise error
    if alone := PICK_ALONE.fullmatch(text):
        return PICKS[(alone["letter"] or alone["tie"]).lower()]
    picks: set[float | None] = set()
    for sentence in SENTENCE_END.split(re.sub(r":\s*\n\s*", ": ", text)):
        match = PICK.search(sentence) or SUBJECT.search(sentence)
        if match is None:
            if PICK_CUE.search(sentence) and re.search(r"\b[AB]\b", sentence):
                picks.add(None)
            continue
        before = sentence[: match.start()] + (match.groupdict().get("how") or "")
        tail = REASON.split(BEATEN.sub("", match["tail"]), maxsplit=1)[0]
        doubtful = BEFORE_HEDGE.search(before) or HEDGE.search(tail) or OTHER_SIDE.search(tail) or "/" in tail[:2]
        picks.add(None if doubtful else PICKS[match["pick"].lower()])
    if len(picks) != 1 or (pick := picks.pop()) is None:
        raise error
    return pick


def _plain(reply: str, keys: frozenset[str], cue: str) -> str | None:
    """Return the reply without thoughts, JSON, tags and markup; None if it is too long or its JSON has no verdict."""
    reply = split(reply).answer
    if len(reply) > MAX_READ:
        return None
    text = unify(separate_digits(reply))
    start = text.find("{")
    while start >= 0:
        try:
            pairs, end = json.JSONDecoder(object_pairs_hook=list).raw_decode(text, start)
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
            continue
        values = [value for key, value in pairs if key.casefold() in keys]
        tops = [value for key, value in pairs if key.casefold() in TOP_KEYS]
        scalars = [value for value in (*values, *tops) if isinstance(value, int | float | str) and value is not True]
        if len(values) != 1 or len(tops) > 1 or len(scalars) != len(values) + len(tops):
            return None
        stated = f"\n{cue}: {values[0]}" + "".join(f"/{top}" for top in tops) + "\n"
        text = text[:start] + stated + text[end:]
        start = text.find("{", start + len(stated))
    text = TAG.sub(lambda tag: "\n" if tag[1] else f"\n{tag[2]}: ", text)
    text = re.sub(r"(?m)^\s*```\w*\s*$", "", text)
    return re.sub(r"[ \t]+", " ", DRESS.sub(" ", text)).strip()


def _is_corrected(text: str, verdict: str) -> bool:
    """Return True if a verdict is followed by words that take it back, and those by another one."""
    correction = CORRECTED.search(text)
    if correction is None or not re.search(verdict, text[: correction.start()]):
        return False
    return re.search(verdict, text[correction.end() :]) is not None


def _sentence_before(text: str, end: int) -> str:
    return SENTENCE_END.split(text[max(0, end - 300) : end])[-1]


def _stated_mark(segment: str) -> float | None:
    """Return the mark after "score": ": 8", "is 8", "(0-10): 8"; None if it is ambiguous."""
    link = LINK.match(segment)
    if link and re.match(NUMBER, segment[link.end() :], re.IGNORECASE) and not RANGE.match(segment.strip()):
        return _mark(segment[link.end() :], None)
    colon = re.search(r"[:=]|\bis\b", segment)
    if colon is None:
        return None
    head, rest = segment[: colon.start()], segment[colon.end() :]
    if len(head) > 60 or "\n" in head.strip() or SENTENCE_END.search(head.strip()):
        return None
    scale = RANGE.search(head)
    top = TOP.search(head.rstrip(" .,"))
    if scale:
        # On other scales that begin at 1, the lowest mark may mean 0 or more.
        if int(scale[1]) != 0 and (int(scale[1]), int(scale[2])) != (1, 10):
            return None
        return _mark(rest, float(scale[2]))
    if top:
        return _mark(rest, float(top[1]))
    if "%" in head or "percent" in head.lower():
        return _mark(rest, 100.0)
    if re.search(r"\d", head) or HEDGE.search(head):
        return None
    return _mark(rest, None)


def _mark(text: str, scale: float | None) -> float | None:
    """Return the mark at the start of a text; `scale` is the top mark that was named before it."""
    match = SCALED.fullmatch(text)
    if match is None:
        return None
    tail = REASON.split(SENTENCE_END.split(match["tail"], maxsplit=1)[0], maxsplit=1)[0]
    if match["tail"][:1].isalnum() or tail.lstrip()[:1] in tuple("-/%^=:") or HEDGE.search(tail):
        return None
    if re.search(rf"\d|\b(?:{'|'.join(SPOKEN[2:])})\b", tail.lower()):
        return None
    digits = match["mark"]
    if "," in digits and len(digits.split(",")[1]) > 2:
        return None
    mark = _value(digits)
    top = 100.0 if match["percent"] else _value(match["top"]) if match["top"] else None
    if scale is not None and top is not None and scale != top:
        return None
    top = scale if top is None else top
    if top is None:
        # "0.8" may be a mark from 0 to 1 or from 0 to 10.
        if re.search(r"[.,]", digits) and 0.0 < mark <= 1.0:
            return None
        top = 10.0
    if top not in DENOMINATORS or mark > top:
        return None
    return mark / top


def _value(number: str) -> float:
    return float(SPOKEN.index(number.lower())) if number.isalpha() else float(number.replace(",", "."))
