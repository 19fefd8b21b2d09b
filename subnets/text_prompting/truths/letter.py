r"""Letters of options: those that an answer names as its choice, whatever its markup.

chosen_letters(r"The answer is $\boxed{B}$.")  ->  {"B"}
chosen_letters("Antwort: (C)")                  ->  {"C"}
chosen_letters("It is A or B.")                 ->  {"A", "B"}
chosen_letters("A cat sat on option B's mat.")  ->  {"B"}
"""

from __future__ import annotations

import re

from subnets.text import unify
from subnets.text_prompting.words import denies

THOUGHT = re.compile(r"(?is)<think(?:ing)?>.*?</think(?:ing)?>")
STRUCK = re.compile(r"(?s)~~.*?~~|<(s|del|strike)>.*?</\1>")
HTML = re.compile(r"</?(?:b|i|u|em|strong|code|span|p|mark|br|sub|sup)\s*/?>")
TAG = re.compile(r"</?(answer|choice|option|final_answer|final|result)>", re.IGNORECASE)
BOX = re.compile(r"\\boxed\s*\{")
MARKUP = re.compile(
    r"\\(?:text(?:bf|rm|it)?|math(?:bf|rm|it)|left|right|[()\[\],;! ])|[*`\"$\[\]{}|#]|(?<!\w)_+|_+(?!\w)"
)

LETTER = re.compile(r"(?<![A-Za-z0-9'^+-])([A-H])(?![A-Za-z0-9'^+]|\s*[+-]\s*\d|-\w|\.[A-Za-z])")
ALONE = re.compile(r"[^\w!~\u2260\u00ac-]*([A-Ha-h])[^\w+-]*")
ANSWER_WORDS = (
    "final answer|answer|choice|option|letter|antwort|l\u00f6sung|r\u00e9ponse|respuesta|risposta|resposta|antwoord|"
    "svar|odpowied\u017a|odpov\u011b\u010f|vastaus|cevap|jawaban|v\u00e1lasz|r\u0103spuns|\u0111\u00e1p \u00e1n|"
    "\u03b1\u03c0\u03ac\u03bd\u03c4\u03b7\u03c3\u03b7|\u043e\u0442\u0432\u0435\u0442|"
    "\u0432\u0456\u0434\u043f\u043e\u0432\u0456\u0434\u044c|\u7b54\u6848|\u56de\u7b54|\u6b63\u89e3|\u7b54\u3048|\uc815\ub2f5|"
    "\ub2f5|\u0627\u0644\u062c\u0648\u0627\u0628|\u0627\u0644\u0625\u062c\u0627\u0628\u0629|\u0909\u0924\u094d\u0924\u0930|"
    "\u05ea\u05e9\u05d5\u05d1\u05d4"
)
VERBS = "choose|chose|pick|picked|select|selected|go with|going with|went with"
LINK = (
    r"(?:\s*(?:[:=>]+|-(?=\s)|\b(?:is|was|would be|must be|ist|lautet|est|es|\u00e8|\u00e9|er|\u00e4r|be)\b|"
    r"\u662f|\u4e3a|\u306f|\ub294|\uc740|->)){0,3}"
)
STATED = re.compile(
    rf"(?<![A-Za-z])(?:(?:{ANSWER_WORDS})(?:\s+(?:choice|option|letter))?|\b(?:{VERBS})\b(?:\s+(?:the|answer|option|choice|letter))*)"
    rf"{LINK}(?:\s+(?:the|answer|option|choice|letter))*\s*[(:'<]*\s*$",
    re.IGNORECASE,
)
CORRECT = re.compile(
    r"\s*\)?\s*(?:is|was|seems|must be)\s+(?:the\s+|clearly\s+)*(?:correct|right|true|best|answer)\b", re.IGNORECASE
)
WRONG = re.compile(
    r"[\s):]*(?:(?:is|was|are|seems|looks|can|could|does|would|must)\s+(?:clearly |definitely |be |the )*"
    r"(?:not\b|wrong|incorrect|false|eliminated|excluded|ruled out)|"
    r"(?:wrong|incorrect|false|cannot|isn't|wasn't|can't|doesn't)\b)",
    re.IGNORECASE,
)
RULED_OUT = re.compile(
    r"\b(?:wrong|incorrect|false|eliminat\w+|exclud\w+|except|rul(?:e|ed|ing) out|unlike|instead of|rather than|"
    r"over)\b",
    re.IGNORECASE,
)
JOINED = re.compile(r"\s*\)?\s*(?:or|and|/|,|&|und|oder|ou|o|y|e|et)\s*(?:(?:option|answer)\s+)?\(?\s*", re.IGNORECASE)
LOWER = re.compile(rf"((?:{ANSWER_WORDS})\s*[:=]\s*\(?)([a-h])(?=\s*[).,;]?\s*(?:\n|$))", re.IGNORECASE)
MARKED = re.compile(r"\s*\)|\s*:(?=\s|$)")
LAST = re.compile(r"\s*\.?\s*(?:$|\n)|\.\s")
LEADS_IN = frozenset(
    "but it's is be say think so thus therefore hence definitely clearly then probably maybe with".split()
)
"""Words before a bare letter that is an answer: "I think it's B." is one, "rich in vitamin B." is none."""
CLAUSE_END = re.compile(r"[.!?](?=\s)|[,;\n]")
ARTICLE = re.compile(r"\s+[a-z]")


def chosen_letters(text: str) -> set[str]:
    """Return the letters that a text states as its answer or, if it states none, those that mark an option."""
    text = strip_markup(text)
    if alone := ALONE.fullmatch(text):
        return {alone[1].upper()}
    stated: set[str] = set()
    marked: set[str] = set()
    last_end, last_group = 0, marked
    for match in LETTER.finditer(text):
        letter, start, end = match[1], match.start(), match.end()
        between = text[last_end:start]
        before = CLAUSE_END.split(text[max(last_end, start - 120) : start])[-1]
        joined = last_end > 0 and JOINED.fullmatch(between) is not None
        is_stated = STATED.search(text[max(0, start - 80) : start]) is not None or CORRECT.match(text, end) is not None
        is_article = letter == "A" and ARTICLE.match(text, end) is not None and CORRECT.match(text, end) is None
        if is_article and not WRONG.match(text, end) and not JOINED.match(text, end):
            continue
        leads_in = before.lower().split()[-1:]
        ends = LAST.match(text, end) is not None and (not leads_in or leads_in[0].strip("(:") in {"", *LEADS_IN})
        is_marked = ends or MARKED.match(text, end) is not None
        if denies(before) or RULED_OUT.search(before) or WRONG.match(text, end):
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
    return stated or marked


def strip_markup(text: str) -> str:
    """Return the text without thoughts, struck-out parts and markup; boxes and answer tags become "answer:"."""
    text = STRUCK.sub(" ", THOUGHT.sub("\n", unify(text)))
    text = TAG.sub(lambda tag: "\n" if tag[0][1] == "/" else "\nanswer: ", HTML.sub(" ", text))
    text = MARKUP.sub(" ", BOX.sub(" answer: ", text))
    return LOWER.sub(lambda stated: stated[1] + stated[2].upper(), text)
