"""What a post says in words, and what an account's data say: read when a rule asks for it, and then once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property
from typing import Literal

from provenance.catalog import PlannedNotice
from provenance.catalog.words import Readable, WordList, readable
from provenance.model.labels import Source
from provenance.model.post import Post
from provenance.text import Difference, compare, name_key
from provenance.text.visible import Shown, folded, seen, shown, shows


class Said:
    """A post's words and its account, for the conditions that ask about them.

    Attributes:
        on: The day of the check, as ISO 8601 writes it.
        notices: Every notice the post's labels ask for.
        sources: The keys of the names on the list of news source units; `None` where there is no list.
        pages: What a reader sees of each page that was given.
    """

    def __init__(
        self,
        post: Post,
        notices: Sequence[PlannedNotice],
        on: date,
        sources: frozenset[str] | None = None,
        pages: Sequence[Shown] = (),
    ) -> None:
        self._post = post
        self.pages = pages
        self.on = on.isoformat()
        self.notices = notices
        self.sources = sources
        self._readable: dict[str, Readable] = {}

    @cached_property
    def body(self) -> Shown:
        """What a reader sees of the body."""
        return shown(self._post.body, self._post.body_format)

    def status(self, notice: PlannedNotice) -> Literal["present", "missing", "required"]:
        """Say what became of a notice that the body or a page has to show."""
        if any(shows(each, notice.text) for each in (self.body, *self.pages)):
            return "present"
        return "missing" if self.pages else "required"

    def is_own(self, name: str) -> bool:
        """Say whether `name` is that, or the id, of another account of the same operator."""
        return bool(self._post.account.matrix) and name_key(name) in self._matrix

    @cached_property
    def _matrix(self) -> frozenset[str]:
        return frozenset(name_key(name) for each in self._post.account.matrix for name in (each.id, each.name))

    @cached_property
    def changes(self) -> tuple[Difference, ...]:
        """What title and body say otherwise than the originals that source labels quote, in the order of the labels."""
        labels = self._post.labels + tuple(label for asset in self._post.assets for label in asset.labels)
        return tuple(change for label in labels if isinstance(label, Source) for change in self._changed(label))

    def lists(self, name: str) -> bool:
        """Say whether a name is on the list of news source units; no name is where there is no list."""
        return self.sources is not None and name_key(name) in self.sources

    def words(self, text: str, words: WordList) -> tuple[str, ...]:
        """Return what one of the post's texts says of a word list."""
        if text not in self._readable:
            self._readable[text] = readable(self._text(text))
        said = self._readable[text]
        return words.said_in(said) if said.given else ()

    def qualified(self, domains: Sequence[str], status: str | None, *, current: bool) -> bool:
        """Say whether the account has a credential for one of the domains, of that standing and not past."""
        return any(
            each.domain in domains
            and status in {None, each.status}
            and not (current and each.expires is not None and each.expires < self.on)
            for each in self._post.account.qualifications
        )

    def shows(self, kind: str, *, first: bool) -> bool:
        """Say whether a notice of that kind stands in the body; `first`: before anything but other notices."""
        wanted = {each.text for each in self.notices if each.kind == kind and each.surface != "media"}
        return any(shows(self.body, text) and (not first or self._begins_with(text)) for text in wanted)

    def _changed(self, source: Source) -> Iterator[Difference]:
        pairs = ((source.title, self._text("title")), (source.text, self._text("body")))
        for original, repost in pairs:
            if original and repost:
                yield from compare(original, repost)

    def _begins_with(self, text: str) -> bool:
        before, _, _ = self.body.text.partition(folded(text))
        for each in self.notices:
            before = before.replace(folded(each.text), "")
        return not any(character.isalnum() for character in before)

    def _text(self, name: str) -> str:
        if name == "account.name":
            return self._post.account.name
        if name == "title":
            return self._post.title or ""
        return seen(self._post.body, self._post.body_format)
