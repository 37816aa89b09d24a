"""Takes personal data of a fixed form out of a text: mail addresses, URLs, telephones, accounts, cards.

Each gives way to a word in brackets. Names, postal addresses and whatever else has no form stay. The time is
proportional to the length of the text, whatever it holds: no place is tried more than a few times, and what
repeats in a pattern gives nothing back (`++`) or is bounded.
"""

import re
import string
from collections.abc import Callable

NARROW = f"{string.digits}{string.ascii_letters}@./+-_"
WIDE = {ord(sign) + 0xFEE0: sign for sign in NARROW}  # the same, as wide as a Chinese character

# Latin to Cyrillic. Where no spaces are written, the sentence before an address would go with it.
LETTER = "0-9A-Za-z\u00c0-\u052f"
NAME = rf"{LETTER}_.!#$%&'*+=?^`{{|}}~\-"
HOST = rf"[{LETTER}\-]++(?:\.[{LETTER}\-]++)++"
EMAIL = re.compile(rf"(?<![{NAME}])[{NAME}]++(?:@{HOST}(?:[{NAME}]++(?=@))?)++")

IN_URL = r"[^\s<>\"\u3000-\u303f\uff00-\uffef]++"  # up to a space, a quote or Chinese punctuation
URL = re.compile(
    rf"(?<![A-Za-z])(?:[A-Za-z]++://|[Ww]{{3}}\.){IN_URL}"
    rf"|(?<![A-Za-z0-9\-])(?:[A-Za-z0-9\-]++\.){{1,5}}+[A-Za-z]{{2,}}+/{IN_URL}"
)

GAPS = " \u00a0\u2007\u2009\u202f-\u2010\u2011\u2012\u2013"  # spaces and hyphens between groups of digits
GAP = re.escape(GAPS)
AT_GAP = re.compile(f"[{GAP}]")
COUNTRIES = {  # by the length of their account numbers, from SWIFT's registry of IBANs
    15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC",
    32: "LC", 33: "RU",
}  # fmt: skip
FORMS = "|".join(
    rf"(?:{names.replace(' ', '|')})[0-9]{{2}}(?:[{GAP}]?[0-9A-Z]){{{length - 4}}}"
    for length, names in COUNTRIES.items()
)
IBAN = re.compile(rf"(?<![A-Z])(?=[A-Z]{{2}}[0-9]{{2}})(?:{FORMS})", re.ASCII | re.IGNORECASE)
IBAN_VALUES = {ord(letter): str(int(letter, 36)) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
IBAN_VALUES |= dict.fromkeys(map(ord, GAPS), "")

CARD = re.compile(rf"(?<!\d)(?:\d{{13,19}}|\d{{4}}(?:[{GAP}]\d{{3,6}}){{2,4}})(?!\d)")
TWICE = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # the sum of the digits of twice a digit

SIGN = f"{GAP}./()"  # what stands in telephone numbers
NUMBER = re.compile(
    rf"""
    (?P<date> \d{{1,4}} ([./-]) \d{{1,2}} \2 \d{{1,4}} (?! [./-]?\d ))  # or a version: not a telephone
    | (?P<phone>
        # +49 170 1234567
        \+ \d (?: [{SIGN}]{{0,3}} \d ){{7,14}} (?!\d)
        # 0170 1234567, (030) 12 34 56: nine digits or more
        | (?= \(? 0 (?: [{SIGN}]{{0,3}} \d ){{8}} )
        (?: \(0{{1,2}}[1-9]\d{{0,3}}\) | (?<!\d)0{{1,2}}[1-9]\d{{0,3}} )
        (?: [{SIGN}]{{0,3}} \d{{2,}}+ ){{1,5}}
        # (555) 123-4567, 555.123.4567
        | (?<!\d) (?: \(\d{{3}}\)[{GAP}]? | \d{{3}}[{GAP}.] ) \d{{3}} [{GAP}.] \d{{4}} (?!\d)
    )
    | (?P<number> \d{{9,}}+ )
    """,
    re.VERBOSE,
)
EIGHT_DIGITS = re.compile(rf"\d(?:[{SIGN}]{{0,3}}\d){{7}}")  # no account, card or number is without


def redact(text: str) -> str:
    """The text with `[email]`, `[url]`, `[iban]`, `[card]`, `[phone]` and `[number]` in the place of such.

    Full-width letters, digits and signs come back in their usual width.
    """
    if not text.isascii():
        text = text.translate(WIDE)
    if "@" in text:
        text = EMAIL.sub("[email]", text)
    text = URL.sub("[url]", text)
    if EIGHT_DIGITS.search(text):
        text = _replace(IBAN, iban_in, "[iban]", text)
        text = _replace(CARD, card_in, "[card]", text)
        text = NUMBER.sub(lambda found: found["date"] or f"[{found.lastgroup}]", text)
    return text


def iban_in(text: str) -> str:
    """The text where its check digits fit, else nothing.

    ISO 13616: with the first four signs last, and letters as 10 to 35, the number is 1 modulo 97.
    """
    signs = text[4:] + text[:4]
    return text if int(signs.upper().translate(IBAN_VALUES)) % 97 == 1 else ""


def card_in(text: str) -> str:
    """Its first groups of digits, as many as are a card number; nothing where none are.

    ISO 7812: 13 to 19 digits whose sum by Luhn is divisible by ten.
    """
    groups = AT_GAP.split(text)
    while (n_digits := sum(map(len, groups))) >= 13:
        if n_digits <= 19 and _luhn("".join(groups)) % 10 == 0:
            return text[: n_digits + len(groups) - 1]
        groups.pop()
    return ""


def _luhn(digits: str) -> int:
    return sum(map(int, digits[::-2])) + sum(TWICE[int(digit)] for digit in digits[-2::-2])


def _replace(pattern: re.Pattern[str], one_in: Callable[[str], str], word: str, text: str) -> str:
    """The word in the place of what matches and is one; where it is none, one may begin within the match."""
    kept, start, position = [], 0, 0
    while found := pattern.search(text, position):
        position = found.start() + 1
        if one := one_in(found[0]):
            kept += [text[start : found.start()], word]
            start = position = found.start() + len(one)
    return "".join([*kept, text[start:]])
