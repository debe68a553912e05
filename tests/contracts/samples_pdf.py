"""PDF files in each form of cross-reference that there is."""

import io
import re
import zlib

import pikepdf

XMP = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Source="old"/></rdf:RDF></x:xmpmeta>'
    b'<?xpacket end="w"?>'
)


def document(**options):
    """A page with text, saved with the options of pikepdf."""
    file = pikepdf.new()
    page = file.add_blank_page(page_size=(97, 61))
    page.Contents = file.make_stream(b"BT (text) Tj ET")
    page.Resources = pikepdf.Dictionary()
    if options.pop("full", False):
        file.docinfo["/Title"] = "标题 (一)"
        file.docinfo["/Own"] = pikepdf.Array([1, pikepdf.Name("/Kept"), page.obj])
        file.Root.Metadata = file.make_stream(XMP, Type=pikepdf.Name("/Metadata"), Subtype=pikepdf.Name("/XML"), Kept=1)
        file.Root.PageLayout = pikepdf.Name("/TwoColumnLeft")
    out = io.BytesIO()
    file.save(out, static_id=True, fix_metadata_version=False, **options)
    return out.getvalue().rstrip()


def by_hand(*, hybrid=False, deflated=False):
    """A file without an information dictionary or identifiers, or one whose last section names a stream, too."""
    out = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
    packed = zlib.compress(XMP)
    metadata = b"<</Type/Metadata/Subtype/XML/Filter[/FlateDecode]/Length %d>>stream\n%s\nendstream" % (
        len(packed),
        packed,
    )
    objects = [
        b"<</Type/Catalog/Pages 2 0 R%s>>" % (b"/Metadata 4 0 R" if deflated else b""),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 97 61]/Resources<<>>>>",
        *([metadata] if deflated else []),
    ]
    offsets = []
    for number, data in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, data)
    size = len(objects) + 1
    more = b""
    if hybrid:
        inner = b"%d 0 <</Title(hidden)>>" % (size + 1)
        stream = len(out)
        out += b"%d 0 obj<</Type/ObjStm/N 1/First 4/Length %d>>stream\n%s\nendstream endobj\n" % (
            size,
            len(inner),
            inner,
        )
        section = len(out)
        rows = [(1, stream, 0), (2, size, 0), (1, section, 0)]
        data = b"".join(bytes([kind]) + at.to_bytes(4, "big") + bytes([index]) for kind, at, index in rows)
        head = b"/Type/XRef/Size %d/W[1 4 1]/Index[%d 3]/Length %d" % (size + 3, size, len(data))
        out += b"%d 0 obj<<%s>>stream\n%s\nendstream endobj\n" % (size + 2, head, data)
        more = b"/XRefStm %d/Info %d 0 R" % (section, size + 1)
    start = len(out)
    rows = b"".join(b"%010d 00000 n \n" % each for each in offsets)
    out += b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R%s>>\n" % (
        len(objects) + 1, rows, size + 3 if hybrid else size, more,
    )  # fmt: skip
    return bytes(out) + b"startxref\n%d\n%%%%EOF" % start


def pdf_samples():
    yield "full", document(full=True, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    yield "bare", document(object_stream_mode=pikepdf.ObjectStreamMode.disable)
    yield "streams", document(full=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    yield "linearized", document(full=True, linearize=True)
    yield "by hand", by_hand()
    yield "hybrid", by_hand(hybrid=True)
    yield "deflated", by_hand(deflated=True)


def pages(content):
    """Return every object that has no labels; raise of a file that qpdf does not take whole, as it then guesses."""
    with pikepdf.open(io.BytesIO(content), attempt_recovery=False) as file:
        if problems := [each for each in file.check_pdf_syntax() if "linear" not in each.lower()]:
            raise ValueError(problems)
        info = {key: str(value) for key, value in (file.trailer.get("/Info") or {}).items() if key.lower() != "/aigc"}
        root = {key: value for key, value in file.Root.items() if key != "/Metadata"}
        drawn = [
            (str(page.mediabox), page.Contents.read_bytes() if "/Contents" in page else b"") for page in file.pages
        ]
        return info, sorted(root), drawn, file.pdf_version


def starts(content):
    """Return the offset of every cross-reference section that a file's ends name."""
    return [int(each) for each in re.findall(rb"startxref\s+(\d+)", content)]


SAMPLES = {"pdf": pdf_samples}
DECODED = {"pdf": pages}
