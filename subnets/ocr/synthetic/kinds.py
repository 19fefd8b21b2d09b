"""The kinds of page: each draws its content on a canvas, with a layout that varies from page to page."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .canvas import Align, Canvas, Column
from .vocabulary import DUE_DAYS
from .words import Words


def invoice(canvas: Canvas, words: Words) -> None:
    """Draw seller and customer, goods with quantities and prices, a total and the terms."""
    vocabulary = words.vocabulary
    customer, terms, number_label, date_label, total_label = vocabulary.invoice_labels
    number, date = f"{number_label} INV{words.integer(1, 999999):06d}", f"{date_label} {words.date()}"
    split = canvas.left + words.between(0.52, 0.60) * (canvas.right - canvas.left)
    ours, theirs = (canvas.left, split) if words.chance(0.7) else (split, canvas.left)
    y = float(canvas.top)
    if words.chance():
        canvas.put(canvas.left, y + 0.5 * canvas.em, words.pick(vocabulary.invoice_titles), bold=True, scale=1.6)
        y += 2.4 * canvas.em
    room = min(split - canvas.left, canvas.right - split) - canvas.gap
    canvas.put(ours, y, words.company(), bold=True, room=room)
    canvas.put(theirs, y, date, room=canvas.right - split if theirs == split else room)
    canvas.put(ours, y + canvas.step, words.street(), room=room)
    canvas.put(theirs, y + canvas.step, number)
    canvas.put(ours, y + 2 * canvas.step, words.place(), room=room)
    y += (3 + words.between(0.4, 1.2)) * canvas.step
    indent = canvas.left + words.between(6.5, 8.5) * canvas.em
    canvas.put(canvas.left, y, customer, bold=words.chance())
    canvas.put(indent, y, words.person())
    y += words.between(1.8, 2.4) * canvas.step

    shares = (words.between(0.40, 0.46), 0.14, 0.21, 0.19)
    middle: tuple[Align, ...] = ("center", "right", "left")
    aligns: tuple[Align, ...] = ("left", words.pick(middle), "right", "right")
    columns = [Column(*column) for column in zip(vocabulary.invoice_headers, shares, aligns, strict=True)]
    space = min(18, int((canvas.bottom - y) / canvas.step) - 5)
    goods = words.sample(vocabulary.priced_goods, words.integer(space - 6, space))
    sold = [(name, words.integer(1, 5), price) for name, price in goods]
    rows = [(name, str(count), vocabulary.money(price), vocabulary.money(count * price)) for name, count, price in sold]
    y = canvas.table(y, columns, rows, ruled=words.chance(0.3))
    y += 0.5 * canvas.step
    total = sum(count * price for _, count, price in sold)
    canvas.put(canvas.right - canvas.gap, y, f"{total_label} {vocabulary.money(total)}", align="right", bold=True)
    y += 1.8 * canvas.step
    canvas.put(canvas.left, y, terms)
    canvas.put(indent, y, vocabulary.terms.format(days=words.pick(DUE_DAYS)))


def receipt(canvas: Canvas, words: Words) -> None:
    """Draw a till slip: a narrow strip with goods on the left and amounts on the right."""
    vocabulary = words.vocabulary
    half = words.between(0.30, 0.38) * (canvas.right - canvas.left)
    middle = words.between(canvas.left + half, canvas.right - half)
    left, right = middle - half, middle + half
    y = float(canvas.top + canvas.em)
    canvas.put(middle, y, words.company(), align="center", bold=True, scale=words.pick((1.0, 1.2)), room=2 * half)
    for line in (words.street(), words.place(), f"{vocabulary.telephone} {words.phone()}"):
        y += canvas.step
        canvas.put(middle, y, line, align="center", room=2 * half)
    y += 1.6 * canvas.step
    canvas.put(left, y, f"{words.integer(1, 12):02d}/{words.integer(1, 28):02d}/{words.integer(2008, 2026)}")
    canvas.put(right, y, f"{words.integer(7, 21)}:{words.integer(0, 59):02d}", align="right")
    y += 0.5 * canvas.step
    canvas.rule(left, y, right, y)
    y += 1.2 * canvas.step
    goods = words.sample(vocabulary.priced_goods, words.integer(12, 18))
    for name, price in goods:
        canvas.put(left, y, name, room=1.2 * half)
        canvas.put(right, y, vocabulary.money(price), align="right")
        y += canvas.step
    canvas.rule(left, y - 0.4 * canvas.step, right, y - 0.4 * canvas.step)
    y += 0.6 * canvas.step
    subtotal = sum(price for _, price in goods)
    tax = subtotal * words.integer(4, 9) // 100
    cash = -(-(subtotal + tax) // 5000) * 5000
    amounts = (subtotal, tax, subtotal + tax, cash, cash - subtotal - tax)
    for label, amount in list(zip(vocabulary.receipt_labels, amounts, strict=True))[: words.pick((3, 5))]:
        canvas.put(left, y, label, bold=label.isupper())
        canvas.put(right, y, vocabulary.money(amount), align="right", bold=label.isupper())
        y += canvas.step
    canvas.put(middle, y + 0.8 * canvas.step, words.pick(vocabulary.receipt_endings), align="center")


def letter(canvas: Canvas, words: Words) -> None:
    """Draw running text between addresses and a signature."""
    vocabulary = words.vocabulary
    y = float(canvas.top)
    align: Align = "left" if words.chance() else "right"
    edge = canvas.left if align == "left" else canvas.right
    canvas.put(edge, y, words.company(), align=align, bold=True, scale=words.pick((1.0, 1.2, 1.4)))
    for line in (words.street(), words.place()):
        y += canvas.step
        canvas.put(edge, y, line, align=align)
    y += words.between(1.6, 2.6) * canvas.step
    canvas.put(canvas.left, y, words.date())
    y += 0.8 * canvas.step
    for line in (words.person(), words.street(), words.place()):
        y += canvas.step
        canvas.put(canvas.left, y, line)
    y += 2 * canvas.step
    canvas.put(canvas.left, y, words.pick(vocabulary.greetings))
    room = (canvas.right - canvas.left) * words.between(0.85, 1.0)
    for _ in range(words.integer(4, 5)):
        y += 0.5 * canvas.step
        for line in canvas.wrap(" ".join(words.sentence() for _ in range(words.integer(4, 6))), room):
            if y + 6 * canvas.step < canvas.bottom:
                y += canvas.step
                canvas.put(canvas.left, y, line)
    y += 1.6 * canvas.step
    canvas.put(canvas.left, y, words.pick(vocabulary.closings))
    y += 2 * canvas.step
    canvas.put(canvas.left, y, words.person())
    canvas.put(canvas.left, y + canvas.step, words.job())


def form(canvas: Canvas, words: Words) -> None:
    """Draw labels, with their entries in frames next to or below them."""
    vocabulary = words.vocabulary
    makers: tuple[Callable[[], str], ...] = (
        words.person,
        words.date,
        words.street,
        words.place,
        words.phone,
        words.email,
        words.job,
        words.company,
        words.person,
        lambda: f"{words.integer(100000, 999999)}",
        words.date,
        lambda: words.pick(vocabulary.nationalities),
    )
    y = canvas.top + 0.6 * canvas.em
    canvas.put(canvas.left, y, words.pick(vocabulary.form_titles), bold=True, scale=1.5)
    y += 1.8 * canvas.step
    canvas.put(canvas.left, y, f"{vocabulary.number} {words.integer(10000, 99999)}")
    y += 1.8 * canvas.step
    inline = words.chance()
    across = 1 if inline else words.pick((1, 2))
    height = (1.6 if inline else 2.7) * canvas.step
    entry = canvas.left + words.between(11.0, 13.0) * canvas.em
    space = min(12, across * int((canvas.bottom - y - 2.4 * canvas.step) / height))
    fields = words.sample(list(zip(vocabulary.form_labels, makers, strict=True)), words.integer(space - 3, space))
    width = (canvas.right - canvas.left) / across
    for place, (label, make) in enumerate(fields):
        x = canvas.left + (place % across) * width
        room = width - canvas.gap
        if inline:
            canvas.put(x, y, label)
            canvas.put(entry, y, make(), room=canvas.right - entry - canvas.em)
            canvas.frame(entry - 0.6 * canvas.em, y - 1.15 * canvas.em, canvas.right, y + 0.5 * canvas.em)
        else:
            canvas.put(x, y, label, bold=True)
            canvas.put(x + 0.3 * canvas.em, y + 1.2 * canvas.step, make(), room=room)
            canvas.rule(x, y + 1.55 * canvas.step, x + room, y + 1.55 * canvas.step)
        if place % across == across - 1 or place == len(fields) - 1:
            y += height
    y += 0.4 * canvas.step
    canvas.put(canvas.left, y, vocabulary.form_endings[0])
    canvas.put(canvas.left + 0.55 * (canvas.right - canvas.left), y, vocabulary.form_endings[1])
    canvas.put(canvas.left, y + 1.4 * canvas.step, vocabulary.form_endings[2])


def table(canvas: Canvas, words: Words) -> None:
    """Draw a list of people with numbers, and their sum."""
    vocabulary = words.vocabulary
    y = canvas.top + 0.5 * canvas.em
    canvas.put(canvas.left, y, words.pick(vocabulary.table_titles), bold=True, scale=words.pick((1.3, 1.6)))
    y += 1.5 * canvas.step
    canvas.put(canvas.left, y, words.company())
    canvas.put(canvas.left, y + canvas.step, words.date())
    y += words.between(2.6, 3.4) * canvas.step
    shares = (words.between(0.30, 0.34), words.between(0.26, 0.30), 0.17, 0.22)
    aligns: tuple[Align, ...] = ("left", "left", "right", "right")
    columns = [Column(*column) for column in zip(vocabulary.table_headers, shares, aligns, strict=True)]
    space = min(20, int((canvas.bottom - y) / canvas.step) - 5)
    figures = [(words.integer(10, 400), words.integer(500, 900000)) for _ in range(words.integer(space - 6, space))]
    rows = [
        (words.person(), words.place().partition(",")[0], str(units), vocabulary.money(cents))
        for units, cents in figures
    ]
    sums = (
        vocabulary.table_endings[0],
        vocabulary.table_endings[3],
        str(sum(u for u, _ in figures)),
        vocabulary.money(sum(c for _, c in figures)),
    )
    y = canvas.table(y, columns, [*rows, sums], ruled=words.chance())
    y += canvas.step
    canvas.put(canvas.left, y, vocabulary.table_endings[1])
    canvas.put((canvas.left + canvas.right) / 2, y + 1.5 * canvas.step, vocabulary.table_endings[2], align="center")


KINDS: Mapping[str, Callable[[Canvas, Words], None]] = {
    "invoice": invoice,
    "receipt": receipt,
    "letter": letter,
    "form": form,
    "table": table,
}
