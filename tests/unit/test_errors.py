"""The error tree: exit codes of the contract, both languages, and safe to send between processes."""

import inspect
import pickle

import pytest

from provenance import errors
from provenance.errors import InvalidPost, MalformedMedia, NotPublishable, ProvenanceError

TREE = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, ProvenanceError)]
EXITS = {
    "UsageError": 2, "MediaError": 3, "OutputError": 4, "ManifestError": 4, "LedgerError": 4, "CatalogError": 5, "NotPublishable": 1,
}  # fmt: skip


@pytest.mark.parametrize("kind", TREE, ids=lambda each: each.__name__)
def test_every_error_has_the_exit_code_of_its_branch_and_stands_in_the_drawn_tree(kind):
    branches = [each.__name__ for each in kind.__mro__ if each.__name__ in EXITS]
    assert kind is ProvenanceError or [kind.exit_code] == [EXITS[each] for each in branches]
    assert kind.__name__ in errors.__doc__


def test_an_error_says_the_same_in_both_languages_and_after_pickling():
    error = MalformedMedia("jpeg-truncated", path="a.jpg", offset=7)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is MalformedMedia
    for locale in ("en", "zh-CN"):
        assert again.diagnostics(locale) == error.diagnostics(locale)
        assert "a.jpg" in error.diagnostics(locale)
        assert "7" in error.diagnostics(locale)


def test_what_a_message_does_not_name_is_put_in_front_of_it():
    error = MalformedMedia("exif-damaged", path="a.jpg", pointer="/assets/0", offset=8)
    assert str(error).startswith("/assets/0: a.jpg: ")


def test_an_invalid_post_lists_all_its_problems():
    error = InvalidPost("key-missing", pointer="/id", others=[("key-unknown", {"pointer": "/x"})])
    assert [line.split(":")[0] for line in error.diagnostics().splitlines()] == ["/id", "/x"]


def test_not_publishable_carries_the_report():
    error = NotPublishable("not-publishable", report="the report", count=1, rules="x")
    assert error.report == "the report"
    assert pickle.loads(pickle.dumps(error)).report == "the report"
