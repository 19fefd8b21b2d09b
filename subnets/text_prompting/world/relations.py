"""What can be true of people, companies, towns and events, and the ways to say it and to ask for it.

In a statement `{s}` is the subject, or a pronoun for it, and `{v}` the value; `{o}` is the subject by
name or noun. A question has the subject's name, or a description of it, for `{s}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Sort = Literal["person", "company", "place", "event"]
ValueSort = Literal[
    "person", "company", "place", "date", "year", "number", "job", "collection", "music", "award", "product",
    "river", "fame", "reward",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Relation:
    """One thing that is true of every subject of its sort, with a single value."""

    name: str
    subject: Sort
    value: ValueSort
    statements: tuple[str, ...]
    questions: tuple[str, ...]
    cues: tuple[str, ...]
    """Stems of words that a sentence or a question about this relation holds, one at least."""
    description: str = ""
    """Names the value by its relation to the subject: "the founder of {s}"; empty where none reads well."""


PERSON, COMPANY, PLACE = ("who", "whom", "whose"), ("which", "what", "who"), ("where", "which", "what")
INTERROGATIVES: dict[ValueSort, tuple[str, ...]] = {
    "person": PERSON,
    "company": COMPANY,
    "place": PLACE,
    "river": PLACE,
    "date": ("when", "what", "which"),
    "year": ("when", "what", "which"),
    "number": ("how", "what"),
}
"""Words that a question for a value of the sort begins with; `what` and `which` for the others."""

RELATIONS: tuple[Relation, ...] = (
    Relation(
        "born_in", "person", "place",
        ("{s} was born in {v}", "{v} is the town where {s} was born", "{s} was born to a large family in {v}",
         "it was in {v} that {s} was born", "{s} is a native of {v}"),
        ("In which town was {s} born?", "Where was {s} born?", "What is the birthplace of {s}?"),
        ("born", "birth", "native"), "the town where {s} was born",
    ),
    Relation(
        "born_on", "person", "date",
        ("{s} was born on {v}", "the birthday of {o} was {v}", "on {v} {s} was born", "{s} was born early on {v}"),
        ("On what date was {s} born?", "When was {s} born?", "What is the date of birth of {s}?"),
        ("born", "birth"),
    ),
    Relation(
        "lives_in", "person", "place",
        ("{s} now lives in {v}", "{s} has long made a home in {v}", "these days {s} lives in {v}",
         "{s} later settled in {v}", "a house in {v} is now the home of {o}"),
        ("In which town does {s} live?", "Where does {s} live now?", "In what town has {s} made a home?"),
        ("live", "living", "home", "settle", "reside"), "the town where {s} lives",
    ),
    Relation(
        "job", "person", "job",
        ("{s} is {av} by trade", "{s} earns a living as {av}", "{s} has worked for years as {av}",
         "in working life {s} is {av}", "{s} became {av} after school"),
        ("What is the profession of {s}?", "What does {s} do for a living?", "What is the trade of {s}?"),
        ("work", "job", "profession", "trade", "living", "career", "occupation", "become", "became"),
    ),
    Relation(
        "taught_by", "person", "person",
        ("{s} was taught the trade by {v}", "{v} taught {o} everything about the trade", "{s} was once a pupil of {v}",
         "{s} spent three years as an apprentice, taught by {v}", "the teacher of {o} was {v}"),
        ("Who taught {s} the trade?", "Who was the teacher of {s}?", "By whom was {s} taught?"),
        ("taught", "teach", "pupil", "apprentice", "train", "mentor", "learn"), "the person who taught {s}",
    ),
    Relation(
        "collects", "person", "collection",
        ("{s} collects {v}", "{s} owns a large collection of {v}", "in the evenings {s} sorts a collection of {v}",
         "{s} has collected {v} since childhood"),
        ("What does {s} collect?", "What is in the collection of {s}?", "Which things does {s} collect?"),
        ("collect",),
    ),
    Relation(
        "plays", "person", "music",
        ("{s} plays the {v}", "{s} plays the {v} in an amateur orchestra", "on Sundays {s} plays the {v}",
         "{s} learned to play the {v} as a child"),
        ("Which instrument does {s} play?", "What instrument does {s} play?", "What does {s} play in the orchestra?"),
        ("play", "instrument"),
    ),
    Relation(
        "won", "person", "award",
        ("{s} won the {v}", "{s} was honoured with the {v}", "the {v} was awarded to {o}",
         "{s} was given the {v} for a lifetime of work"),
        ("Which award did {s} win?", "What award was given to {s}?", "With which award was {s} honoured?"),
        ("won", "win", "award", "honour", "given", "receiv"),
    ),
    Relation(
        "founded_by", "company", "person",
        ("{s} was founded by {v}", "{v} founded {o}", "{s} owes its founding to {v}", "the founder of {o} was {v}",
         "{s} was founded with borrowed money by {v}"),
        ("Who founded {s}?", "Who was the founder of {s}?", "By whom was {s} founded?"),
        ("found", "establish", "start", "creat"), "the founder of {s}",
    ),
    Relation(
        "founded_in", "company", "year",
        ("{s} was founded in {v}", "{s} has existed since {v}, when it was founded", "the founding of {o} dates to {v}",
         "in {v} {s} was founded"),
        ("In which year was {s} founded?", "When was {s} founded?", "What is the founding year of {s}?"),
        ("found", "establish", "start", "since", "creat"),
    ),
    Relation(
        "based_in", "company", "place",
        ("{s} has its head office in {v}", "{s} is based in {v}", "the head office of {o} stands in {v}",
         "from its base in {v} {s} serves the whole region"),
        ("In which town is {s} based?", "Where is the head office of {s}?", "Where is {s} based?"),
        ("base", "office", "headquarter", "locat"), "the town where {s} is based",
    ),
    Relation(
        "makes", "company", "product",
        ("{s} makes {v}", "{s} is a maker of {v}", "{s} manufactures {v} of every size", "the workers of {o} make {v}",
         "{s} makes little else than {v}"),
        ("What does {s} make?", "Which goods does {s} make?", "What is made by {s}?"),
        ("make", "made", "making", "manufactur", "produc"),
    ),
    Relation(
        "employs", "company", "number",
        ("{s} employs {v} people", "{v} people work for {o}", "{s} has a staff of {v} people",
         "{s} gives work to {v} people"),
        ("How many people does {s} employ?", "How many people work for {s}?", "What is the size of the staff of {s}?"),
        ("employ", "work", "staff"),
    ),
    Relation(
        "led_by", "company", "person",
        ("{s} is led by {v}", "{v} is the director of {o}", "{s} has {v} as its director", "{s} is managed by {v}"),
        ("Who is the director of {s}?", "Who leads {s}?", "By whom is {s} led?"),
        ("led", "lead", "director", "manag", "run", "head"), "the director of {s}",
    ),
    Relation(
        "supplied_by", "company", "company",
        ("{s} buys its raw material from {v}", "{s} is supplied by {v}", "{v} supplies {o} every month",
         "the main supplier of {o} is {v}"),
        ("Which company supplies {s}?", "Who is the main supplier of {s}?",
         "From which company does {s} buy its raw material?"),
        ("suppl", "buy", "material"), "the main supplier of {s}",
    ),
    Relation(
        "river", "place", "river",
        ("{s} lies on the river {v}", "the river {v} runs through {o}", "{s} was built beside the river {v}",
         "{s} has three bridges over the river {v}"),
        ("On which river does {s} lie?", "Which river runs through {s}?", "What is the river of {s} called?"),
        ("river",),
    ),
    Relation(
        "population", "place", "number",
        ("{s} has {v} inhabitants", "the population of {o} is {v}", "{v} people live in {o}",
         "{s} counted {v} inhabitants at the last census"),
        ("How many inhabitants does {s} have?", "What is the population of {s}?", "How many people live in {s}?"),
        ("inhabitant", "population", "people", "resident"),
    ),
    Relation(
        "mayor", "place", "person",
        ("{s} has {v} for its mayor", "the mayor of {o} is {v}", "{v} was elected mayor of {o}",
         "{s} is governed by its mayor, {v}"),
        ("Who is the mayor of {s}?", "Who was elected mayor of {s}?", "Who governs {s} as its mayor?"),
        ("mayor", "govern"), "the mayor of {s}",
    ),
    Relation(
        "known_for", "place", "fame",
        ("{s} is known for {v}", "{s} is famous for {v}", "most guests visit {o}, which is known for {v}",
         "what makes {o} famous is {v}"),
        ("What is {s} known for?", "What is {s} famous for?", "For what is {s} known?"),
        ("known", "famous", "fame", "renown"),
    ),
    Relation(
        "station", "place", "place",
        ("the nearest station to {o} is in {v}", "{s} depends on the station in {v}",
         "travellers to {o} leave the train at the station of {v}", "a bus links {o} with the station in {v}"),
        ("In which town is the nearest station to {s}?", "Where is the nearest station to {s}?",
         "At the station of which town do travellers to {s} leave the train?"),
        ("station", "train", "railway"), "the town with the nearest station to {s}",
    ),
    Relation(
        "held_in", "event", "place",
        ("{s} is held in {v}", "{s} takes place in {v}", "{v} is the town where {s} is held",
         "every year {s} is held in {v}"),
        ("In which town is {s} held?", "Where is {s} held?", "In what town does {s} take place?"),
        ("held", "take", "place", "host", "hold"), "the town where {s} is held",
    ),
    Relation(
        "first_held_on", "event", "date",
        ("{s} was first held on {v}", "the first edition of {o} was held on {v}", "{s} first took place on {v}",
         "on {v} {s} was held for the first time"),
        ("On what date was {s} first held?", "When was {s} first held?",
         "What was the date of the first edition of {s}?"),
        ("first",),
    ),
    Relation(
        "organised_by", "event", "person",
        ("{s} is organised by {v}", "{v} organises {o}", "the organiser of {o} is {v}",
         "{s} has been organised for years by {v}"),
        ("Who organises {s}?", "Who is the organiser of {s}?", "By whom is {s} organised?"),
        ("organis", "organiz"), "the organiser of {s}",
    ),
    Relation(
        "sponsored_by", "event", "company",
        ("{s} is sponsored by {v}", "{v} sponsors {o}", "the sponsor of {o} is {v}", "{s} has {v} as its sponsor"),
        ("Which company sponsors {s}?", "Who is the sponsor of {s}?", "By which company is {s} sponsored?"),
        ("sponsor",), "the company that sponsors {s}",
    ),
    Relation(
        "visitors", "event", "number",
        ("{s} drew {v} visitors last year", "last year {v} visitors came to {o}",
         "{s} was seen by {v} visitors last year",
         "{s} counted {v} visitors last year"),
        ("How many visitors came to {s} last year?", "How many visitors did {s} draw last year?",
         "What was the number of visitors of {s} last year?"),
        ("visitor", "attend", "people"),
    ),
    Relation(
        "reward", "event", "reward",
        ("the winner of {o} takes home {v}", "{s} rewards its winner with {v}", "whoever wins at {o} is given {v}",
         "the first prize at {o} is {v}"),
        ("What does the winner of {s} receive?", "What is the first prize at {s}?",
         "What does {s} give to its winner?"),
        ("win", "prize", "reward"),
    ),
)  # fmt: skip

OF: dict[Sort, tuple[Relation, ...]] = {
    sort: tuple(relation for relation in RELATIONS if relation.subject == sort)
    for sort in ("person", "company", "place", "event")
}
