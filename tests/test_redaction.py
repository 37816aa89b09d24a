"""What redaction takes out of a text, what it leaves, and that no text holds it up."""

import random
import time

import pytest

from bentos.redaction import redact

GOES = [
    ("mail me at john.doe+games@example.co.uk, please", "mail me at [email], please"),
    ("JOHN_DOE@EXAMPLE.COM.", "[email]."),
    ("ask müller@bücher.example or пётр@пример.рф", "ask [email] or [email]"),
    ("a@example.com|b@example.com;c@example.com", "[email];[email]"),
    ("me@my-host.example/path", "[email]/path"),
    ("ｊｏｈｎ＠ｅｘａｍｐｌｅ．ｃｏｍ まで", "[email] まで"),
    ("我的邮箱是john@example.com，谢谢", "我的邮箱是[email]，谢谢"),
    ("see https://user:secret@example.com:8080/a?b=c#d now", "see [url] now"),
    ("steam://run/440 and ftp://x", "[url] and [url]"),
    ("12http://a.example", "12[url]"),
    ("on www.example.com", "on [url]"),
    ("join us...discord.gg/aBc123", "join us...[url]"),
    ("youtu.be/dQw4w9WgXcQ, https://medium.com/@john.doe/x", "[url] [url]"),
    ('<a href="http://example.com/">here</a>', '<a href="[url]">here</a>'),
    ("看http://example.com/a，很好", "看[url]，很好"),
    ("IBAN DE89 3704 0044 0532 0130 00 is mine", "IBAN [iban] is mine"),
    ("de89370400440532013000", "[iban]"),
    ("GB29 NWBK 6016 1331 9268 19", "[iban]"),
    ("FR14 2004 1010 0505 0001 3M02 606.", "[iban]."),
    ("NO93-8601-1117-947", "[iban]"),
    ("MT84MALT011000012345MTLCAST001S", "[iban]"),
    ("4111 1111 1111 1111", "[card]"),
    ("4111-1111-1111-1111 exp 12/26", "[card] exp 12/26"),
    ("4111111111111111", "[card]"),
    ("3782 822463 10005 (amex)", "[card] (amex)"),
    ("paid 2026 4111 1111 1111 1111 123", "paid 2026 [card] 123"),
    ("４１１１１１１１１１１１１１１１", "[card]"),
    ("٤١١١١١١١١١١١١١١١", "[card]"),
    ("+49 170 1234567", "[phone]"),
    ("+1 (555) 123-4567!", "[phone]!"),
    ("＋４９１７０１２３４５６７", "[phone]"),
    ("0049 170 1234567", "[phone]"),
    ("0170/123 45 67", "[phone]"),
    ("(030) 12 34 56 78", "[phone]"),
    ("06 12 34 56 78", "[phone]"),
    ("020 7946 0958", "[phone]"),
    ("07700900123", "[phone]"),
    ("call 555-123-4567 or 555.123.4567 or (555) 123-4567", "call [phone] or [phone] or [phone]"),
    ("555\u2011123\u20114567", "[phone]"),
    ("0170\u00a01234567", "[phone]"),
    ("profile 76561197960287930", "profile [number]"),
    ("ISBN 9783161484100", "ISBN [number]"),
    ("call 13812345678", "call [number]"),
]  # fmt: skip

STAYS = [
    "10/10 would play again, 9.5/10, 4.5 of 5",
    "version 1.12.2, v2.0.1-beta.3, 10.0.19045.3803",
    "on 2026-11-21, 21.11.2026, 11/21/2026 and 2026/11/21",
    "2026-11-21T09:14:00Z, 21.11.2026 10:30, (05.06.2021 12:30)",
    "05-06-2021 1930",
    "1998-2003, 2019/2020, in 1984 2001 2010",
    "$59.99, 1,299.00 EUR, 1.000.000.000, 12 000 000 rows",
    "1920x1080 at 144 Hz, 16:9, RTX 4090, 3.14159",
    "200 hours, 1000000 points, -25 %, +1, +15 social credit",
    "app 1245620 and build 12345678",
    "4111 1111 1111 1112",  # Luhn's sum does not fit
    "DE88 3704 0044 0532",
    "and/or, his/her, e.g./i.e., node.js, Yes.But no",
    "C:\\games\\x.exe, ~/saves/1.sav, r/gaming, @home, a @ b",
    "AT&T, rock'n'roll, #1!!!, <3, ¯\\_(ツ)_/¯",
    "这个游戏很好玩，我玩了100小时。",
    "John Smith, 12 High Street, London",  # names and postal addresses have no form
    "",
]

PIECES = [
    *("john@example.com", "@", "a", "b@", ".com", "http://", "www.", "foo.org/bar"),
    *("DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "4111 1111 1111 1111", "4111111111111111"),
    *("3782-822463-10005", "+49", "0170", "(030)", "(555)", "555-123-4567", "1234567", "999999999"),
    *("12", "0", "00", "2026-11-21", "05.06.2021"),
    *("1.12.2", "10/10", " ", "  ", "-", ".", "/", "(", ")", "+", "[", "]", "'", "|", ":", "_", "\n", "\0"),
    *("é", "这", "，", "１２３", "٣٤", "\u00a0", "\u2011", "ſ", "\u212a", "\ud800"),
]  # fmt: skip

MEGABYTES = 8
ODD = ("a", "a@", "a.", "ab.c/", "a://", "1234 ", "+1", "0.0/", "DE89 1111 1111 ", "me@a.de ", "\0", "𝟙")


@pytest.mark.parametrize(("text", "expected"), GOES)
def test_what_has_the_form_of_personal_data_goes(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize("text", STAYS)
def test_what_has_not_stays(text: str) -> None:
    assert redact(text) == text


def test_nothing_is_left_to_redact_whatever_stands_beside_it() -> None:
    draw = random.Random(0)
    texts = ["".join(draw.choices(PIECES, k=draw.randint(1, 14))) for _ in range(20_000)]
    redacted = [redact(text) for text in texts]
    assert sum(text != done for text, done in zip(texts, redacted, strict=True)) > 10_000
    assert [(text, done) for text, done in zip(texts, redacted, strict=True) if redact(done) != done] == []


@pytest.mark.parametrize("part", ODD)
def test_time_is_proportional_to_the_length(part: str) -> None:
    text = part * (MEGABYTES * 2**20 // len(part.encode()))
    start = time.process_time()
    redact(text)
    assert time.process_time() - start < 3 * MEGABYTES  # what is not proportional takes hours
