r"""Letters of options: those that an answer names as its choice, whatever its markup.

chosen_letters(r"The answer is $\boxed{B}$.")  ->  {"B"}
chosen_letters("Antwort: (C)")                  ->  {"C"}
chosen_letters("It is A or B.")                 ->  {"A", "B"}
chosen_letters("A cat sat on option B's mat.")  ->  {"B"}
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from subnets.text import unify
from subnets.text_prompting.words import denies

THOUGHT = re.compile(r"(?is)<think(?:ing)?>.*?</think(?:ing)?>")
STRUCK = re.compile(r"(?s)~~.*?~~|<(s|del|strike)>.*?</\1>")
HTML = re.compile(r"</?(?:b|i|u|em|strong|code|span|p|mark|br|sub|sup)\s*/?>")
TAG = re.compile(r"</?(answer|choice|option|final_answer|final|result)>", re.IGNORECASE)
BOX = re.compile(r"\\boxed\s*\{")
MARKUP = re.compile(
    r"\\(?:text(?:bf|rm|it)?|math(?:bf|rm|it)|left|right|[()\[\],;! ])|[*`\"$\[\]{}|#]|(?<!\w)_+|_+(?!\w)|"
    r"(?<!\w)'+|'+(?!\w)"
)

LETTER = re.compile(r"(?<![A-Za-z0-9^+-])(?<![A-Za-z]')([A-H])(?![A-Za-z0-9^+]|'[A-Za-z]|\s*[+-]\s*\d|-\w|\.[A-Za-z])")
ALONE = re.compile(r"[^\w!~\u2260\u00ac-]*(?:-\s+)?([A-Ha-h])[^\w+-]*")
ANSWER_WORDS = (
    "(?:right|correct|best) one|final answer|answer(?:'s)?|choice|option|letter|antwort|"
    "l\u00f6sung|r\u00e9ponse|respuesta|opci\u00f3n|opzione|op\u00e7\u00e3o|"
    "alternativa|\u9009\u62e9?|\u9078\u64c7?|"
    "risposta|resposta|antwoord|"
    "svar|odpowied\u017a|odpov\u011b\u010f|vastaus|cevap|jawaban|v\u00e1lasz|r\u0103spuns|\u0111\u00e1p \u00e1n|"
    "\u03b1\u03c0\u03ac\u03bd\u03c4\u03b7\u03c3\u03b7|\u043e\u0442\u0432\u0435\u0442|"
    "\u0432\u0456\u0434\u043f\u043e\u0432\u0456\u0434\u044c|\u7b54\u6848|\u56de\u7b54|\u6b63\u89e3|\u7b54\u3048|\uc815\ub2f5|"
    "\ub2f5|\u0627\u0644\u062c\u0648\u0627\u0628|\u0627\u0644\u0625\u062c\u0627\u0628\u0629|\u0909\u0924\u094d\u0924\u0930|"
    "\u05ea\u05e9\u05d5\u05d1\u05d4"
)
ADJECTIVES = "choice|option|letter|correcta|correcte|correta|corretta|exacta|exacte|esatta|certa"
VERBS = "choose|chose|pick|picked|select|selected|go with|going with|went with"
LINK = (
    r"(?:\s*(?:[:=>]+|-(?=\s)|\b(?:is|was|would be|must be|ist|lautet|est|es|\u00e8|\u00e9(?: a)?|er|\u00e4r|be)\b|"
    r"\u662f|\u4e3a|\u306f|\ub294|\uc740|->|\u2192)){0,3}"
)
CUE = (
    rf"(?<![A-Za-z])(?:(?:{ANSWER_WORDS})(?:\s+(?:{ADJECTIVES}))?|\b(?:{VERBS})\b(?:\s+(?:the|answer|option|choice|letter))*)"
    rf"{LINK}(?:\s+(?:the|answer|option|choice|letter|la|opci\u00f3n|opzione|op\u00e7\u00e3o))*\s*[(:'<]*\s*"
)
STATED = re.compile(rf"{CUE}$", re.IGNORECASE)
STATEMENT = re.compile(CUE, re.IGNORECASE)
MENTION = re.compile(r"\b(?:option|choice|letter)\s*[(:'<]*\s*$", re.IGNORECASE)
UNREAL = re.compile(r"\s*\)?\s*,?\s*(?:if|unless|only if)\b", re.IGNORECASE)
DISCUSSED = re.compile(r"\s*\)?\s*:\s|\s*\)?\s+[a-z]")
"""What follows a letter of which the text goes on to speak: "Option A: too small", "option A says"."""
CORRECT = re.compile(
    r"\s*\)?\s*(?:is|was|seems|must be)\s+(?:the\s+|clearly\s+)*(?:correct|right|true|best|answer)\b"
    r"(?![^.;\n]{0,40}\bbut\b)",
    re.IGNORECASE,
)
WRONG = re.compile(
    r"[\s):]*(?:(?:is|was|are|seems|looks|can|could|does|would|must)\s+(?:clearly |definitely |be |the )*"
    r"(?:not\b|wrong|incorrect|false|eliminated|excluded|ruled out)|"
    r"(?:wrong|incorrect|false|cannot|isn't|wasn't|can't|doesn't)\b)",
    re.IGNORECASE,
)
RULED_OUT = re.compile(
    r"\b(?:wrong|incorrect|false|eliminat\w+|exclud\w+|except|rul(?:e|ed|ing) out|unlike|instead of|rather than|"
    r"(?:other|aside|apart|besides|different) (?:than|from)|(?:anything|everything|anyone|any|all|every \w+|each) but|"
    r"over)\b",
    re.IGNORECASE,
)
JOINED = re.compile(
    r"\s*\)?\s*[,;]?\s*(?:or|and|/|,|&|und|oder|ou|o|y|e|et|but also|as well as|alternatively)\s*,?\s*"
    r"(?:(?:maybe|perhaps|possibly|probably|even|also|else|alternatively|failing that|otherwise)\s*,?\s+)?"
    r"(?:(?:option|answer)\s+)?\(?\s*",
    re.IGNORECASE,
)
DENIED_TOO = re.compile(r"\s*\)?\s*,?\s*(?:or|nor|and|/)\s*(?:(?:option|answer)\s+)?\(?\s*", re.IGNORECASE)
LOWER = re.compile(rf"((?:{ANSWER_WORDS})\s*[:=]\s*\(?)([a-h])(?=\s*[).,;]?\s*(?:\n|$))", re.IGNORECASE)
MARKED = re.compile(r"\s*\)|\s*:(?=\s|$)")
LAST = re.compile(r"\s*[.!]?\s*(?:$|\n)|[.!]\s")
FIRST = re.compile(r"\s*[,;(]|\s+-\s|\s+(?:because|since|as|given)\b", re.IGNORECASE)
"""What follows a letter with which an answer begins: "B, because"."""
LEADS_IN = frozenset(
    "but it's is be say think so thus therefore hence definitely surely clearly then probably maybe with".split()
)
"""Words before a bare letter that is an answer: "I think it's B." is one, "rich in vitamin B." is none."""
CLAUSE_END = re.compile(r"[.!?](?=\s)|[,;\n]")
ARTICLE = re.compile(r"\s+[a-z]")


@dataclass(frozen=True, slots=True)
class Letters:
    """The letters that an answer names."""

    stated: frozenset[str] = frozenset()
    """Those that it calls its answer."""
    marked: frozenset[str] = frozenset()
    """Those that stand where a letter of an option would: alone, before a bracket, at the end."""
    named: tuple[str, ...] = ()
    """What follows each statement of an answer: "(B) Venus.", "Venus"."""


def chosen_letters(text: str) -> set[str]:
    """Return the letters that a text states as its answer or, if it states none, those that mark an option."""
    letters = read_letters(text)
    return set(letters.stated or letters.marked)


def read_letters(text: str) -> Letters:
    """Read the letters that a text names, without those that it denies."""
    text = strip_markup(text).strip()
    if alone := ALONE.fullmatch(text):
        return Letters(marked=frozenset(alone[1].upper()))
    stated: set[str] = set()
    marked: set[str] = set()
    last_end, last_group, last_denied = 0, marked, False
    for match in LETTER.finditer(text):
        letter, start, end = match[1], match.start(), match.end()
        between = text[last_end:start]
        before = CLAUSE_END.split(text[max(last_end, start - 120) : start])[-1]
        joined = last_end > 0 and not last_denied and (between == " " or JOINED.fullmatch(between) is not None)
        is_stated = _is_stated(text, start, end)
        is_article = letter == "A" and ARTICLE.match(text, end) is not None and CORRECT.match(text, end) is None
        if is_article and not WRONG.match(text, end) and not JOINED.match(text, end):
            continue
        leads_in = before.lower().split()[-1:]
        ends = LAST.match(text, end) is not None and (not leads_in or leads_in[0].strip("(:") in {"", *LEADS_IN})
        begins = not re.search(r"\w", text[:start]) and FIRST.match(text, end) is not None
        is_marked = ends or begins or MARKED.match(text, end) is not None
        last_denied = bool(
            denies(before)
            or RULED_OUT.search(before)
            or WRONG.match(text, end)
            or (last_denied and not is_stated and DENIED_TOO.fullmatch(between))
        )
        if last_denied:
            last_end = end
            continue
        if is_stated:
            last_group = stated
        elif not joined:
            last_group = marked
        if is_stated or is_marked or joined:
            last_group.add(letter)
            if joined:
                last_group.add(text[last_end - 1])
        last_end = end
    cues = [cue for cue in STATEMENT.finditer(text) if STATED.search(MENTION.sub("", cue[0]))] if stated else []
    # The last few statements decide; reading all of them would make the work grow with their number.
    named = tuple(text[cue.end() : cue.end() + 200] for cue in cues[-8:])
    return Letters(frozenset(stated), frozenset(marked), named)


def _is_stated(text: str, start: int, end: int) -> bool:
    """Return True if a letter is called the answer; an option that the text goes on to discuss is not."""
    if CORRECT.match(text, end):
        return True
    before = text[max(0, start - 80) : start]
    if not STATED.search(before) or UNREAL.match(text, end):
        return False
    mention = MENTION.search(before)
    return mention is None or not DISCUSSED.match(text, end) or STATED.search(before[: mention.start()]) is not None


def strip_markup(text: str) -> str:
    """Return the text without thoughts, struck-out parts and markup; boxes and answer tags become "answer:"."""
    text = STRUCK.sub(" ", THOUGHT.sub("\n", unify(text)))
    text = TAG.sub(lambda tag: "\n" if tag[0][1] == "/" else "\nanswer: ", HTML.sub(" ", text))
    text = MARKUP.sub(" ", BOX.sub(" answer: ", text))
    return LOWER.sub(lambda stated: stated[1] + stated[2].upper(), text)
