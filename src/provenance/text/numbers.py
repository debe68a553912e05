"""Numbers as Chinese news writes them: Arabic, full-width and Chinese numerals, percentages, dates, times, units.

A number is what it counts (its dimension) and how much; 两百人, 200 人 and 200名 are one number. What is no statement
of a quantity (一个, 十分, 百度, 第三方) is none.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Final

_DIGITS: Final = {
    **{character: value for value, character in enumerate("零一二三四五六七八九")},
    **{character: value for value, character in enumerate("壹贰叁肆伍陆柒捌玖", 1)},
    "〇": 0,
    "两": 2,
}
_PLACES: Final = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_MYRIADS: Final = {"万": 10**4, "亿": 10**8}
_MULTIPLIERS: Final = {"百": 100, "千": 1000, **_MYRIADS, "百万": 10**6, "千万": 10**7, "百亿": 10**10}
_MULTIPLIERS.update({"十万": 10**5, "十亿": 10**9, "千亿": 10**11, "万亿": 10**12})

_HAN: Final = "零〇一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟"
_ARABIC: Final = r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?"
_MULTIPLIER: Final = "|".join(sorted(_MULTIPLIERS, key=len, reverse=True))
_ABOUT_BEFORE: Final = r"(?:约|近|接近|超|超过|逾|至少|不足|不到|不少于)"
_ABOUT_AFTER: Final = r"(?:左右|上下|以上|以下|以内|之多)"

_YEAR: Final = r"(?:[12]\d{3}|[一二][〇零一二三四五六七八九]{3})"
_SMALL: Final = r"(?:\d{1,2}|[一二三四五六七八九十]{1,3})"
_DATE: Final = re.compile(
    rf"(?P<y>{_YEAR})年(?:(?P<m>{_SMALL})月(?:份|(?P<d>{_SMALL})[日号])?)?"
    rf"|(?P<m2>{_SMALL})月(?:份|(?P<d2>{_SMALL})[日号])(?!线)|(?P<m3>\d{{1,2}})月|(?P<d3>{_SMALL})日(?![元本游])"
    r"|(?P<y4>[12]\d{3})(?P<sep>[-/.])(?P<m4>\d{1,2})(?P=sep)(?P<d4>\d{1,2})(?!\d)"
)
_CLOCK: Final = re.compile(
    r"(?P<part>上午|下午|晚上|凌晨|早上|早晨|中午|傍晚|晚|早)?"
    rf"(?:(?P<h>\d{{1,2}}):(?P<min>\d{{2}})(?::\d{{2}})?(?!\d)"
    rf"|(?P<h2>{_SMALL})(?P<word>[时点])(?:(?P<min2>{_SMALL}|[零〇][一二三四五六七八九])分(?!钟)|(?P<half>半)|(?P<full>整))?)"
)
_PERCENT: Final = re.compile(rf"百分之(?P<n>{_ARABIC}|[{_HAN}]{{1,12}}(?:点[{_HAN}]{{1,6}})?)")
_FRACTION: Final = re.compile(rf"(?P<low>\d{{1,4}}|[{_HAN}]{{1,4}})分之(?P<high>\d{{1,4}}|[{_HAN}]{{1,4}})")
_TENTHS: Final = re.compile(r"(?P<n>[一二两三四五六七八九]|\d(?!\d))成(?=[,。;、!?\n多半以左上]|$|的)")
_ORDINAL: Final = re.compile(rf"第(?P<n>\d{{1,6}}|[{_HAN}]{{1,6}})(?P<unit>季度|[名位届次轮条批号章代期集天个周年季])")
# Chinese words that look like a numeral and its unit.
_NO_NUMBERS: Final = re.compile(
    r"一(?:时(?!\d)|度(?!电)|点|起|次性|条龙|级|方面|直|种|个|名|位|家|件|项|只|条|张|次|场|部|类|批|支|处|间|座|户|些|台|套)"
    r"|[十一]分(?!之)|千家万户|万[一人岁物]|百[度家姓年货合叶]|千万(?=[不别要])|三思|四处|五花|七夕|八卦|两点一线|一日游"
)
_AROUND: Final = re.compile(rf"{_ABOUT_BEFORE}$")
_AROUND_AFTER: Final = re.compile(_ABOUT_AFTER)
_UNCERTAIN: Final = frozenset("数几好上成")
_LONGEST: Final = 36  # characters; what is longer is no quantity


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a text.

    Attributes:
        start: Offset of its first character.
        end: Offset behind its last one.
        dimension: What it counts, as ``人``, ``元``, ``%``, ``date``, ``clock``, or ``""`` when no unit is written.
        value: How much, in the dimension's unit; of a date year, month and day, of a clock time hour and minute.
        step: What its last written digit is worth; for a round number that says it is one, its last digit above zero.
        loose: It says that it is not exact (约, 近, 余, 以上 …), or may be cut to its myriads (1.2万 for 12800).
    """

    start: int
    end: int
    dimension: str
    value: Decimal | tuple[int | None, ...]
    step: Decimal = Decimal(1)
    loose: bool = False

    def agrees(self, other: Number) -> bool:
        """Say whether both may state the same: equal as far as each is written, or one the other's rounding."""
        if self.dimension != other.dimension and "" not in {self.dimension, other.dimension}:
            return False
        if isinstance(self.value, tuple) or isinstance(other.value, tuple):
            return _same_parts(self, other)
        fine, coarse = sorted((self, other), key=lambda each: each.step)
        gap = abs(_plain(fine) - _plain(coarse))
        return gap == 0 or gap < coarse.step / 2 or (coarse.loose and gap < coarse.step)


def _plain(number: Number) -> Decimal:
    return number.value if isinstance(number.value, Decimal) else Decimal(0)


def _same_parts(one: Number, other: Number) -> bool:
    if not (isinstance(one.value, tuple) and isinstance(other.value, tuple)):
        return False
    known = [(a, b) for a, b in zip(one.value, other.value, strict=True) if a is not None and b is not None]
    if one.dimension == "clock":
        hour, *rest = known
        return (hour[0] - hour[1]) % 12 == 0 and all(a == b for a, b in rest)
    return all(a == b for a, b in known)


def number_at(text: str, at: int) -> Number | None:
    """Return the number that begins at offset `at` of a normal form, or `None`."""
    if _NO_NUMBERS.match(text, at):
        return None
    for make in (_date, _clock, _share, _ordinal, _quantity):
        if (found := make(text, at)) is not None:
            return found
    return None


def _date(text: str, at: int) -> Number | None:
    if (match := _DATE.match(text, at)) is None or _digit_before(text, at):
        return None
    groups = match.groupdict()
    parts = tuple(
        next((_small(groups[name]) for name in names if groups[name]), None)
        for names in (("y", "y4"), ("m", "m2", "m3", "m4"), ("d", "d2", "d3", "d4"))
    )
    return Number(at, match.end(), "date", parts)


def _clock(text: str, at: int) -> Number | None:
    if (match := _CLOCK.match(text, at)) is None or _digit_before(text, at):
        return None
    minute = match["min"] or match["min2"] or ("30" if match["half"] else "0" if match["full"] else None)
    if minute is None and not (match["part"] or (match["word"] == "时" and match["h2"].isascii())):
        return None  # 三点建议, 3000点: no time of day
    return Number(at, match.end(), "clock", (_small(match["h"] or match["h2"]), _small(minute) if minute else None))


def _share(text: str, at: int) -> Number | None:
    if match := _PERCENT.match(text, at):
        value, step = _valued(match["n"])
        return Number(at, match.end(), "%", value, step, _loose(text, at, match.end()))
    if match := _FRACTION.match(text, at):
        low, high = _valued(match["low"])[0], _valued(match["high"])[0]
        return Number(at, match.end(), "%", 100 * high / low, Decimal(1)) if low else None
    if (match := _TENTHS.match(text, at)) and not _digit_before(text, at):
        return Number(at, match.end(), "%", 10 * _valued(match["n"])[0], Decimal(10), loose=True)
    return None


def _ordinal(text: str, at: int) -> Number | None:
    if match := _ORDINAL.match(text, at):
        return Number(at, match.end(), f"第{match['unit']}", _valued(match["n"])[0])
    return None


def _quantity(text: str, at: int) -> Number | None:
    match = _quantities().match(text, at)
    if match is None or len(match[0]) > _LONGEST:
        return None
    unit, han = match["unit"] or "", match["han"]
    if han and (not unit or (len(han) == 1 and han in "百千万亿")):
        return None
    if text[at - 1 : at] in _UNCERTAIN and at and han:
        return None
    value, step = _valued(han) if han else _valued(match["arabic"])
    dimension, factor = _units()[unit] if unit else ("", Decimal(1))
    factor *= _MULTIPLIERS.get(match["mult"] or "", 1)
    about = bool(match["more"] or match["some"]) or _loose(text, at, match.end())
    if about or (han and han[-1] in "万亿"):
        step = max(step, _roundness(value))
    cut = bool(match["mult"]) and step * 10 <= abs(value)
    if match["sign"] or (dimension == "°C" and _minus_before(text, at)):
        value = -value
    return Number(at, match.end(), dimension, value * factor, step * factor, about or cut)


@cache
def _units() -> Mapping[str, tuple[str, Decimal]]:
    """Return each written unit's dimension, and how many of its own unit it is worth."""
    data = tomllib.loads((files("provenance.text") / "units.toml").read_text(encoding="utf-8"))
    return {
        unit: (dimension, Decimal(worth))
        for dimension, units in data.items()
        for written, worth in units.items()
        for unit in written.split()
    }


@cache
def _quantities() -> re.Pattern[str]:
    unit = "|".join(sorted(map(re.escape, _units()), key=len, reverse=True))
    return re.compile(
        rf"(?P<sign>零下|负)?(?:(?P<arabic>{_ARABIC})(?P<some>余|多)?(?P<mult>{_MULTIPLIER})?"
        rf"|(?P<han>[{_HAN}]{{1,24}}(?:点[一二三四五六七八九零〇]{{1,6}}(?:万|亿)?)?))"
        rf"(?P<more>余|多|几|来)?(?P<unit>{unit})?"
    )


def _minus_before(text: str, at: int) -> bool:
    """Say whether a minus stands there, and no dash between two temperatures."""
    return text[max(0, at - 1) : at] == "-" and not re.search(r"[\d度C]-$", text[max(0, at - 2) : at])


def _loose(text: str, start: int, end: int) -> bool:
    return bool(_AROUND.search(text[max(0, start - 4) : start]) or _AROUND_AFTER.match(text, end))


def _roundness(value: Decimal) -> Decimal:
    """Return the worth of the last digit that is not zero."""
    exponent = value.normalize().as_tuple().exponent
    return Decimal(1).scaleb(max(0, exponent)) if value and isinstance(exponent, int) else Decimal(1)


def _digit_before(text: str, at: int) -> bool:
    return at > 0 and (text[at - 1].isdigit() or text[at - 1] in _HAN)


def _small(text: str) -> int:
    return int(_valued(text)[0])


def _valued(text: str) -> tuple[Decimal, Decimal]:
    """Return a numeral's value and what its last digit is worth."""
    if text[0].isascii():
        value = Decimal(text.replace(",", ""))
        return value, Decimal(1).scaleb(int(value.as_tuple().exponent))
    whole, _, fraction = text.partition("点")
    if not fraction:
        return Decimal(_han_value(whole)), Decimal(1)
    multiplier = _MYRIADS.get(fraction[-1], 1)
    digits = "".join(str(_DIGITS[each]) for each in fraction if each in _DIGITS)
    value = Decimal(f"{_han_value(whole)}.{digits}")
    return value * multiplier, Decimal(1).scaleb(-len(digits)) * multiplier


def _han_value(text: str) -> int:
    if len(text) > 1 and all(each in _DIGITS for each in text):
        return int("".join(str(_DIGITS[each]) for each in text))
    total = section = digit = 0
    last = 1
    for each in text:
        if each in _DIGITS:
            digit = _DIGITS[each]
            last = 1 if digit == 0 else last
        elif each in _PLACES:
            last = _PLACES[each]
            section += (digit or 1) * last
            digit = 0
        else:
            last = _MYRIADS[each]
            whole = total + section + digit
            total, section, digit = (whole or 1) * last if last > total else total + (section + digit) * last, 0, 0
    # 一百二 is 120, 三万五 is 35,000; behind 十 a digit is itself.
    return total + section + digit * max(1, last // 10)
