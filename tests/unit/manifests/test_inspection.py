"""A certificate is explained with every defect, and its end is announced."""

from datetime import timedelta

from provenance.manifests.inspection import described, inspect_file

DAY = timedelta(days=1)


def test_the_end_is_announced_a_month_before(authority):
    near = described(authority.issue(until=29 * DAY).leaf)
    assert (near.ends_soon, near.defects) == (True, ())
    assert not described(authority.issue(until=31 * DAY).leaf).ends_soon


def test_one_that_has_ended_or_not_begun_cannot_sign(authority):
    ended = described(authority.issue(since=-9 * DAY, until=-DAY).leaf)
    assert (ended.defects, ended.ends_soon) == (("certificate-expired",), False)
    early = described(authority.issue(since=DAY, until=9 * DAY).leaf)
    assert early.defects == ("certificate-not-yet-valid",)


def test_kind_and_size_of_the_key_are_said(issued, tmp_path):
    (tmp_path / "chain.pem").write_bytes(issued.chain)
    leaf, authority = inspect_file(tmp_path / "chain.pem")
    assert leaf.key == "EC secp256r1"
    assert leaf.as_json()["until"] == f"{leaf.until:%Y-%m-%dT%H:%M:%SZ}"
    assert (leaf.issuer, authority.is_authority) == (authority.name, True)
