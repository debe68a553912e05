"""The SDK's front door: one object that does everything with one signer and one rule edition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from provenance import attach as _attach
from provenance import check as _check
from provenance import compare as _compare
from provenance import declare as _declare
from provenance import verify as _verify
from provenance.attach import Attached, DrawOptions, Labelled, OnConflict
from provenance.attach.options import DEFAULT
from provenance.catalog import Catalog
from provenance.check import Progress
from provenance.declare import Advice
from provenance.errors import UsageError
from provenance.manifests.remote import fetcher
from provenance.manifests.signer import Signer
from provenance.manifests.trust import Trust
from provenance.model.comparison import Comparison
from provenance.model.post import Post
from provenance.model.post_file import is_post, post_at
from provenance.model.report import Report
from provenance.model.verification import Verification
from provenance.observe import NOTHING, Sought
from provenance.sources import SourceList
from provenance.verify import Requirement


class Provenance:
    """Attach, check, verify and compare content labels.

    Args:
        signer: Who signs manifests; an explicit ``None`` signs nothing. The SDK never makes an identity of its own.
        catalog: The rule edition; the packaged one by default.
        jurisdiction: Whose rules `check` applies.
        sources: The list of news source units that reposted news are checked against; ``SourceList.stored()`` is what
            the user imported. Without one, those rules are reported as not evaluated.
        remote_manifests: Whether `verify` may fetch a manifest that a file names and does not hold: over https, from
            public addresses. A function is told each URL before it is asked.
    """

    def __init__(
        self,
        *,
        signer: Signer | None,
        catalog: Catalog | None = None,
        jurisdiction: str = "cn",
        sources: SourceList | None = None,
        remote_manifests: bool | Callable[[str], None] = False,
    ) -> None:
        self.signer = signer
        self.catalog = catalog if catalog is not None else Catalog.packaged()
        self.jurisdiction = jurisdiction
        self._sources = None if sources is None else sources.keys()
        self._fetch = fetcher(remote_manifests if callable(remote_manifests) else None) if remote_manifests else None

    def attach(
        self,
        post: Post | str | Path,
        *,
        into: str | Path,
        on_conflict: OnConflict = "refuse",
        fix: bool = False,
        drawing: DrawOptions = DEFAULT,
        progress: Progress | None = None,
    ) -> Attached:
        """Write labelled copies of a post's assets and the finished post into the new folder `into`.

        With `fix`, labels that an asset's own file states and the post does not are added; nothing is invented.
        `drawing` says how notices are put into the media.

        Raises:
            UsageError: the post is wrong, contradicts a file, or `into` is not empty.
            MediaError: a file is not supported, damaged, or cannot hold a label without losing something.
            ManifestError: signing failed.
            OutputNotWritten: the file system refused. In every case nothing is left behind.
        """
        loaded, notes = _attach.fixed(_loaded(post)) if fix else (_loaded(post), ())
        done = _attach.attach_post(
            loaded,
            Path(into),
            catalog=self.catalog,
            signer=self.signer,
            on_conflict=on_conflict,
            drawing=drawing,
            progress=progress,
        )
        return replace(done, fixes=notes)

    def attach_media(
        self,
        media: str | Path,
        asset: Mapping[str, Any],
        *,
        into: str | Path,
        on_conflict: OnConflict = "refuse",
        drawing: DrawOptions = DEFAULT,
        progress: Progress | None = None,
    ) -> Labelled:
        """Write a labelled copy of one media file to the new file `into`; see `attach` for the errors.

        Args:
            media: The file.
            asset: ``labels`` and, where known, ``origin`` and ``draw``, as an asset of a post file has them.
            into: The copy.
            on_conflict: ``keep`` leaves what the file says and records ours beside it.
            drawing: How notices are put in.
            progress: Called with pictures done, pictures in all, and the file's name while notices are put in.
        """
        return _attach.attach_media(
            Path(media),
            Path(into),
            asset,
            catalog=self.catalog,
            signer=self.signer,
            on_conflict=on_conflict,
            drawing=drawing,
            progress=progress,
        )

    def attach_in_place(
        self, media: str | Path, asset: Mapping[str, Any], *, on_conflict: OnConflict = "refuse"
    ) -> Labelled:
        """Label one MP4 or MOV file where it lies, at once whatever its size; a crash leaves a sound file.

        Args:
            media: The file; it is changed.
            asset: As for `attach_media`.
            on_conflict: As for `attach_media`.

        Raises:
            UsageError: this SDK has a signer, and a signature takes a copy; or the container cannot be edited in place.
            MediaError: the file is damaged, signed, or cannot hold a label without losing something.
            OutputNotWritten: the file system refused.
        """
        if self.signer is not None:
            raise UsageError("in-place-not-signed", path=media)
        return _attach.attach_in_place(Path(media), asset, catalog=self.catalog, on_conflict=on_conflict)

    def check(
        self,
        item: Attached | Post | str | Path,
        *,
        on: date | None = None,
        rendered: Sequence[str | Path] = (),
        platform: str | None = None,
        ocr: bool = False,
        progress: Progress | None = None,
    ) -> Report:
        """Judge a post by its finished files; a path may be a post file, an attached folder, or one media file.

        Args:
            item: What to judge.
            on: The date whose rules apply; today in Beijing by default.
            rendered: Pages of the post, its account or its player as they are shown (HTML, Markdown or text): what they
                have to show and the body does not is looked for in them.
            platform: By the platform's id or name, so that notices which its controls may cover are told.
            ocr: Read what stands in pictures, for notices in words that nothing states.
            progress: Called with assets done, assets in all, and the name of the next.

        Raises:
            MissingExtra: `ocr` without the extra of that name.
            UsageError: the post is wrong, the edition does not know the platform, or pages are given for a media file.
            MediaError: `item` is one media file and cannot be read, or a page cannot.
        """
        if ocr:
            _require_reader()
        if isinstance(item, str | Path) and not is_post(Path(item)):
            if rendered:
                raise UsageError("rendered-for-post-only", path=item)
            return _check.check_media(
                Path(item), catalog=self.catalog, on=on, jurisdiction=self.jurisdiction, platform=platform, ocr=ocr
            )
        post = item.post if isinstance(item, Attached) else _loaded(item)
        return _check.check_post(
            post,
            catalog=self.catalog,
            on=on,
            jurisdiction=self.jurisdiction,
            sources=self._sources,
            rendered=tuple(map(Path, rendered)),
            platform=platform,
            ocr=ocr,
            progress=progress,
        )

    def declare(self, post: Post | str | Path, *, platform: str, on: date | None = None) -> Advice:
        """Say which option of a platform's declaration to choose for a post, why, and what to fill in beside it.

        Args:
            post: The post, its file, or an attached folder; the media are not read.
            platform: The platform's id or name: ``douyin``, ``抖音`` …
            on: The day of publishing; today in Beijing by default.

        Raises:
            UsageError: the edition does not know the platform, or the post is wrong.
        """
        return _declare.declare(_loaded(post), platform, catalog=self.catalog, on=on or _check.today())

    def verify(
        self,
        *media: str | Path,
        trust: Trust = (),
        require: Requirement | None = None,
        ocr: bool = False,
        progress: Progress | None = None,
    ) -> Verification:
        """Say what every carrier of finished files states, whether it holds, and where carriers disagree.

        Args:
            media: The files.
            trust: Authorities (PEM) whose signers count as trusted; `TrustLists` for other purposes too.
            require: The manifest state that a clean file needs at least.
            ocr: Read what stands in pictures, for notices in words that nothing states.
            progress: Called with files done, files in all, and the name of the next.

        Raises:
            MissingExtra: `ocr` without the extra of that name.
        """
        paths = [Path(each) for each in media]
        if ocr:
            _require_reader()
        sought = Sought(kind_of=self.catalog.kind_said) if ocr else NOTHING
        return _verify.verify(paths, trust=trust, require=require, sought=sought, progress=progress, fetch=self._fetch)

    def compare(self, before: str | Path, after: str | Path, *, trust: Trust = ()) -> Comparison:
        """Say which labels, notices and manifests a pipeline lost or broke between two files.

        Raises:
            AssetNotFound: one of them cannot be opened.
            MediaError: one of them is not supported or damaged.
        """
        return _compare.compare(Path(before), Path(after), trust=trust)


def _require_reader() -> None:
    # Before any file is read: not every file would be the one to blame.
    from provenance.notices import ocr

    ocr.require()


def _loaded(post: Post | str | Path) -> Post:
    return post if isinstance(post, Post) else post_at(Path(post))
