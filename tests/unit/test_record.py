"""Our own record: stable text, tolerant of nothing it did not write."""

import json

import pytest

from provenance.model import record as records
from provenance.model.notice import Box, Notice
from provenance.model.record import Record

NOTICE = Notice(kind="fiction", text="摆拍演绎", box=Box(x=1, y=2, width=3, height=4))
RECORD = Record("p", "1", ({"kind": "fiction", "on": "asset", "form": "staged"},), (NOTICE,))


def test_a_record_comes_out_as_it_went_in_and_its_text_is_stable():
    assert records.parse(RECORD.text()) == RECORD
    assert records.parse(RECORD.payload()) == RECORD
    assert json.loads(RECORD.text())["notices"][0]["seconds"] is None
    assert list(json.loads(RECORD.text())) == ["asset", "labels", "notices", "post", "version"]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{", '{"version": 2, "labels": [], "notices": []}', '{"version": 1}', '{"version": 1, "labels": [7], "notices": []}',
     '{"version": 1, "labels": [{"kind": "x"}], "notices": []}', '{"version": 1, "labels": [], "notices": [{"kind": "x"}]}',
     '{"version": 1, "labels": 5, "notices": []}', '{"version": NaN, "labels": [], "notices": []}', "[" * 100_000,
     json.dumps({"version": 1, "labels": [], "notices": [NOTICE.as_json()] * 17}),
     json.dumps({"version": 1, "labels": [{"kind": "source", "on": "post"}] * 201, "notices": []})],
)  # fmt: skip
def test_what_is_not_ours_is_no_record(text):
    assert records.parse(text) is None
