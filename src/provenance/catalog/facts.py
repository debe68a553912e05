"""What a condition may ask of a post, by key: how it is read, where it stands, and every value it may have.

An absent *fact* is unknown; an absent *gap* (declaration, the MCN's name, the claim to be original) is known to be
missing (contract, section 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from provenance.model.post import Content, Declaration, Domain, Origin, Post, Role, Topic


@dataclass(frozen=True, slots=True)
class Fact:
    """One key a condition may read.

    Attributes:
        pointer: JSON pointer in a post; ``{at}`` stands for the asset's number.
        values: Every value it may have; of a list, every element.
        read: Reads it from a post (an asset for ``asset.*``); `None` when it is absent.
        many: It is a list.
        gap: Its absence is a statement, not an unknown.
        number: It is a number, of which any may be given.
    """

    pointer: str
    values: tuple[str | bool, ...]
    read: Callable[[Any], Any]
    many: bool = False
    gap: bool = False
    number: bool = False


def _mcn_name(post: Post) -> str | None:
    return post.account.mcn.name if post.account.mcn is not None else None


def _months_of(name: str) -> Callable[[Post], int | None]:
    return lambda post: getattr(post.retention, name) if post.retention is not None else None


_FLAG: Final = (True, False)
_OPTIONS: Final = tuple(
    value for value in get_args(get_args(Declaration.model_fields["option"].annotation)[0]) if value is not None
)
FACTS: Final[Mapping[str, Fact]] = {
    "account.anonymous": Fact("/account/anonymous", _FLAG, lambda post: post.account.anonymous),
    "account.domains": Fact("/account/domains", get_args(Domain), lambda post: post.account.domains, many=True),
    "account.mcn.name": Fact("/account/mcn/name", (), _mcn_name, gap=True),
    "account.mcn_managed": Fact("/account/mcn_managed", _FLAG, lambda post: post.account.mcn_managed),
    "account.self_media": Fact("/account/self_media", _FLAG, lambda post: post.account.self_media),
    "acting_as": Fact("/acting_as", get_args(Role), lambda post: post.acting_as),
    "asset.origin": Fact("/assets/{at}/origin", get_args(Origin), lambda asset: asset.origin),
    "declaration.option": Fact(
        "/declaration/option", _OPTIONS, lambda post: post.declaration and post.declaration.option, gap=True
    ),
    "facts.contains": Fact("/facts/contains", get_args(Content), lambda post: post.facts.contains, many=True),
    # A claim: who does not make it does not make it falsely.
    "facts.original": Fact("/facts/original", _FLAG, lambda post: post.facts.original, gap=True),
    "facts.reposted": Fact("/facts/reposted", _FLAG, lambda post: post.facts.reposted),
    "facts.topics": Fact("/facts/topics", get_args(Topic), lambda post: post.facts.topics, many=True),
    "retention.network_logs_months": Fact(
        "/retention/network_logs_months", (), _months_of("network_logs_months"), gap=True, number=True
    ),
    "retention.sharing_logs_months": Fact(
        "/retention/sharing_logs_months", (), _months_of("sharing_logs_months"), gap=True, number=True
    ),
    "kind": Fact("/kind", get_args(Post.model_fields["kind"].annotation), lambda post: post.kind),
}
ASSET_FACTS: Final = frozenset(key for key in FACTS if key.startswith("asset."))
POST_FACTS: Final = tuple(key for key in FACTS if key not in ASSET_FACTS)
