"""Classification: a message or review with a topic or leaning that was drawn first."""

from __future__ import annotations

from subnets.text_prompting.truths.choice import Choice
from subnets.text_prompting.truths.truth import Item, ask
from subnets.text_prompting.world.world import Draw, World, invent_value

TOPICS: dict[str, tuple[str, ...]] = {
    "delivery": (
        "The {goods} that I ordered three weeks ago still have not reached {town}.",
        "Your driver left the parcel at the wrong door again.",
        "Could you tell me on which day the shipment to {town} will be on its way?",
        "The carrier says that the crate was handed over, yet nobody here has it.",
        "Half of the {goods} came on Monday, and the other half seem to have gone astray.",
        "I would like the {goods} brought to my sister's address in {town} instead.",
        "Nobody was at home when the van came by, and no note was left.",
    ),
    "billing": (
        "I was charged twice for the same order of {goods}.",
        "The invoice of {number} dollars shows a discount that was never taken off.",
        "Please send me a receipt for what I paid in spring.",
        "The amount on the statement does not match the price that we agreed on.",
        "My bank tells me that the refund of {number} dollars never came in.",
        "Why does the bill include a fee that nobody mentioned?",
        "I should like to pay in three instalments, if that is possible.",
    ),
    "repair": (
        "One of the {goods} broke on the second day and needs mending.",
        "There is a crack along the side that keeps growing.",
        "Do you sell spare parts for the {goods} from before the war?",
        "The mechanism jams whenever the weather is damp.",
        "A technician from {town} looked at it and could not get it to work.",
        "The handle came loose and two screws are missing.",
        "After a fall it makes a rattling noise and must be fixed.",
    ),
    "employment": (
        "I should like to apply for the post of {job} in your works.",
        "For eleven years I have earned my living as {job}, and I can show references.",
        "Is the position that you advertised in {town} still open?",
        "Could I come for an interview in the second week of the month?",
        "My notice period ends soon, and I could begin straight away.",
        "Please find my certificates and a short account of my career below.",
        "Do you take on apprentices who have just left school?",
    ),
    "visit": (
        "Our class of {few} pupils would love to see how the {goods} are made.",
        "Are guests allowed to walk through the works on a Saturday?",
        "Is there a guided tour in the afternoon, and how long does it take?",
        "We shall be passing through {town} and hope to look around your showroom.",
        "At what hour does the gate open for groups?",
        "Is the gallery over the workshop safe for small children?",
        "May we take photographs while we are shown around?",
    ),
}

LEANINGS: dict[str, tuple[str, ...]] = {
    "positive": (
        "The {goods} are a delight, and I would buy them again at once.",
        "I have rarely been served so kindly.",
        "Everything works better than I had dared to hope.",
        "My neighbours in {town} are envious, and rightly so.",
        "The workmanship is superb.",
        "I recommend {firm} to everyone I know.",
        "It has made every morning happier.",
    ),
    "negative": (
        "The {goods} are a disappointment, and I want my money back.",
        "I have rarely been treated so rudely.",
        "Almost nothing works as it should.",
        "It fell apart before the week was over.",
        "The workmanship is dreadful.",
        "I warn everyone in {town} against {firm}.",
        "What a waste of time and money.",
    ),
    "neutral": (
        "The {goods} come in a brown box with a printed label.",
        "I ordered them from {firm} in {town} on a Tuesday.",
        "There are {few} in each pack, and the instructions are in two languages.",
        "The colour is grey, as in the catalogue.",
        "They weigh about as much as a loaf of bread.",
        "I use them on some days and leave them in the cupboard on others.",
        "The lid opens to the left.",
    ),
}

CONCESSIONS = {
    "positive": ("True, the box was a little dented, but that hardly matters.", "It cost more than I had planned."),
    "negative": ("The colour is pretty, I admit.", "At least the parcel came on time."),
    "neutral": ("I have no opinion on the price.", "Others may see it in another light."),
}

GREETINGS = (
    "Dear {firm},",
    "Good morning,",
    "To whom it may concern,",
    "Hello,",
    "Dear Sir or Madam,",
    "Greetings from {town},",
)


def make(draw: Draw, sentences: int) -> Item:
    """Write a message for a drawn label and ask for the label."""
    world = World.make(draw, people=2, companies=2, towns=2, events=2)
    names = {
        "goods": invent_value(draw, "product"),
        "job": f"a {draw.choice(('baker', 'carpenter', 'joiner', 'painter', 'tailor', 'weaver', 'welder'))}",
        "number": str(draw.integer(20, 900)),
        "few": str(draw.integer(3, 30)),
        "firm": next(e.name for e in world.entities if e.sort == "company"),
        "town": next(e.name for e in world.entities if e.sort == "place"),
    }
    review = draw.chance(0.5)
    table = LEANINGS if review else TOPICS
    label = draw.choice(tuple(table))
    lines = draw.sample(table[label], 3)
    if review:
        lines.insert(draw.integer(0, len(lines)), draw.choice(CONCESSIONS[label]))
    else:
        lines = [draw.choice(GREETINGS), *lines, f"{next(e.name for e in world.entities if e.sort == 'person')}"]
    message = " ".join(lines).format(**names)
    labels = ("positive", "neutral", "negative") if review else tuple(draw.sample(tuple(TOPICS), len(TOPICS)))
    opening = "Is the leaning of this review" if review else "Is this letter about"
    prompt = f"{message}\n\n{opening} {', '.join(labels[:-1])} or {labels[-1]}? Answer with that word alone."
    truth = Choice(label, labels, labels.index(label), lettered=False, ordered=review)
    return Item(ask(prompt), truth, max_tokens=16)
