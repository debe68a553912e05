"""The list of news source units, from whatever table the user has."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provenance.errors import AssetNotFound, ProvenanceError, UsageError
from provenance.sources import SourceList, import_list
from provenance.sources.tables import MAX_BYTES

DAY = date(2026, 11, 21)
ROWS = [
    ("互联网新闻信息稿源单位名单", None, None, None),
    ("数据来源:国家网信办", None, None, None),
    ("序号", "稿源单位名称", "网址", "类别"),
    (1, "人民网", "www.people.com.cn", "中央新闻网站"),
    (2, "新华通讯社(简称:新华社)", None, "中央新闻单位"),
    (3, "四川日报社", None, "地方新闻单位"),
    ("合计:3家", None, None, None),
]
TEXT = "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in ROWS)


@pytest.fixture
def table(tmp_path):
    def write(content, name="list.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def code_of(path, **options):
    with pytest.raises(UsageError) as caught:
        import_list(path, on=DAY, **options)
    assert caught.value.diagnostics("en") != caught.value.diagnostics("zh-CN")
    return caught.value.code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_a_comma_separated_list_is_read_in_the_encodings_spreadsheets_write(table, encoding):
    found = import_list(table(TEXT.encode(encoding)), on=DAY)
    assert [each.name for each in found.sources.units] == ["人民网", "新华通讯社", "四川日报社"]
    assert found.sources.units[1].aliases == ("新华社",)
    assert found.columns == {"name": "稿源单位名称", "website": "网址", "category": "类别"}
    assert found.skipped == 1


@pytest.mark.parametrize("mark", ["\t", ";"])
def test_tabs_and_semicolons_part_cells_too(table, mark):
    assert len(import_list(table(TEXT.replace(",", mark), "list.tsv"), on=DAY).sources.units) == 3


@pytest.mark.parametrize("inline", [True, False])
def test_the_first_sheet_of_a_spreadsheet_is_read(table, xlsx, inline):
    found = import_list(table(xlsx(ROWS, inline=inline), "list.xlsx"), on=DAY)
    assert [each.name for each in found.sources.units] == ["人民网", "新华通讯社", "四川日报社"]
    assert found.sources.units[0].website == "www.people.com.cn"
    assert found.form == "xlsx"


def test_of_a_formula_the_value_is_read_that_was_saved_with_it(table, xlsx):
    sheet = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="str"><v>名称</v></c></row><row r="2"><c r="A2" t="str"><f>WEBSERVICE("http://x")</f><v>人民网</v></c></row></sheetData></worksheet>'
    found = import_list(table(xlsx([], sheet=sheet), "list.xlsx"), on=DAY)
    assert [each.name for each in found.sources.units] == ["人民网"]


def test_the_list_says_where_it_came_from(table):
    found = import_list(table("名称\n人民网"), on=DAY).sources
    assert (found.file, found.imported_on, found.jurisdiction) == ("list.csv", DAY, "cn")
    assert len(found.sha256) == 64


def test_a_column_can_be_named(table):
    assert code_of(table("甲,乙\n1,人民网")) == "sources-no-name-column"
    assert import_list(table("甲,乙\n1,人民网"), on=DAY, column="乙").sources.units[0].name == "人民网"
    assert code_of(table("名称\n人民网"), column="乙") == "sources-no-name-column"


def test_a_unit_that_stands_twice_keeps_every_name_it_has(table):
    (unit,) = import_list(table("名称,别名\n新华社,新华通讯社\n新华社客户端,XINHUA"), on=DAY).sources.units
    assert (unit.name, unit.aliases) == ("新华社", ("新华通讯社", "新华社客户端", "XINHUA"))


@pytest.mark.parametrize(
    "name", ["人民网", "人民网客户端", "www.people.com.cn", "新华社", "新华通讯社", "四川日报", "四川日报 客户端"]
)
def test_a_publisher_is_found_under_every_spelling(table, name):
    assert import_list(table(TEXT), on=DAY).sources.lists(name)


@pytest.mark.parametrize("name", ["成都日报", "新华网", "某某网", ""])
def test_another_publisher_is_not(table, name):
    assert not import_list(table(TEXT), on=DAY).sources.lists(name)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "sources-empty"),
        ("\n,,\n", "sources-empty"),
        ("名称\n", "sources-empty"),
        ("名称\n1\n2\n合计", "sources-empty"),
        ("甲,乙\n人民网,1", "sources-no-name-column"),
        ("名称\n人\x07民网", "sources-row"),
        ("名称\n" + "网" * 301, "sources-row"),
        ("名称\n人民网".encode("utf-16-le"), "sources-encoding"),
        (b"name\n\xff\xfe\xfa\x80", "sources-encoding"),
        ("名稱\n人民網".encode("big5") + b"\xa1\xe3\xff", "sources-encoding"),
        (b"%PDF-1.7", "sources-not-a-table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "sources-old-excel"),
        (b"PK\x03\x04 broken", "sources-not-a-table"),
        ('名称\n"人民网', "sources-not-a-table"),
        (b"x" * (MAX_BYTES + 1), "sources-too-large"),
        ("名称\n" + "网\n" * 200_001, "sources-too-many-rows"),
    ],
    ids=lambda each: each if isinstance(each, str) and each.startswith("sources") else "",
)
def test_what_is_no_list_is_refused_by_name(table, content, code):
    assert code_of(table(content)) == code


def test_a_row_that_cannot_be_read_is_named_by_its_number(table):
    with pytest.raises(UsageError) as caught:
        import_list(table("名称\n人民网\n" + "网" * 400), on=DAY)
    assert caught.value.details["row"] == 3


def test_a_spreadsheet_with_a_document_type_is_refused(table, xlsx):
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]>'
    assert code_of(table(xlsx(ROWS, prolog=bomb), "list.xlsx")) == "sources-not-a-table"


@pytest.mark.parametrize(
    "part", ["xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"]
)
def test_a_spreadsheet_that_lacks_a_part_is_refused(table, xlsx, part):
    assert code_of(table(xlsx(ROWS, extra=[(part, None)]), "list.xlsx")) == "sources-not-a-table"


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)
NO_SHEETS = '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheets/></workbook>'


@pytest.mark.parametrize("cell", ['<c r="A1" t="s"><v>9</v></c>', '<c r="A1" t="s"><v>x</v></c>', '<c r="A1"', "</c>"])
def test_a_spreadsheet_whose_cells_are_broken_is_refused(table, xlsx, cell):
    sheet = SHEET.format(f'<row r="1">{cell}</row>')
    assert code_of(table(xlsx([], sheet=sheet), "list.xlsx")) == "sources-not-a-table"


def test_a_workbook_without_a_sheet_is_refused(table, xlsx):
    assert code_of(table(xlsx(ROWS, extra=[("xl/workbook.xml", NO_SHEETS)]), "list.xlsx")) == "sources-not-a-table"


def test_a_spreadsheet_of_too_many_cells_is_refused(table, xlsx, monkeypatch):
    monkeypatch.setattr("provenance.sources.xlsx.MAX_CELLS", 3)
    assert code_of(table(xlsx(ROWS), "list.xlsx")) == "sources-too-large"


def test_a_cell_without_a_reference_stands_behind_the_one_before(table, xlsx):
    cells = '<c t="inlineStr"><is><t>1</t></is></c><c t="inlineStr"><is><t>{}</t></is></c>'
    sheet = SHEET.format("".join(f"<row>{cells.format(each)}</row>" for each in ("名称", "人民网")))
    assert import_list(table(xlsx([], sheet=sheet), "list.xlsx"), on=DAY).sources.units[0].name == "人民网"


def test_a_heading_may_hold_more_than_the_word(table):
    assert import_list(table("序号,可供转载单位一览\n1,人民网\n\n"), on=DAY).sources.units[0].name == "人民网"


def test_a_spreadsheet_that_unpacks_to_too_much_is_refused(table, xlsx, monkeypatch):
    monkeypatch.setattr("provenance.sources.xlsx._MAX_PART", 1 << 20)
    path = table(xlsx([("名称",), ("网" * 400_000,)]), "list.xlsx")
    assert path.stat().st_size < 1 << 16
    assert code_of(path) == "sources-too-large"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(AssetNotFound):
        import_list(tmp_path / "none.csv", on=DAY)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04", "名称\n".encode(), b"name,alias\n"]))
def test_no_file_makes_it_fail_in_another_way(table, content, start):
    try:
        found = import_list(table(start + content), on=DAY)
    except ProvenanceError:
        return
    assert found.sources.units


def test_a_list_is_kept_and_read_back_and_a_newer_one_takes_its_place(table, tmp_path):
    folder = tmp_path / "data"
    assert SourceList.stored(folder) is None
    first = import_list(table("名称\n人民网"), on=DAY).sources
    path = first.save(folder)
    assert SourceList.stored(folder) == first
    second = import_list(table("名称\n新华社"), on=DAY).sources
    assert second.save(folder) == path
    assert SourceList.stored(folder) == second
    assert [each.name for each in folder.iterdir()] == [path.name]


def test_what_is_no_jurisdiction_has_no_list(tmp_path):
    (tmp_path / "a.json").write_text("{", encoding="utf-8")
    assert SourceList.stored(tmp_path, "cn/../../a") is None


def test_a_damaged_list_says_so(tmp_path):
    (tmp_path / "news-sources-cn.json").write_text("{", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        SourceList.stored(tmp_path)
    assert caught.value.code == "sources-list-damaged"


def test_the_data_folder_is_the_users(monkeypatch, tmp_path):
    from provenance.sources import data_folder

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data_folder() == tmp_path / "provenance-labels"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_folder() == tmp_path / ".local" / "share" / "provenance-labels"
