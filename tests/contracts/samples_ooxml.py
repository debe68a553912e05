"""Office documents, put together part by part."""

import io
import zipfile

PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = "application/vnd.openxmlformats-officedocument."
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
CUSTOM = (
    f'{XML}<op:Properties xmlns:op="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties" '
    'xmlns:t="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"><!-- kept -->'
    '<op:property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="2" name="Project"><t:i4>7</t:i4></op:property>'
    '<op:property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="4" name="aigc"><t:bstr>{}</t:bstr></op:property>'
    '<op:property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="3" name="Done"><t:bool>true</t:bool>'
    "</op:property></op:Properties>"
)
SHAPES = (
    '<p:cSld><p:spTree><p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
    "</p:spTree></p:cSld>"
)
NAMES = (
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    f'xmlns:r="{OFFICE}" xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
)
COLOURS = "".join(
    f'<a:{name}><a:srgbClr val="808080"/></a:{name}>'
    for name in [
        "dk1",
        "lt1",
        "dk2",
        "lt2",
        "accent1",
        "accent2",
        "accent3",
        "accent4",
        "accent5",
        "accent6",
        "hlink",
        "folHlink",
    ]
)
FONT = '<a:latin typeface="Arial"/><a:ea typeface=""/><a:cs typeface=""/>'
FILL = '<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>'
THEME = (
    f'<a:theme {NAMES} name="t"><a:themeElements><a:clrScheme name="c">{COLOURS}</a:clrScheme><a:fontScheme name="f">'
    f'<a:majorFont>{FONT}</a:majorFont><a:minorFont>{FONT}</a:minorFont></a:fontScheme><a:fmtScheme name="f">'
    f"<a:fillStyleLst>{FILL * 3}</a:fillStyleLst><a:lnStyleLst>{f'<a:ln>{FILL}</a:ln>' * 3}</a:lnStyleLst>"
    f"<a:effectStyleLst>{'<a:effectStyle><a:effectLst/></a:effectStyle>' * 3}</a:effectStyleLst>"
    f"<a:bgFillStyleLst>{FILL * 3}</a:bgFillStyleLst></a:fmtScheme></a:themeElements></a:theme>"
)


def relationships(*pairs):
    lines = (
        f'<Relationship Id="rId{number}" Type="{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(pairs, 1)
    )
    return f'{XML}<Relationships xmlns="{PACKAGE}/relationships">{"".join(lines)}</Relationships>'


def content_types(**kinds):
    overrides = (
        f'<Override PartName="/{part}" ContentType="{kind if "/" in kind else TYPES + kind}"/>'
        for part, kind in kinds.items()
    )
    return (
        f'{XML}<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>{"".join(overrides)}</Types>'
    )


def package(main, kinds, parts, custom=None):
    """Return the parts of a document in the order of the file."""
    leads = [(f"{OFFICE}/officeDocument", main)]
    if custom:
        leads.append((f"{OFFICE}/custom-properties", "docProps/custom.xml"))
        kinds = {**kinds, "docProps/custom.xml": "custom-properties+xml"}
    head = {"[Content_Types].xml": content_types(**kinds), "_rels/.rels": relationships(*leads)}
    return {**head, **({"docProps/custom.xml": custom} if custom else {}), **parts}


def word(kind="wordprocessingml.document.main+xml", custom=None, more=None):
    text = "<w:p><w:r><w:t>正文,一行。</w:t></w:r></w:p>"
    names = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    parts = {"word/document.xml": f"{XML}<w:document {names}><w:body>{text}</w:body></w:document>"}
    return package("word/document.xml", {"word/document.xml": kind}, {**parts, **(more or {})}, custom)


def excel():
    names = f'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{OFFICE}"'
    sheet = '<sheets><sheet name="1" sheetId="1" r:id="rId1"/></sheets>'
    cell = '<row r="1"><c r="A1" t="inlineStr"><is><t>正文</t></is></c></row>'
    kinds = {
        "xl/workbook.xml": "spreadsheetml.sheet.main+xml",
        "xl/worksheets/sheet1.xml": "spreadsheetml.worksheet+xml",
    }
    parts = {
        "xl/workbook.xml": f"{XML}<workbook {names}>{sheet}</workbook>",
        "xl/_rels/workbook.xml.rels": relationships((f"{OFFICE}/worksheet", "worksheets/sheet1.xml")),
        "xl/worksheets/sheet1.xml": f"{XML}<worksheet {names}><sheetData>{cell}</sheetData></worksheet>",
    }
    return package("xl/workbook.xml", kinds, parts)


def powerpoint():
    colours = " ".join(
        f'{name}="{value}"'
        for name, value in {
            "bg1": "lt1", "tx1": "dk1", "bg2": "lt2", "tx2": "dk2", "hlink": "hlink", "folHlink": "folHlink",
            **{f"accent{number}": f"accent{number}" for number in range(1, 7)},
        }.items()
    )  # fmt: skip
    layouts = '<p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst>'
    lists = '<p:sldMasterIdLst><p:sldMasterId id="2147483648" r:id="rId1"/></p:sldMasterIdLst>'
    lists += '<p:sldIdLst><p:sldId id="256" r:id="rId2"/></p:sldIdLst><p:sldSz cx="9144000" cy="6858000"/><p:notesSz cx="6858000" cy="9144000"/>'
    parts = {
        "ppt/presentation.xml": f"{XML}<p:presentation {NAMES}>{lists}</p:presentation>",
        "ppt/_rels/presentation.xml.rels": relationships(
            (f"{OFFICE}/slideMaster", "slideMasters/slideMaster1.xml"), (f"{OFFICE}/slide", "slides/slide1.xml")
        ),
        "ppt/slides/slide1.xml": f"{XML}<p:sld {NAMES}>{SHAPES}</p:sld>",
        "ppt/slides/_rels/slide1.xml.rels": relationships(
            (f"{OFFICE}/slideLayout", "../slideLayouts/slideLayout1.xml")
        ),
        "ppt/slideLayouts/slideLayout1.xml": f"{XML}<p:sldLayout {NAMES}>{SHAPES}</p:sldLayout>",
        "ppt/slideLayouts/_rels/slideLayout1.xml.rels": relationships(
            (f"{OFFICE}/slideMaster", "../slideMasters/slideMaster1.xml")
        ),
        "ppt/slideMasters/slideMaster1.xml": (
            f"{XML}<p:sldMaster {NAMES}>{SHAPES}<p:clrMap {colours}/>{layouts}</p:sldMaster>"
        ),
        "ppt/slideMasters/_rels/slideMaster1.xml.rels": relationships(
            (f"{OFFICE}/slideLayout", "../slideLayouts/slideLayout1.xml"), (f"{OFFICE}/theme", "../theme/theme1.xml")
        ),
        "ppt/theme/theme1.xml": XML + THEME,
    }
    kinds = {
        "ppt/presentation.xml": "presentationml.presentation.main+xml",
        "ppt/slides/slide1.xml": "presentationml.slide+xml",
        "ppt/slideLayouts/slideLayout1.xml": "presentationml.slideLayout+xml",
        "ppt/slideMasters/slideMaster1.xml": "presentationml.slideMaster+xml",
        "ppt/theme/theme1.xml": "theme+xml",
    }
    return package("ppt/presentation.xml", kinds, parts)


class Pipe(io.RawIOBase):
    """Takes a file as a pipe does, so that sizes follow the data of each entry."""

    def __init__(self):
        self.taken = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.taken += data
        return len(data)


def archive(parts, *, streamed=False, method=zipfile.ZIP_DEFLATED, comment=b""):
    out = Pipe() if streamed else io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in parts.items():
            entry = zipfile.ZipInfo(name, (2026, 5, 1, 8, 30, 0))
            entry.compress_type = method
            entry.extra = (
                b"\x20\xa2\x04\0\x01\0\0\0" if name.startswith("[") else b""
            )  # room to grow, as Word leaves it
            entry.external_attr = 0o644 << 16
            file.writestr(entry, data)
        file.comment = comment
    return bytes(out.taken) if streamed else out.getvalue()


def ooxml_samples():
    macros = {"word/vbaProject.bin": bytes(range(256)) * 9, "customXml/item1.xml": "<a/>"}
    yield (
        "full",
        archive(word("application/vnd.ms-word.document.macroEnabled.main+xml", CUSTOM, macros), comment=b"kept"),
    )
    yield "word", archive(word())
    yield "excel", archive(excel(), streamed=True)
    yield "powerpoint", archive(powerpoint(), method=zipfile.ZIP_STORED)
    template = word("wordprocessingml.template.main+xml")
    yield "reversed", archive(dict(reversed(template.items())))


EDITED = {"[Content_Types].xml", "_rels/.rels", "docProps/custom.xml"}


def parts(content):
    """Return what another reader of archives finds in the parts that hold the document."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        assert file.testzip() is None
        kept = [entry for entry in file.infolist() if entry.filename not in EDITED]
        return [(entry.filename, entry.date_time, entry.external_attr, file.read(entry)) for entry in kept]


SAMPLES = {"ooxml": ooxml_samples}
DECODED = {"ooxml": parts}
