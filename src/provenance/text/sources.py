"""Names of sources: vague ones, and different spellings of one name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from provenance.text.normal import normalise

_JOINED: Final = re.compile(r"[、,;/|&+]|以及|和|与|及")
_LEAD: Final = re.compile(
    r"(?:(?:信息|消息|图片|图文|视频|素材|内容|文章|资料|部分)?(?:来源|出处)(?:于|自)?|转载?自|摘自|来自|源自|取材于?|综合|整理自?|编辑自|据|由|经|[图文]源|图片|视频|素材|[:\-—])+"
)
_TAIL: Final = re.compile(
    r"(?:(?:提供|供图|供稿|报道|消息|信息|整理|综合|表示|爆料|称|说|发布|投稿|分享|上传|平台|渠道|资料|图片|视频|素材|内容|等|的)|[。.!:])+$"
)
_PLEA: Final = re.compile(r"[,;(]?(?:如有)?侵权?[^,。;]{0,6}删除?\)?[。.]?$")
_NOT_IN_NAMES: Final = re.compile(r"[\s\[\](){}“”‘’\"'《》·.,、:;!?_\-|/@#&+*]")
_LEGAL_FORMS: Final = re.compile(
    r"(?:股份有限公司|有限责任公司|集团有限公司|有限公司|集团公司|总公司|分公司|公司)$|(?:co|inc|ltd|llc|corp|corporation|limited|company)$"
)
_OUTLETS: Final = re.compile(
    r"(?:官方)?(?:客户端|网站|官网|微博|微信公众号|微信公众平台|微信|公众号|公众平台|订阅号|视频号|抖音号|头条号|百家号|快手号|短视频|新媒体|融媒体|数字报|电子版|app)$"
)
_HOUSES: Final = re.compile(r"(?<=[报刊志])社$|(?<=[报刊台])网$")


def is_vague_source(text: str, phrases: Iterable[str]) -> bool:
    """Say whether a source names nobody whom a reader could ask (来源于互联网, 网传, 网友表示 …).

    Args:
        text: What stands as the source.
        phrases: The vague phrases of the edition (QL2025-3b).

    Every part of an enumeration has to be vague: 新华社、网友 names somebody.
    """
    vague = _all_bare(tuple(phrases))
    parts = [_bare(each) for each in _JOINED.split(_PLEA.sub("", normalise(text).text))]
    return all(each in vague or not each for each in parts)


@lru_cache(maxsize=16)
def _all_bare(phrases: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(_bare, phrases))


# An account names the same few sources in post after post.
@lru_cache(maxsize=4096)
def _bare(text: str) -> str:
    """Return what is left of a source without 来源于, 据, 表示, 报道 and the like."""
    plain = _NOT_IN_NAMES.sub("", normalise(text).text).casefold()
    shorter = _TAIL.sub("", plain)
    shorter = _LEAD.sub("", shorter, count=1) if _LEAD.match(shorter) else shorter
    return shorter or plain


@lru_cache(maxsize=4096)
def name_key(text: str) -> str:
    """Return what different spellings of one organisation's name have in common.

    Widths, brackets, spaces and case do not count, nor do a legal form (有限公司), an outlet of the same house
    (新华社客户端, 四川日报社, 四川日报网) and ``www.``. What would be left empty is kept.
    """
    plain = _NOT_IN_NAMES.sub("", re.sub(r"^(?:https?://)?(?:www\.)?", "", normalise(text).text.strip().casefold()))
    while True:
        shorter = normalise(plain).text
        for pattern in (_OUTLETS, _LEGAL_FORMS, _HOUSES):
            shorter = pattern.sub("", shorter) or shorter
        if shorter == plain:
            return plain
        plain = shorter


def same_name(one: str, other: str, aliases: Mapping[str, Iterable[str]] | None = None) -> bool:
    """Say whether two names are one organisation's, or one an alias of the other.

    Args:
        one: A name.
        other: Another.
        aliases: Other names of an organisation, by its name.
    """
    keys = {name_key(one), name_key(other)}
    if len(keys) == 1:
        return True
    return any(keys <= {name_key(name), *map(name_key, others)} for name, others in (aliases or {}).items())
