"""Texts of findings in both languages."""

from __future__ import annotations

from collections.abc import Mapping

from provenance._messages import fill
from provenance.model.report import Localized


def localized(template: Localized, fields: Mapping[str, object]) -> Localized:
    """Fill a text in both languages."""
    zh, en = template["zh-CN"], template["en"]
    if "{" not in zh and "{" not in en:
        return template if type(template) is Localized else Localized(zh_CN=zh, en=en)
    return Localized(zh_CN=fill(zh, fields), en=fill(en, fields))
