"""The kinds of page: each draws its content on a sheet, with a layout that varies from page to page."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import vocabulary as known
from .canvas import Align, Canvas, Column
from .words import Words, money


def invoice(sheet: Canvas, words: Words) -> None:
    """Seller and customer, goods with quantities and prices, a total and the terms."""
    number, date = f"Invoice #: INV{words.whole(1, 999999):06d}", f"Invoice Date: {words.date()}"
    split = sheet.left + words.between(0.52, 0.60) * (sheet.right - sheet.left)
    ours, theirs = (sheet.left, split) if words.chance(0.7) else (split, sheet.left)
    y = float(sheet.top)
    if words.chance():
        sheet.put(sheet.left, y + 0.5 * sheet.em, words.pick(known.INVOICE_TITLES), bold=True, scale=1.6)
        y += 2.4 * sheet.em
    room = min(split - sheet.left, sheet.right - split) - sheet.gap
    sheet.put(ours, y, words.company(), bold=True, room=room)
    sheet.put(theirs, y, date, room=sheet.right - split if theirs == split else room)
    sheet.put(ours, y + sheet.step, words.street(), room=room)
    sheet.put(theirs, y + sheet.step, number)
    sheet.put(ours, y + 2 * sheet.step, words.place(), room=room)
    y += (3 + words.between(0.4, 1.2)) * sheet.step
    indent = sheet.left + words.between(6.5, 8.5) * sheet.em
    sheet.put(sheet.left, y, known.INVOICE_LABELS[0], bold=words.chance())
    sheet.put(indent, y, words.person())
    y += words.between(1.8, 2.4) * sheet.step

    shares = (words.between(0.40, 0.46), 0.14, 0.21, 0.19)
    middle: tuple[Align, ...] = ("center", "right", "left")
    aligns: tuple[Align, ...] = ("left", words.pick(middle), "right", "right")
    columns = [Column(*column) for column in zip(known.INVOICE_HEADERS, shares, aligns, strict=True)]
    space = min(18, int((sheet.bottom - y) / sheet.step) - 5)
    goods = words.some(known.GOODS, words.whole(space - 6, space))
    sold = [(name, words.whole(1, 5), price) for name, price in goods]
    rows = [(name, str(count), money(price), money(count * price)) for name, count, price in sold]
    y = sheet.table(y, columns, rows, ruled=words.chance(0.3))
    y += 0.5 * sheet.step
    total = sum(count * price for _, count, price in sold)
    sheet.put(sheet.right - sheet.gap, y, f"Total: {money(total)}", align="right", bold=True)
    y += 1.8 * sheet.step
    sheet.put(sheet.left, y, known.INVOICE_LABELS[1])
    sheet.put(indent, y, words.pick(known.TERMS))


def receipt(sheet: Canvas, words: Words) -> None:
    """A till slip: a narrow strip with goods left and amounts right."""
    half = words.between(0.30, 0.38) * (sheet.right - sheet.left)
    middle = words.between(sheet.left + half, sheet.right - half)
    left, right = middle - half, middle + half
    y = float(sheet.top + sheet.em)
    sheet.put(middle, y, words.company(), align="center", bold=True, scale=words.pick((1.0, 1.2)), room=2 * half)
    for line in (words.street(), words.place(), f"Tel. {words.phone()}"):
        y += sheet.step
        sheet.put(middle, y, line, align="center", room=2 * half)
    y += 1.6 * sheet.step
    sheet.put(left, y, f"{words.whole(1, 12):02d}/{words.whole(1, 28):02d}/{words.whole(2008, 2026)}")
    sheet.put(right, y, f"{words.whole(7, 21)}:{words.whole(0, 59):02d}", align="right")
    y += 0.5 * sheet.step
    sheet.rule(left, y, right, y)
    y += 1.2 * sheet.step
    goods = words.some(known.GOODS, words.whole(12, 18))
    for name, price in goods:
        sheet.put(left, y, name, room=1.2 * half)
        sheet.put(right, y, money(price), align="right")
        y += sheet.step
    sheet.rule(left, y - 0.4 * sheet.step, right, y - 0.4 * sheet.step)
    y += 0.6 * sheet.step
    subtotal = sum(price for _, price in goods)
    tax = subtotal * words.whole(4, 9) // 100
    cash = -(-(subtotal + tax) // 5000) * 5000
    amounts = (subtotal, tax, subtotal + tax, cash, cash - subtotal - tax)
    for label, amount in list(zip(known.RECEIPT_LABELS, amounts, strict=True))[: words.pick((3, 5))]:
        sheet.put(left, y, label, bold=label.isupper())
        sheet.put(right, y, money(amount), align="right", bold=label.isupper())
        y += sheet.step
    sheet.put(middle, y + 0.8 * sheet.step, words.pick(known.RECEIPT_ENDINGS), align="center")


def letter(sheet: Canvas, words: Words) -> None:
    """Running text between addresses and a signature."""
    y = float(sheet.top)
    align: Align = "left" if words.chance() else "right"
    edge = sheet.left if align == "left" else sheet.right
    sheet.put(edge, y, words.company(), align=align, bold=True, scale=words.pick((1.0, 1.2, 1.4)))
    for line in (words.street(), words.place()):
        y += sheet.step
        sheet.put(edge, y, line, align=align)
    y += words.between(1.6, 2.6) * sheet.step
    sheet.put(sheet.left, y, words.date())
    y += 0.8 * sheet.step
    for line in (words.person(), words.street(), words.place()):
        y += sheet.step
        sheet.put(sheet.left, y, line)
    y += 2 * sheet.step
    sheet.put(sheet.left, y, words.pick(known.GREETINGS))
    room = (sheet.right - sheet.left) * words.between(0.85, 1.0)
    for _ in range(words.whole(4, 5)):
        y += 0.5 * sheet.step
        for line in sheet.wrap(" ".join(words.sentence() for _ in range(words.whole(4, 6))), room):
            if y + 6 * sheet.step < sheet.bottom:
                y += sheet.step
                sheet.put(sheet.left, y, line)
    y += 1.6 * sheet.step
    sheet.put(sheet.left, y, words.pick(known.CLOSINGS))
    y += 2 * sheet.step
    sheet.put(sheet.left, y, words.person())
    sheet.put(sheet.left, y + sheet.step, words.job())


def form(sheet: Canvas, words: Words) -> None:
    """Labels and the entries beside or below them, in frames."""
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
        lambda: f"{words.whole(100000, 999999)}",
        words.date,
        lambda: words.pick(("Dutch", "French", "Irish", "Kenyan", "Polish")),
    )
    y = sheet.top + 0.6 * sheet.em
    sheet.put(sheet.left, y, words.pick(known.FORM_TITLES), bold=True, scale=1.5)
    y += 1.8 * sheet.step
    sheet.put(sheet.left, y, f"No. {words.whole(10000, 99999)}")
    y += 1.8 * sheet.step
    beside = words.chance()
    across = 1 if beside else words.pick((1, 2))
    height = (1.6 if beside else 2.7) * sheet.step
    entry = sheet.left + words.between(11.0, 13.0) * sheet.em
    space = min(12, across * int((sheet.bottom - y - 2.4 * sheet.step) / height))
    fields = words.some(list(zip(known.FORM_LABELS, makers, strict=True)), words.whole(space - 3, space))
    width = (sheet.right - sheet.left) / across
    for place, (label, make) in enumerate(fields):
        x = sheet.left + (place % across) * width
        room = width - sheet.gap
        if beside:
            sheet.put(x, y, label)
            sheet.put(entry, y, make(), room=sheet.right - entry - sheet.em)
            sheet.frame(entry - 0.6 * sheet.em, y - 1.15 * sheet.em, sheet.right, y + 0.5 * sheet.em)
        else:
            sheet.put(x, y, label, bold=True)
            sheet.put(x + 0.3 * sheet.em, y + 1.2 * sheet.step, make(), room=room)
            sheet.rule(x, y + 1.55 * sheet.step, x + room, y + 1.55 * sheet.step)
        if place % across == across - 1 or place == len(fields) - 1:
            y += height
    y += 0.4 * sheet.step
    sheet.put(sheet.left, y, known.FORM_ENDINGS[0])
    sheet.put(sheet.left + 0.55 * (sheet.right - sheet.left), y, known.FORM_ENDINGS[1])
    sheet.put(sheet.left, y + 1.4 * sheet.step, known.FORM_ENDINGS[2])


def table(sheet: Canvas, words: Words) -> None:
    """A list of people with numbers, and their sum."""
    y = sheet.top + 0.5 * sheet.em
    sheet.put(sheet.left, y, words.pick(known.TABLE_TITLES), bold=True, scale=words.pick((1.3, 1.6)))
    y += 1.5 * sheet.step
    sheet.put(sheet.left, y, words.company())
    sheet.put(sheet.left, y + sheet.step, words.date())
    y += words.between(2.6, 3.4) * sheet.step
    shares = (words.between(0.30, 0.34), words.between(0.26, 0.30), 0.17, 0.22)
    aligns: tuple[Align, ...] = ("left", "left", "right", "right")
    columns = [Column(*column) for column in zip(known.TABLE_HEADERS, shares, aligns, strict=True)]
    space = min(20, int((sheet.bottom - y) / sheet.step) - 5)
    figures = [(words.whole(10, 400), words.whole(500, 900000)) for _ in range(words.whole(space - 6, space))]
    rows = [(words.person(), words.place().partition(",")[0], str(units), money(cents)) for units, cents in figures]
    sums = (known.TABLE_ENDINGS[0], "All", str(sum(u for u, _ in figures)), money(sum(c for _, c in figures)))
    y = sheet.table(y, columns, [*rows, sums], ruled=words.chance())
    y += sheet.step
    sheet.put(sheet.left, y, known.TABLE_ENDINGS[1])
    sheet.put((sheet.left + sheet.right) / 2, y + 1.5 * sheet.step, known.TABLE_ENDINGS[2], align="center")


KINDS: Mapping[str, Callable[[Canvas, Words], None]] = {
    "invoice": invoice,
    "receipt": receipt,
    "letter": letter,
    "form": form,
    "table": table,
}
