r"""Numbers as people write them, read with patterns: nothing that a miner sends is ever evaluated.

parse_number("She pays $1,250.50 in all.")  ->  Decimal("1250.50")
parse_number("3 + 4 = 7")                   ->  Decimal("7")
parse_number("Answer: twenty-one boxes")    ->  Decimal("21")
parse_number(r"\boxed{8{,}000}")            ->  Decimal("8000")
read_number("20%").values                   ->  {Decimal("20"), Decimal("0.2")}
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from subnets.text import separate_digits, unify

CUE = re.compile(r"(?:answer|result|total)(?:\s+is)?\s*[:=]|(?:answer|result)\s+is|####|\bfinally\b", re.IGNORECASE)
UNITS = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
}
TENS = {
    word: 10 * number
    for number, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
}
SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000, "dozen": 12}
SCALE = "|".join(SCALES)
SPOKEN = "|".join((*sorted((*UNITS, *TENS), key=len, reverse=True), *SCALES))

MAX_DIGITS = 24
"""No task asks for a number with more digits."""
MAX_READ = 20_000
"""Maximum characters to read, from the end, where the answer is."""

AND_A_HALF = r"(?P<half>\s+and\s+a\s+half\b)?"
DIGITS = re.compile(
    r"(?:(?<![\w.,)^/-])(?P<sign>[-+]?)|(?<=\d-)|(?<=\d:))"
    r"(?:(?P<whole>\d{1,9})\s+(?P<over>\d{1,9})/(?P<under>\d{1,9})"
    r"|(?P<top>\d{1,9})\s*/\s*(?P<bottom>\d{1,9})"
    r"|(?P<grouped>[1-9]\d{0,2}(?P<mark>[,' _])\d{3}(?:(?P=mark)\d{3})*|[1-9]\d?(?:,\d{2})+,\d{3})"
    r"(?P<decimals>\.\d+|(?<=[' ]\d{3}),\d{1,2})?"
    r"|(?P<dotted>[1-9]\d{0,2}(?:\.\d{3})+)(?P<comma>,\d+)?"
    r"|(?P<plain>\d+(?:\.\d+|,(?:\d{1,2}|(?<=(?<!\d)0,)\d+))?|\.\d+))"
    r"(?:[eE](?P<exponent>[+-]?\d{1,3})|\s*[x\u00d7\u00b7]\s*10\s*\^\s*(?P<power>-?\d{1,3}))?"
    rf"(?:\s*(?P<percent>%|percent\b|per cent\b)|\s*(?P<scale>{SCALE})s?\b|(?P<kilo>[kK])\b"
    r"|(?P<unit>[^\W\d_]{1,20}(?:\^-?\d|(?<=m)[23])?))?"
    r"(?![\w^%]|[.,]\d|\s*/\s*\d)" + AND_A_HALF,
    re.ASCII | re.IGNORECASE,
)
SPOKEN_RUN = re.compile(
    rf"\b(?:a\s+(?=(?:{SCALE})\b))?(?:{SPOKEN})\b(?:(?:\s+|\s*-\s*|\s+and\s+)(?:{SPOKEN})\b)*" + AND_A_HALF,
    re.IGNORECASE,
)
SPOKEN_WORD = re.compile(rf"\b(?:{SPOKEN}|and)\b", re.IGNORECASE)
NO_AMOUNT = re.compile(
    r"[\s-]*(?:first|second|third|(?:four|fif|six|seven|eigh|nin|ten|hundred|thousand)ths?|thirds|half|halves|"
    r"quarters?|point)\b",
    re.IGNORECASE,
)
PERCENT = re.compile(r"\s*(?:%|percent\b|per cent\b)", re.IGNORECASE)
ORDINALS = frozenset(("st", "nd", "rd", "th", "x"))
DENIED = re.compile(
    r"(?:\b(?:not|never|isn't|wasn't|aren't|nor)|\u2260)\s*(?:[$]|the\s|a\s|exactly\s|equal\s|to\s)*$", re.I
)
COMPARED = re.compile(
    r"(?:\bout\s+of|\d\s+of|\d\s+(?:\w+\s+)?(?:more|less|fewer|higher|lower)\s+than)\s+"
    r"(?:(?:the|a\s+total\s+of)\s+)?[$]?\s*$",
    re.IGNORECASE,
)
COMPARES = re.compile(r"\s+(?:\w+\s+)?(?:more|less|fewer|higher|lower)\s+than\s+[$]?\s*\d", re.IGNORECASE)
"""The two numbers of "5 more than 440" are no answer, nor is the whole in "12 out of 30"."""
BOUNDED = re.compile(
    r"(?:\b(?:more|less|fewer|greater|higher|lower|larger|smaller)\s+than|\bat\s+(?:least|most)|\b(?:over|under|above|"
    r"below|up\s+to|almost|nearly|between|either|about|around|roughly|approximately|approx\.?|circa)|[<>~\u2264\u2265\u2248])\s*$",
    re.IGNORECASE,
)
HEDGED = re.compile(r"\s*(?:\+(?!\s*\d)|-?ish\b|or\s+so\b|or\s+(?:more|less|fewer)\b|\u00b1|\+/?-\s*\d)", re.IGNORECASE)
"""What makes the number before it a bound or an estimate: "8+", "8 or so"."""
SPACED_MINUS = re.compile(r"(?:[=:(]|\bis)\s*-\s+$", re.IGNORECASE)
DASHED = re.compile(r"\s*-\s+$")
"""A minus, or the mark of a list's only point."""
MINUS = re.compile(r"(?:^|[^\w\s]|\b(?:is|to|be|of|get|gets)\b)\s*(?:minus|negative)\s+$", re.IGNORECASE)
AND = re.compile(r"\s+and\s+", re.IGNORECASE)
BETWEEN = re.compile(r"\bbetween\s+$", re.IGNORECASE)
AFTER_POINT = re.compile(r"\bpoint\s+$", re.IGNORECASE)
NO_DIGIT = re.compile(r"\D")
LATEX_NUMBERS = (
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\,"), "\u2009"),
    (re.compile(r"\\%"), "%"),
    (re.compile(r"(?<=\d)[\u00a0\u2007\u2008\u2009\u202f](?=\d{3}(?!\d))"), " "),
)
MARKUP: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\\[dt]?frac\s*(\d)\s*(\d)(?!\d)"), lambda part: f" {part[1]}/{part[2]}"),
    (
        re.compile(r"(\d)\s*dollars?,?\s+and\s+(\d{1,2})\s*cents?\b", re.IGNORECASE),
        lambda part: f"{part[1]}.{part[2]:0>2}",
    ),
    (
        re.compile(rf"\b({SCALE}),\s+(?=[\w-]+(?:\s+|-)(?:\w+\s+)?(?:{SCALE}|and)\b)", re.IGNORECASE),
        lambda part: f"{part[1]} ",
    ),
    (re.compile(r"\\[dt]?frac\s*\{(\d{1,9})\}\s*\{(\d{1,9})\}"), lambda part: f" {part[1]}/{part[2]}"),
    (re.compile(r"\\(?:times|cdot)\b"), "\u00d7"),
    (re.compile(r"\\boxed\s*\{|<answer>"), "\nanswer: "),
    (re.compile(r"(?<=[\d)])\*\*(?=\d)"), "^"),
    (re.compile(r"(?<=\d)\s*\*\s*(?=\d)"), "\u00d7"),
    (re.compile(r"\^\s*\{(-?\d{1,3})\}"), lambda part: f"^{part[1]}"),
    (re.compile(r"\b(?:USD|EUR|GBP|CHF|Rs\.?)(?=\s*\d)"), " "),
    (re.compile(r"[$\u20ac\u00a3\u00a5\u20b9*\"{}\[\]|]|\\(?:text|mathrm|mathbf|left|right|[()\[\]])"), " "),
)
JOINED = re.compile(r"\s*(?:-|/|:|\u00b1|\+/?-|\bto\b|\bor\b|\bminus\b|\bplus\b)\s*", re.IGNORECASE)
WHOLE_FRACTION = re.compile(
    r"\W*(?:(?:answer|result|total)\W+(?:is\s+)?)?(?P<count>an?|one|two|three|four|five)?[\s-]*"
    r"(?P<part>hal(?:f|ves)|thirds?|quarters?|fourths?|fifths?|sixths?|eighths?|tenths?)\W*",
    re.IGNORECASE,
)
PARTS = {"hal": 2, "thi": 3, "qua": 4, "fou": 4, "fif": 5, "six": 6, "eig": 8, "ten": 10}
SPOKEN_DIGITS = "|".join(list(UNITS)[:10])
SPOKEN_POINT = re.compile(rf"\s+point\s+((?:{SPOKEN_DIGITS})(?:\s+(?:{SPOKEN_DIGITS}))*)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """All readings of the number on which an answer ends."""

    values: frozenset[Decimal] = frozenset()
    certain: bool = True
    """False for a bound, such as "more than 7"."""


@dataclass(frozen=True, slots=True)
class Token:
    """A number in a text."""

    start: int
    end: int
    values: frozenset[Decimal]
    certain: bool = True
    is_one: bool = False
    """The bare word "one", which is seldom a number."""


def parse_number(text: str) -> Decimal | None:
    """Return the number on which an answer ends; None without any, or if it can be read in two ways."""
    reading = read_number(text)
    return next(iter(reading.values)) if reading.certain and len(reading.values) == 1 else None


def read_number(text: str) -> Reading:
    """Read the number on which an answer ends: the first after its last cue, else the last."""
    text = _plain(text[-MAX_READ:])
    if fraction := WHOLE_FRACTION.fullmatch(text):
        count = UNITS.get((fraction["count"] or "one").lower(), 1)
        return Reading(frozenset({Decimal(count) / PARTS[fraction["part"][:3].lower()]}))
    cue = None
    for cue in CUE.finditer(text):  # noqa: B007  only the last one counts
        pass
    if cue is not None:
        rest = text[cue.end() :].lstrip()
        line = rest.splitlines()[0] if rest else ""
        tokens = _tokens(line)
        if tokens:
            # "Answer: 3 + 4 = 7" ends on its result, and "Answer: 7 = 3 + 4" begins with it.
            is_sum = "=" in line and not line[tokens[0].end :].lstrip().startswith("=")
            return _reading(line, tokens, len(tokens) - 1 if is_sum else 0)
    tokens = _tokens(text)
    return _reading(text, tokens, len(tokens) - 1) if tokens else Reading()


def _plain(text: str) -> str:
    """Return the text without markup; a box or an answer tag becomes a cue."""
    for pattern, replacement in LATEX_NUMBERS:
        text = pattern.sub(replacement, text)
    text = unify(separate_digits(text))
    for markup, plain in MARKUP:
        text = markup.sub(plain, text)
    return _with_decimals(text) if SPOKEN_POINT.search(text) else text


def _with_decimals(text: str) -> str:
    """Write "two point five" in digits where the words before the point are a single number."""
    runs = {run.end(): run for run in SPOKEN_RUN.finditer(text)}

    parts: list[str] = []
    last = 0
    for point in SPOKEN_POINT.finditer(text):
        run = runs.get(point.start())
        if run is None or (whole := SPOKEN_RUN.fullmatch(run[0])) is None:
            continue
        wholes = _word_tokens(whole, run[0])
        if len(wholes) != 1 or wholes[0].start != 0:
            continue
        digits = "".join(str(UNITS[word.lower()]) for word in point[1].split())
        parts += [text[last : run.start()], f"{next(iter(wholes[0].values))}.{digits}"]
        last = point.end()
    return "".join([*parts, text[last:]])


def _reading(text: str, tokens: list[Token], place: int) -> Reading:
    """Return a token's reading, together with the numbers that it is joined to: "7-8", "7 or 8"."""
    values, certain = set(tokens[place].values), tokens[place].certain
    for step in (-1, 1):
        here = place
        while 0 <= here + step < len(tokens):
            left, right = sorted((tokens[here], tokens[here + step]), key=lambda token: token.start)
            gap = text[left.end : right.start]
            both = AND.fullmatch(gap) and BETWEEN.search(text[max(0, left.start - 12) : left.start])
            if not both and not JOINED.fullmatch(gap):
                break
            here += step
            values |= tokens[here].values
            certain = False
    return Reading(frozenset(values), certain)


def _tokens(text: str) -> list[Token]:
    """Return the numbers of a text in order, without those that it denies."""
    matches = list(DIGITS.finditer(text))
    tokens = [token for match in matches if (token := _digit_token(match)) is not None]
    ends = {match.end() for match in matches}
    for match in SPOKEN_RUN.finditer(text):
        # "5 hundred" is read with its digits.
        if match.end() not in ends:
            tokens += _word_tokens(match, text)
    tokens.sort(key=lambda token: token.start)
    stated = []
    for token in tokens:
        before = text[max(0, token.start - 30) : token.start]
        if DENIED.search(before) or COMPARED.search(before) or COMPARES.match(text, token.end):
            continue
        values = token.values
        if MINUS.search(before) or SPACED_MINUS.search(before):
            values = frozenset(-abs(value) for value in values)
        elif DASHED.fullmatch(text[: token.start]):
            values |= {-value for value in values}
        certain = token.certain and not BOUNDED.search(before) and not HEDGED.match(text, token.end)
        stated.append(Token(token.start, token.end, values, certain, token.is_one))
    return [token for token in stated if not token.is_one] or stated


def _digit_token(match: re.Match[str]) -> Token | None:
    """Return the number that digits stand for; None for ordinals and for numbers that are too long."""
    part = match.groupdict()
    if len(NO_DIGIT.sub("", match[0])) > MAX_DIGITS or (part["unit"] or "").lower() in ORDINALS:
        return None
    for divisor in (part["under"], part["bottom"]):
        if divisor is not None and int(divisor) == 0:
            return None
    if part["whole"]:
        values = {Decimal(part["whole"]) + Decimal(part["over"]) / Decimal(part["under"])}
    elif part["top"]:
        values = {Decimal(part["top"]) / Decimal(part["bottom"])}
    elif part["grouped"]:
        digits = NO_DIGIT.sub("", part["grouped"])
        values = {Decimal(digits + (part["decimals"] or "").replace(",", "."))}
    elif part["dotted"]:
        joined = Decimal(part["dotted"].replace(".", "") + (part["comma"] or "").replace(",", "."))
        # "1.250" is either 1250 or 1.25.
        decimal = part["comma"] is None and part["dotted"].count(".") == 1
        values = {joined, Decimal(part["dotted"])} if decimal else {joined}
    else:
        values = {Decimal(part["plain"].replace(",", "."))}
    exponent = int(part["exponent"] or part["power"] or 0)
    if abs(exponent) > MAX_DIGITS:
        return None
    factor = Decimal(SCALES[part["scale"].lower()] if part["scale"] else 1_000 if part["kilo"] else 1)
    factor *= Decimal(10) ** exponent
    half = Decimal("0.5") if part["half"] else Decimal(0)
    sign = -1 if part["sign"] == "-" else 1
    values = {sign * (value * factor + half) for value in values}
    if part["percent"]:
        values |= {value / 100 for value in values}
    return Token(match.start(), match.end(), frozenset(values), (part["unit"] or "").lower() != "ish")


def _word_tokens(match: re.Match[str], text: str) -> list[Token]:
    """Return the numbers in a run of number words: "five hundred and twelve" is one, "two three" are two."""
    words = [
        (word[0].lower(), match.start() + word.start(), match.start() + word.end())
        for word in SPOKEN_WORD.finditer(match[0].lower().split(" and a half")[0])
    ]
    numbers: list[Token] = []
    total, current, last, limit = 0, 0, "", 10**12
    start = end = match.start()

    def finish() -> None:
        if last:
            is_one = last == "one" and total + current == 1
            numbers.append(Token(start, end, frozenset({Decimal(total + current)}), is_one=is_one))

    for word, word_start, word_end in words:
        if word == "and":
            if last not in SCALES:
                finish()
                total, current, last, limit = 0, 0, "", 10**12
            continue
        fits = (
            (word in UNITS and (last in ("", *SCALES) or (last in TENS and 0 < UNITS[word] < 10)))
            or (word in TENS and last in ("", *SCALES))
            or (word in ("hundred", "dozen") and last not in SCALES and current < 100)
            or (word in SCALES and SCALES[word] >= 1_000 and SCALES[word] < limit)
        )
        if not fits:
            finish()
            total, current, last, limit = 0, 0, "", 10**12
        if not last:
            start = word_start
        if word in UNITS or word in TENS:
            current += UNITS.get(word, 0) + TENS.get(word, 0)
        elif SCALES[word] < 1_000:
            current = max(current, 1) * SCALES[word]
        else:
            total, current, limit = total + max(current, 1) * SCALES[word], 0, SCALES[word]
        last, end = word, word_end
    finish()
    if numbers and match["half"]:
        numbers[-1] = Token(numbers[-1].start, match.end(), frozenset(v + Decimal("0.5") for v in numbers[-1].values))
    if numbers and (
        NO_AMOUNT.match(text, match.end()) or AFTER_POINT.search(text[max(0, match.start() - 10) : match.start()])
    ):
        numbers.pop()
    elif numbers and PERCENT.match(text, match.end()):
        value = next(iter(numbers[-1].values))
        numbers[-1] = Token(numbers[-1].start, match.end(), frozenset({value, value / 100}))
    return numbers
