"""Vocabulary of the pages: goods with their prices, headings and labels."""

from __future__ import annotations

GOODS: tuple[tuple[str, int], ...] = (
    ("Air filter", 1895),
    ("Battery pack", 4250),
    ("Cable tray", 2735),
    ("Ceiling lamp", 6490),
    ("Cleaning service", 12000),
    ("Coffee beans", 1475),
    ("Copy paper", 625),
    ("Desk chair", 18900),
    ("Door handle", 3350),
    ("Extension cord", 1120),
    ("Floor mat", 2980),
    ("Garden hose", 3675),
    ("Hand towels", 860),
    ("Keyboard", 5499),
    ("Ladder", 8925),
    ("Mailing boxes", 1540),
    ("Monitor stand", 4780),
    ("Paint roller", 975),
    ("Printer ink", 3199),
    ("Safety gloves", 1265),
    ("Shelf bracket", 745),
    ("Site inspection", 24500),
    ("Tool cabinet", 31250),
    ("Water cooler", 15875),
)
"""Descriptions with unit prices in cents."""

TERMS = tuple(f"Payment is due within {days} days" for days in (7, 14, 30, 60, 90))

INVOICE_TITLES = ("INVOICE", "Invoice")
INVOICE_HEADERS = ("Description", "Qty", "Price", "Amount")
INVOICE_LABELS = ("Bill To:", "Terms:")

RECEIPT_LABELS = ("Subtotal", "Tax", "TOTAL", "Cash", "Change")
RECEIPT_ENDINGS = ("Thank you for your visit", "Please come again", "Returns within 30 days")

GREETINGS = ("Dear Sir or Madam,", "To whom it may concern,", "Good day,")
CLOSINGS = ("Sincerely,", "Kind regards,", "Yours faithfully,", "With best wishes,")

FORM_TITLES = ("Application Form", "Registration Form", "Change of Address", "Membership Form")
FORM_LABELS = (
    "Full name",
    "Date of birth",
    "Street address",
    "City and postcode",
    "Telephone",
    "Email address",
    "Occupation",
    "Employer",
    "Contact person",
    "Member number",
    "Start date",
    "Nationality",
)
FORM_ENDINGS = ("Signature", "Date", "For office use only")

TABLE_TITLES = ("Account Statement", "Quarterly Summary", "Stock List", "Delivery Report")
TABLE_HEADERS = ("Name", "Town", "Units", "Amount")
TABLE_ENDINGS = ("Total", "All figures are preliminary", "Page 1 of 1")
