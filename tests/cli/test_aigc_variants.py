"""Every way in which files of the wild hold an AIGC element, through real files and `provenance verify`."""

import html
import io
import json
import struct
import zlib

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

CODE = "001191510100MA0EXAMP0D10001"
ELEMENT = {
    "Label": "1",
    "ContentProducer": CODE,
    "ProduceID": "img-1",
    "ReservedCode1": "",
    "ContentPropagator": CODE,
    "PropagateID": "img-1",
    "ReservedCode2": "",
}
BARE = json.dumps(ELEMENT, separators=(",", ":"))
WRAPPED = f'{{"AIGC":{BARE}}}'
LEGACY = json.dumps({"ServiceProvider": "a", "ServiceUser": "b", "Time": "2024-01-01", "ContentId": "c"})
ESCAPED = html.escape(BARE)
LOWER = json.dumps({key.lower(): value for key, value in ELEMENT.items()})
OF_A_NAME = json.dumps({**ELEMENT, "ContentProducer": "doubao", "ContentPropagator": "doubao"})

_IMAGE_DESCRIPTION, _USER_COMMENT, _EXIF_IFD = 0x010E, 0x9286, 0x8769


def packet(description, *, attributes="", prefix="TC260"):
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:{prefix}="http://www.tc260.org.cn/ns/AIGC/1.0/"{attributes}>'
        f"{description}</rdf:Description></rdf:RDF></x:xmpmeta>"
    )


def of_property(text, name="AIGC"):
    return packet(f"<TC260:{name}>{text}</TC260:{name}>")


def of_attribute(text, name="AIGC"):
    return packet("", attributes=f' TC260:{name}="{text}"')


XMP = {
    "element, quotes as entities": (of_property(ESCAPED), "bare", []),
    "element, quotes as they are": (of_property(BARE), "bare", []),
    "element, quotes as numbers": (of_property(BARE.replace('"', "&#34;")), "bare", []),
    "element, CDATA": (of_property(f"<![CDATA[{BARE}]]>"), "bare", []),
    "element, another prefix": (packet(f"<ns1:AIGC>{BARE}</ns1:AIGC>", prefix="ns1"), "bare", []),
    "element, line breaks around": (of_property(f"\n  {BARE}\n"), "bare", []),
    "attribute": (of_attribute(ESCAPED), "bare", []),
    "attribute, lower case": (of_attribute(ESCAPED, name="aigc"), "bare", []),
    "property name in lower case": (of_property(ESCAPED, name="aigc"), "bare", []),
    "wrapped": (of_property(html.escape(WRAPPED)), "wrapped", ["aigc-wrapped-in-slot"]),
    "wrapped as a text": (of_property(html.escape(json.dumps({"AIGC": BARE}))), "wrapped", ["aigc-wrapped-in-slot"]),
    "wrapper in lower case": (
        of_property(html.escape(WRAPPED.replace("AIGC", "aigc"))),
        "wrapped",
        ["aigc-key-case", "aigc-wrapped-in-slot"],
    ),
    "escaped twice": (of_property(html.escape(ESCAPED)), "bare", ["aigc-quotes-escaped"]),
    "escaped by backslashes": (of_property(BARE.replace('"', '\\"')), "bare", ["aigc-quotes-escaped"]),
    "a JSON text of it": (of_property(html.escape(json.dumps(BARE))), "bare", ["aigc-quotes-escaped"]),
    "keys in lower case": (of_property(html.escape(LOWER)), "bare", ["aigc-key-case"]),
    "a number as label": (of_property(html.escape(BARE.replace('"1"', "1", 1))), "bare", ["aigc-value-not-text"]),
    "a bag of one": (
        packet(f"<TC260:AIGC><rdf:Bag><rdf:li>{ESCAPED}</rdf:li></rdf:Bag></TC260:AIGC>"), "bare", [],
    ),
    "names of providers": (
        of_property(html.escape(OF_A_NAME)), "bare", ["aigc-producer-is-a-name", "aigc-producer-is-a-name"],
    ),
    "the name of the element as label": (
        of_property(html.escape(BARE.replace('"1"', '"AIGC"', 1))), "bare", ["aigc-label-unknown"],
    ),
    "keys of its own": (of_property(html.escape(BARE[:-1] + ',"pHash":"0"}')), "bare", ["aigc-key-unknown"]),
    "keys left out": (of_property(html.escape('{"Label":"1"}')), "bare", None),
    "the older schema": (of_property(html.escape(LEGACY)), "legacy", ["aigc-legacy-schema"]),
    "no JSON": (of_property("1"), "unreadable", ["aigc-not-json"]),
}  # fmt: skip
COMMENT = {
    "wrapped": (b"ASCII\0\0\0" + WRAPPED.encode(), "wrapped", []),
    "bare": (b"ASCII\0\0\0" + BARE.encode(), "bare", ["aigc-bare-in-slot"]),
    "UTF-16": (b"UNICODE\0" + WRAPPED.encode("utf-16-be"), "wrapped", []),
    "no character set": (bytes(8) + WRAPPED.encode(), "wrapped", []),
    "no eight bytes": (WRAPPED.encode(), "wrapped", []),
    "wrapper in lower case": (b"ASCII\0\0\0" + WRAPPED.replace("AIGC", "aigc").encode(), "wrapped", ["aigc-key-case"]),
    "the older schema": (b"ASCII\0\0\0" + LEGACY.encode(), "legacy", ["aigc-legacy-schema"]),
}
CONFORMANT = {"aigc-producer-is-a-name"}


def jpeg(**options):
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(out, "JPEG", **options)
    return out.getvalue()


def png(info=None, **options):
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(out, "PNG", pnginfo=info, **options)
    return out.getvalue()


def webp(**options):
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(out, "WEBP", lossless=True, **options)
    return out.getvalue()


def png_with_xmp(xmp):
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp.decode())
    return png(info)


WITH_XMP = {"jpeg": lambda xmp: jpeg(xmp=xmp), "png": png_with_xmp, "webp": lambda xmp: webp(xmp=xmp)}


def text_chunk(kind, keyword, text):
    body = {
        b"tEXt": keyword + b"\0" + text,
        b"zTXt": keyword + b"\0\0" + zlib.compress(text),
        b"iTXt": keyword + b"\0\0\0\0\0" + text,
        b"iTXz": keyword + b"\0\1\0\0\0" + zlib.compress(text),
    }[kind]
    kind = kind.replace(b"z", b"t") if kind == b"iTXz" else kind
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    whole = png()
    return whole[:33] + chunk + whole[33:]


def with_exif(tag, value, *, in_exif_ifd=True):
    exif = Image.Exif()
    (exif.get_ifd(_EXIF_IFD) if in_exif_ifd else exif)[tag] = value
    return exif.tobytes()


@pytest.fixture
def verified(run, tmp_path):
    def verify(content):
        path = tmp_path / "file"
        path.write_bytes(content)
        result = run("verify", path, "--json")
        (file,) = result.json["files"]
        assert file["error"] is None
        assert file["clean"] == (result.code == 0)
        return file

    return verify


def check(file, slot, form, problems):
    (element,) = file["aigc"]["elements"]
    assert set(element) == {"slot", "form", "problems", "value"}
    assert (element["slot"], element["form"]) == (slot, form)
    if problems is not None:
        assert element["problems"] == problems
    conformant = set(element["problems"]) <= CONFORMANT
    assert (file["aigc"]["count"], file["aigc"]["conformant"], file["clean"]) == (1, conformant, conformant)
    if form in {"bare", "wrapped"} and not {"aigc-label-unknown", "aigc-key-missing"} & set(element["problems"]):
        (label,) = [each for each in file["labels"] if each["carrier"] == "aigc"]
        assert label["value"]["grade"] == "confirmed"
        assert label["value"]["produce_id"] == "img-1"


@pytest.mark.parametrize("container", WITH_XMP)
@pytest.mark.parametrize("name", XMP)
def test_xmp(name, container, verified):
    xmp, form, problems = XMP[name]
    check(verified(WITH_XMP[container](xmp.encode())), "xmp", form, problems)


@pytest.mark.parametrize("container", [jpeg, png, webp])
@pytest.mark.parametrize("in_exif_ifd", [True, False], ids=["ExifIFD", "IFD0"])
@pytest.mark.parametrize("name", COMMENT)
def test_exif_user_comment(name, in_exif_ifd, container, verified):
    comment, form, problems = COMMENT[name]
    content = container(exif=with_exif(_USER_COMMENT, comment, in_exif_ifd=in_exif_ifd))
    check(verified(content), "exif-user-comment", form, problems)


@pytest.mark.parametrize("container", [jpeg, png, webp])
def test_the_older_schema_in_the_image_description(container, verified):
    content = container(exif=with_exif(_IMAGE_DESCRIPTION, LEGACY, in_exif_ifd=False))
    check(verified(content), "exif-image-description", "legacy", ["aigc-legacy-schema"])


def test_an_element_in_the_image_description_is_read_and_named(verified):
    content = jpeg(exif=with_exif(_IMAGE_DESCRIPTION, WRAPPED, in_exif_ifd=False))
    check(verified(content), "exif-image-description", "wrapped", ["aigc-slot-not-named"])


@pytest.mark.parametrize("keyword", [b"AIGC", b"aigc", b"Aigc"])
@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"iTXz"])
@pytest.mark.parametrize(
    ("text", "form", "problems"),
    [
        (WRAPPED, "wrapped", []),
        (BARE, "bare", ["aigc-bare-in-slot"]),
        (LEGACY, "legacy", ["aigc-legacy-schema"]),
        ("not json", "unreadable", ["aigc-not-json"]),
    ],
    ids=["wrapped", "bare", "legacy", "unreadable"],
)
def test_png_text(kind, keyword, text, form, problems, verified):
    check(verified(text_chunk(kind, keyword, text.encode())), "png-text", form, problems)


@pytest.mark.parametrize(
    "text",
    [
        "made with an AIGC tool",
        "masterpiece, aigc_style:0.8, best quality",
        '{"prompt": "an AIGC logo", "seed": 1}',
        "ContentProducer: nobody",
        "五一假期",
    ],
)
def test_free_text_that_only_speaks_of_it_is_no_element(text, verified):
    exif = Image.Exif()
    exif[_IMAGE_DESCRIPTION] = text
    exif.get_ifd(_EXIF_IFD)[_USER_COMMENT] = b"UNICODE\0" + text.encode("utf-16-be")
    file = verified(jpeg(exif=exif.tobytes()))
    assert file["aigc"] == {"count": 0, "conformant": None, "elements": []}
    assert file["clean"]


def test_two_places_are_two_elements(verified):
    file = verified(
        jpeg(xmp=of_property(ESCAPED).encode(), exif=with_exif(_USER_COMMENT, b"ASCII\0\0\0" + WRAPPED.encode()))
    )
    assert [each["slot"] for each in file["aigc"]["elements"]] == ["xmp", "exif-user-comment"]
    assert [each["problems"] for each in file["aigc"]["elements"]] == [[], []]
    assert (file["aigc"]["count"], file["aigc"]["conformant"], file["clean"]) == (2, False, False)


@pytest.mark.parametrize(("lang", "word"), [("en", "holds"), ("zh-CN", "有效")])
def test_a_signature_is_told_in_words_and_only_a_broken_one_in_json(run, tmp_path, lang, word):
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    message = f'"Label":"1","ContentProducer":"{CODE}","ProduceID":"img-1"'.encode()
    entries = [
        {"Type": "DS", "AlgID": "SHA256withECDSA", "TBSData": {"Type": "Md"},
         "Signature": key.sign(message, ec.ECDSA(hashes.SHA256())).hex()},
        {"Type": "PubKey", "KeyValue": key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo).hex()},
    ]  # fmt: skip
    code = json.dumps({"SecurityData": {"Type": "TC260PG", "Version": 1, "PubSD": entries}}, separators=(",", ":"))
    intact, broken = tmp_path / "intact.jpg", tmp_path / "broken.jpg"
    for path, number in ((intact, "img-1"), (broken, "img-2")):
        text = json.dumps({**ELEMENT, "ReservedCode1": code, "ProduceID": number, "PropagateID": number})
        path.write_bytes(jpeg(xmp=of_property(html.escape(text)).encode()))
    result = run("verify", intact, "--lang", lang)
    assert (result.code, word in result.out, "SHA256withECDSA" in result.out) == (0, True, True)
    assert run("verify", broken, "--lang", lang).code == 1
    elements = [run("verify", path, "--json").json["files"][0]["aigc"]["elements"][0] for path in (intact, broken)]
    assert [each["problems"] for each in elements] == [[], ["aigc-signature-broken"]]
    assert all(set(each) == {"slot", "form", "problems", "value"} for each in elements)
