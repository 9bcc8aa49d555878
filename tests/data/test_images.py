"""Image files of one's own, in a folder or a zip archive: what is made of sound ones, and one line for each unsound."""

import hashlib
import io
import re
import struct
import unicodedata
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from torchvision.transforms.functional import pil_to_tensor, resize

from netclaims.data import image_file
from netclaims.data.image_folder import LARGEST_FILE
from netclaims.data.sources import Source, content_of, read_source, sizes
from netclaims.errors import DataError
from tests.data.conftest import refused

GREY, COLOUR = (1, 28, 28), (3, 32, 32)


# ------------------------------------------------------------------------------------------------ image files


def encoded(pixels: np.ndarray, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def picture(random, *shape: int) -> np.ndarray:
    return random.integers(256, size=shape, dtype=np.uint8)


@pytest.fixture
def files(random):
    """Two classes of colour images, two for training and one for test each."""
    names = [
        "train/dog/1.png",
        "train/dog/2.png",
        "train/cat/2.png",
        "train/cat/1.png",
        "test/cat/1.png",
        "test/dog/1.png",
    ]
    return {name: encoded(picture(random, 32, 32, 3)) for name in names}


def write_folder(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root / "set"


def write_zip(root: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(root / "set.zip", "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return root / "set.zip"


write = pytest.mark.parametrize("write", [write_folder, write_zip])


def pets(path: Path, resize: bool = False) -> Source:
    return Source("images", path=str(path), title="Pets", licence="CC0", resize=resize)


def read_images(path: Path, shape=COLOUR, resize: bool = False):
    return read_source(pets(path, resize), shape)


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content))).transpose(2, 0, 1)


@write
def test_images_are_sorted_by_class_and_name(tmp_path, files, write):
    found = read_images(write(tmp_path, files))
    assert (found.title, found.licence, found.classes) == ("Pets", "CC0", ("cat", "dog"))
    assert found.train.images.dtype == np.uint8
    assert found.train.labels.dtype == np.int64
    assert found.train.labels.tolist() == [0, 0, 1, 1]
    assert found.test.labels.tolist() == [0, 1]
    order = ["train/cat/1.png", "train/cat/2.png", "train/dog/1.png", "train/dog/2.png"]
    np.testing.assert_array_equal(found.train.images, [pixels(files[name]) for name in order])
    np.testing.assert_array_equal(found.test.images[1], pixels(files["test/dog/1.png"]))


@write
def test_grey_images(tmp_path, write, random):
    one, two = picture(random, 28, 28), picture(random, 28, 28)
    found = read_images(write(tmp_path, {"train/a/1.png": encoded(one), "test/a/1.png": encoded(two)}), GREY)
    np.testing.assert_array_equal(found.train.images, one[None, None])
    np.testing.assert_array_equal(found.test.images, two[None, None])


def test_grey_image_among_coloured_ones_has_three_equal_channels(tmp_path, files, random):
    grey = picture(random, 32, 32)
    found = read_images(write_folder(tmp_path, files | {"train/cat/1.png": encoded(grey)}))
    np.testing.assert_array_equal(found.train.images[0], [grey] * 3)


def test_jpeg(tmp_path, files, random):
    content = encoded(picture(random, 32, 32, 3), "JPEG")
    found = read_images(write_zip(tmp_path, files | {"train/cat/0.jpg": content}))
    np.testing.assert_array_equal(found.train.images[0], pixels(content))


@write
def test_hidden_files_and_other_folders_are_left_out(tmp_path, files, write):
    clutter = ["train/.DS_Store", "train/cat/.DS_Store", ".git/x/y", "train/__MACOSX/._1.png", "readme.txt"]
    clutter += ["__MACOSX/train/cat/._1.png", "valid/cat/1.png"]
    found = read_images(write(tmp_path, files | dict.fromkeys(clutter, b"text")))
    assert found.classes == ("cat", "dog")
    assert len(found.train.labels) == 4


def test_names_in_an_archive_are_never_used_as_paths(tmp_path, files):
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    evil = ["../evil.png", "../../train/cat/evil.png", "/train/cat/evil.png", "train/../evil.png"]
    evil += ["train/cat/../../../evil.png", "train/../cat/evil.png", "train/cat/.."]
    path = write_zip(inside, files | dict.fromkeys(evil, files["train/cat/1.png"]))
    assert len(read_images(path).train.labels) == 4
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]


@write
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"This is a text.", "not an image in one of the formats PNG", id="text"),
        pytest.param(b"", "not an image", id="empty"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 32\n", "not an image", id="EPS"),
        pytest.param(
            encoded(np.zeros((32, 31, 3), np.uint8)), "31 x 32 pixels, expected 32 x 32; with `resize: true`", id="size"
        ),
        pytest.param(
            encoded(np.zeros((32, 32, 4), np.uint8)), "transparent in places, expected an opaque image", id="alpha"
        ),
        pytest.param(bytes(LARGEST_FILE + 1), "larger than 33,554,432 bytes", id="huge file"),
    ],
)
def test_file_that_is_no_such_image(tmp_path, files, write, content, expected):
    path = write(tmp_path, files | {"test/dog/1.png": content})
    with refused(f"^{path}/test/dog/1.png: ", expected):
        read_images(path)


@write
def test_coloured_image_where_grey_ones_are_needed(tmp_path, write, random):
    sound = encoded(picture(random, 28, 28))
    path = write(tmp_path, {"train/a/1.png": sound, "test/a/1.png": encoded(picture(random, 28, 28, 3))})
    with refused(f"{path}/test/a/1.png: a colour image, expected a grey one$"):
        read_images(path, GREY)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP"])
def test_truncated_image(tmp_path, files, random, kind):
    content = encoded(picture(random, 32, 32, 3), kind)
    path = write_folder(tmp_path, files | {"train/cat/3.img": content[: len(content) * 2 // 3]})
    with refused(f"{path}/train/cat/3.img: damaged image: "):
        read_images(path)


def test_image_that_states_an_enormous_size_is_not_decoded(tmp_path, files, recwarn):
    header = b"IHDR" + struct.pack(">IIBBBBB", 12_000, 12_000, 8, 2, 0, 0, 0)
    crc = struct.pack(">I", zipfile.crc32(header))
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + crc + b"\0\0\0\0IDAT\x35\xaf\x06\x1e"
    path = write_zip(tmp_path, files | {"train/cat/1.png": bomb})
    with refused(f"{path}/train/cat/1.png: 12000 x 12000 pixels, expected 32 x 32; "):
        read_images(path)
    with refused(f"{path}/train/cat/1.png: 12000 x 12000 pixels, expected 50,000,000 at the most$"):
        read_images(path, resize=True)
    assert not recwarn.list


@write
@pytest.mark.parametrize("top", ["train", "test"])
def test_missing_folder(tmp_path, files, write, top):
    path = write(tmp_path, {name: content for name, content in files.items() if not name.startswith(top)})
    with refused(f"^{path}: no folder {top}, expected train/"):
        read_images(path)


@write
@pytest.mark.parametrize("top", ["train", "test"])
def test_class_missing_on_one_side(tmp_path, files, write, top):
    path = write(tmp_path, {name: content for name, content in files.items() if f"{top}/dog" not in name})
    with refused(f"^{path}: no images in {top}/dog, expected the same classes"):
        read_images(path)


@pytest.mark.parametrize("tops", [["train"], ["test"], ["train", "test"]])
def test_empty_class(tmp_path, files, tops):
    folder = write_folder(tmp_path, files)
    for top in tops:
        (folder / top / "bird").mkdir()
    with refused("no images in (train|test)/bird"):
        read_images(folder)
    archive = write_zip(tmp_path, files | {f"{top}/bird/": b"" for top in tops})
    with refused("no images in (train|test)/bird"):
        read_images(archive)


@write
@pytest.mark.parametrize("name", ["train/1.png", "test/dog/young/1.png"])
def test_image_at_another_depth(tmp_path, files, write, name):
    path = write(tmp_path, files | {name: files["train/cat/1.png"]})
    with refused(f"^{path}/{name[:14].rstrip('/')}", "only (train|test)/<class>/<image>"):
        read_images(path)


def test_folders_in_an_archive_may_have_entries_of_their_own(tmp_path, files):
    folders = dict.fromkeys(["train/", "test/", "train/cat/", "test/cat/"], b"")
    assert len(read_images(write_zip(tmp_path, folders | files)).train.labels) == 4


def test_missing_data_set(tmp_path):
    with refused(f"{tmp_path}/none: no such folder or zip archive"):
        read_images(tmp_path / "none")


def test_file_that_is_no_archive(tmp_path):
    path = tmp_path / "set.zip"
    path.write_bytes(b"PK\x03\x04 and so on")
    with refused(f"{path}: neither a folder nor a readable zip archive"):
        read_images(path)


def test_truncated_archive(tmp_path, files):
    path = write_zip(tmp_path, files)
    path.write_bytes(path.read_bytes()[:-40])
    with refused(f"{path}: neither a folder nor a readable zip archive"):
        read_images(path)


def test_member_with_a_flipped_bit(tmp_path, files):
    path = write_zip(tmp_path, files, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.find(b"IDAT") + 100] ^= 1
    path.write_bytes(content)
    with refused(f"{path}/train/dog/1.png: cannot be unpacked: Bad CRC-32"):
        read_images(path)


def test_member_packed_so_that_its_unpacking_cannot_be_bounded(tmp_path, files):
    path = write_zip(tmp_path, files, zipfile.ZIP_BZIP2)
    with refused(f"{path}/train/cat/1.png: unusual compression"):
        read_images(path)


def test_member_larger_than_the_archive_states_is_not_unpacked_whole(tmp_path, files):
    path = write_zip(tmp_path, files | {"train/cat/1.png": bytes(LARGEST_FILE + 1)})
    content = path.read_bytes()
    stated = struct.pack("<I", LARGEST_FILE + 1)
    assert content.count(stated) == 2  # in the member's own header and in the archive's directory
    path.write_bytes(content.replace(stated, struct.pack("<I", 1000)))
    with refused(f"{path}/train/cat/1.png: "):
        read_images(path)


def test_encrypted_member(tmp_path, files):
    path = write_zip(tmp_path, files)
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # a bit in the flags of either header
        content[content.find(signature) + offset] |= 1
    path.write_bytes(content)
    with refused(f"{path}/train/dog/1.png: cannot be unpacked", "encrypted"):
        read_images(path)


# ------------------------------------------------------------------------------- archives and folders of others


def classes_of(path: Path) -> list[tuple[str, int]]:
    found = read_images(path)
    return list(zip(found.classes, np.bincount(found.train.labels).tolist(), strict=True))


TWICE = [("cat", 2), ("dog", 2)]


@write
@pytest.mark.parametrize("tops", ["pets/", "pets/pets/", "a pet's/ü/pets/"])
def test_a_lone_folder_on_top_is_looked_into(tmp_path, files, write, tops):
    plain, own = tmp_path / "plain", tmp_path / "own"
    for folder in (plain, own):
        folder.mkdir()
    inside = {f"{tops}{name}": content for name, content in files.items()}
    inside |= {f"{tops.split('/')[0]}/read me.txt": b"", "__MACOSX/pets/._x": b"", ".DS_Store": b"", "note.txt": b""}
    before, after = write(plain, files), write(own, inside)
    np.testing.assert_array_equal(read_images(after).train.images, read_images(before).train.images)
    assert classes_of(after) == TWICE
    assert content_of(pets(after)) == content_of(pets(before))
    assert sizes(pets(after)) == (4, 2)


@write
def test_of_two_folders_on_top_none_is_looked_into(tmp_path, files, write):
    both = {f"{top}/{name}": content for top in ("one", "two") for name, content in files.items()}
    path = write(tmp_path, both)
    with refused(f"^{path}: no folder train, expected train/"):
        read_images(path)


def test_a_lone_folder_that_a_stage_would_remove(tmp_path, files, monkeypatch):
    write_folder(tmp_path, {f"data/mnist/{name}": content for name, content in files.items()})
    monkeypatch.chdir(tmp_path / "set")
    for ask in (content_of, lambda source: read_source(source, COLOUR)):
        with refused("^data/mnist: expected a place outside data/mnist, which a stage removes and writes anew$"):
            ask(pets(Path("data")))


@pytest.mark.parametrize(
    "change",
    [lambda name: f"./{name}", lambda name: name.replace("/", "\\"), lambda name: "my\\" + name.replace("/", "\\"),
     lambda name: f"././{name}"],
)  # fmt: skip
def test_names_in_an_archive_may_start_with_a_dot_or_have_backslashes(tmp_path, files, change):
    plain = write_zip(tmp_path, files).rename(tmp_path / "plain.zip")
    path = write_zip(tmp_path, {change(name): content for name, content in files.items()})
    assert classes_of(path) == TWICE
    assert content_of(pets(path)) == content_of(pets(plain))


@pytest.mark.parametrize("evil", ["..\\train\\cat\\evil.png", "\\train\\cat\\evil.png", "train\\..\\evil.png"])
def test_backslashes_lead_nowhere_either(tmp_path, files, evil):
    path = write_zip(tmp_path, files | {evil: files["train/cat/1.png"]})
    assert classes_of(path) == TWICE


def test_a_home_folder_may_stand_as_a_tilde(tmp_path, files, monkeypatch):
    write_folder(tmp_path, files)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert classes_of(Path("~/set")) == TWICE
    assert sizes(pets(Path("~/set"))) == (4, 2)
    assert content_of(pets(Path("~/set"))) == content_of(pets(tmp_path / "set"))


@write
def test_what_systems_leave_in_folders_is_left_out(tmp_path, files, write):
    names = [
        "Thumbs.db",
        "desktop.ini",
        "Desktop.ini",
        "ehthumbs.db",
        "._1.png",
        ".picasa.ini",
        "@eaDir/1.png",
        "#recycle/x",
    ]
    clutter = [f"{folder}{name}" for folder in ("", "train/", "train/cat/", "test/dog/") for name in names]
    path = write(tmp_path, files | dict.fromkeys(clutter, b"\xd0\xcf"))
    assert classes_of(path) == TWICE
    bare = tmp_path / "bare"
    bare.mkdir()
    assert content_of(pets(path)) == content_of(pets(write(bare, files)))


# ------------------------------------------------------------------------------------------------------------- names


@write
def test_names_in_any_script(tmp_path, files, write):
    scripts = ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "猫", "כלב", "क्षि", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "Ågård"]
    content = files["train/cat/1.png"]
    found = read_images(
        write(tmp_path, {f"{top}/{name}/{name}.png": content for name in scripts for top in ("train", "test")})
    )
    assert set(found.classes) == {unicodedata.normalize("NFC", name) for name in scripts}


@write
def test_names_are_compared_in_one_form(tmp_path, files, write):
    composed, apart = "caf\u00e9", "cafe\u0301"
    content = files["train/cat/1.png"]
    given = {f"train/{composed}/1.png": content, f"train/{apart}/2.png": content, f"test/{apart}/{apart}.png": content}
    path = write(tmp_path, given)
    found = read_images(path)
    assert (found.classes, len(found.train.labels)) == ((composed,), 2)
    same = tmp_path / "same"
    same.mkdir()
    one = {unicodedata.normalize("NFC", name): content for name in given}
    assert content_of(pets(path)) == content_of(pets(write(same, one)))


@write
def test_two_names_that_are_the_same_in_one_form(tmp_path, files, write):
    content = files["train/cat/1.png"]
    path = write(tmp_path, files | {"train/cat/\u00e9.png": content, "train/cat/e\u0301.png": content})
    with refused(f"^{path}/train/cat/\u00e9.png: there are two files of that name, expected one$"):
        read_images(path)


def test_an_archive_that_does_not_say_that_its_names_are_utf8(tmp_path, files):
    path = write_zip(tmp_path, {name.replace("cat", "猫"): content for name, content in files.items()})
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := content.find(signature, place + 1)) >= 0:
            flags = struct.unpack_from("<H", content, place + offset)[0]
            struct.pack_into("<H", content, place + offset, flags & ~0x800)
    path.write_bytes(content)
    assert classes_of(path) == [("dog", 2), ("猫", 2)]


@pytest.mark.parametrize(
    "name", ["train/c\nat/1.png", "train/cat/1\u2028.png", "train/cat/\x1b[2J.png", f"train/cat/{'x' * 300}"]
)
def test_names_that_no_line_can_show(tmp_path, files, name):
    path = write_zip(tmp_path, files | {name: files["train/cat/1.png"]})
    with refused(f"^{path}: the name ", "expected at most 300 characters in one line$"):
        read_images(path)


def test_many_classes_make_no_long_message(tmp_path, files):
    content = files["train/cat/1.png"]
    given = {f"{top}/{'c' * 80}{i:04}/1.png": content for i in range(1000) for top in ("train", "test")}
    del given[f"test/{'c' * 80}0007/1.png"]
    with pytest.raises(DataError) as caught:
        read_images(write_zip(tmp_path, given))
    assert "0007" in str(caught.value)
    assert len(str(caught.value)) < 400


# ------------------------------------------------------------------------------------------------- colours and sizes


def saved(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def one(tmp_path: Path, content: bytes, shape, resize: bool = False) -> np.ndarray:
    """The pixels of an image, read out of an archive."""
    path = write_zip(tmp_path, {"train/a/1.png": content, "test/a/1.png": content})
    return read_images(path, shape, resize).train.images[0]


def grey(random, bits: int = 8) -> np.ndarray:
    return random.choice(np.linspace(0, 255, 2**bits).astype(np.uint8), size=(28, 28))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "PPM"])
@pytest.mark.parametrize(
    ("bits", "change"),
    [
        (1, lambda image: image.convert("1", dither=Image.Dither.NONE)),
        (8, lambda image: image.convert("P")),
        (8, lambda image: image.convert("RGB")),
        (8, lambda image: image.convert("RGB").quantize(256, dither=Image.Dither.NONE)),
        (8, lambda image: image.convert("LA")),
        (8, lambda image: image.convert("RGBA")),
    ],
    ids=["bit", "palette", "colour", "palette of colours", "opaque grey", "opaque colour"],
)
def test_grey_images_stored_in_other_ways(tmp_path, random, kind, bits, change):
    pixels = grey(random, bits)
    image = change(Image.fromarray(pixels))
    if (kind == "BMP" and image.mode == "LA") or (kind == "PPM" and image.mode not in ("1", "RGB")):
        pytest.skip("there are none")
    np.testing.assert_array_equal(one(tmp_path, saved(image, kind), GREY), pixels[None])


def test_colour_images_with_a_palette(tmp_path, random):
    image = Image.fromarray(picture(random, 32, 32, 3)).quantize(200)
    found = one(tmp_path, saved(image), COLOUR)
    np.testing.assert_array_equal(found, np.asarray(image.convert("RGB")).transpose(2, 0, 1))


@pytest.mark.parametrize("bits", [2, 4])
def test_grey_images_of_few_bits(tmp_path, random, bits):
    """A PNG by hand: Pillow writes none."""
    levels = random.integers(2**bits, size=(28, 28), dtype=np.uint8)
    per_byte = 8 // bits
    rows = levels.reshape(28, 28 // per_byte, per_byte)
    packed = sum(rows[..., i].astype(int) << (8 - bits * (i + 1)) for i in range(per_byte)).astype(np.uint8)
    found = one(tmp_path, png(bits, 0, b"".join(b"\0" + row.tobytes() for row in packed), 28), GREY)
    np.testing.assert_array_equal(found[0], levels * (255 // (2**bits - 1)))


def png(bits: int, colour: int, rows: bytes, side: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", side, side, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("shape", [GREY, COLOUR])
@pytest.mark.parametrize("resize", [False, True])
def test_images_that_would_lose_something(tmp_path, random, shape, resize):
    channels, side, _ = shape
    pixels = picture(random, side, side, 3)
    opaque = np.full((side, side, 1), 255, np.uint8)
    opaque[3, 4] = 254
    deep = random.integers(2**16, size=(side, side), dtype=np.uint16)
    rows = b"".join(b"\0" + random.bytes(6 * side) for _ in range(side))
    for content, expected in [
        (
            saved(Image.fromarray(np.concatenate([pixels, opaque], axis=2))),
            "transparent in places, expected an opaque image",
        ),
        (saved(Image.fromarray(pixels).quantize(8), transparency=0), "transparent in places, expected an opaque image"),
        (saved(Image.fromarray(deep)), "more than 8 bits a channel, expected 8"),
        (png(16, 2, rows, side), "more than 8 bits a channel, expected 8"),
        (b"P6 %d %d 65535\n" % (side, side) + random.bytes(6 * side * side), "more than 8 bits a channel, expected 8"),
        (saved(Image.fromarray(pixels).convert("CMYK"), "JPEG"), "a CMYK image, expected red, green and blue"),
        *([(saved(Image.fromarray(pixels)), "a colour image, expected a grey one")] if channels == 1 else []),
    ]:
        with refused(f"/train/a/1.png: {expected}$"):
            one(tmp_path, content, shape, resize)


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_other_formats_are_refused_by_name_of_those_that_there_are(tmp_path, random, kind):
    with refused("/train/a/1.png: not an image in one of the formats PNG, JPEG, BMP, PPM$"):
        one(tmp_path, saved(Image.fromarray(grey(random)), kind), GREY)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_images_are_turned_as_the_camera_was_held(tmp_path, random, kind, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    content = saved(Image.fromarray(picture(random, 32, 32, 3)), kind, exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    np.testing.assert_array_equal(one(tmp_path, content, COLOUR), np.asarray(expected).transpose(2, 0, 1))


def test_the_size_is_that_of_the_upright_image(tmp_path, random):
    exif = Image.Exif()
    exif[0x0112] = 6
    content = saved(Image.fromarray(picture(random, 20, 30)), exif=exif)
    assert one(tmp_path, content, (1, 30, 20)).shape == (1, 30, 20)
    with refused("20 x 30 pixels, expected 30 x 20; "):
        one(tmp_path, content, (1, 20, 30))


@pytest.mark.parametrize("size", [(28, 29), (56, 84), (7, 9), (301, 200)])
@pytest.mark.parametrize("shape", [GREY, COLOUR])
def test_images_are_scaled_as_torchvision_does_it_where_the_entry_says_so(tmp_path, random, size, shape):
    channels, height, width = shape
    image = Image.fromarray(picture(random, *size, *([3] if channels == 3 else [])))
    expected = pil_to_tensor(resize(image, [height, width])).numpy()
    np.testing.assert_array_equal(one(tmp_path, saved(image), shape, resize=True), expected)
    with refused(f"{size[1]} x {size[0]} pixels, expected {width} x {height}; with `resize: true` beside its path"):
        one(tmp_path, saved(image), shape)


def test_a_fine_pattern_becomes_its_mean(tmp_path):
    """Columns of black and white, 20 in the width of each pixel that is kept: to pick some would show one of both."""
    columns = np.tile(np.array([0, 255], np.uint8), (560, 280))
    found = one(tmp_path, saved(Image.fromarray(columns)), GREY, resize=True)
    assert np.abs(found.astype(int) - 127.5).max() < 4


@write
def test_an_image_of_the_right_size_is_left_as_it_is(tmp_path, files, write):
    path = write(tmp_path, files)
    np.testing.assert_array_equal(read_images(path, resize=True).train.images, read_images(path).train.images)


def test_an_image_with_more_pixels_than_are_decoded(tmp_path, files, monkeypatch):
    monkeypatch.setattr(image_file, "MOST_PIXELS", 32 * 32)
    path = write_zip(tmp_path, files)
    assert read_images(path, resize=True).shape == COLOUR
    path = write_zip(tmp_path, files | {"train/dog/1.png": encoded(np.zeros((33, 32, 3), np.uint8))})
    with refused("train/dog/1.png: 32 x 33 pixels, expected 1,024 at the most$"):
        read_images(path, resize=True)


# -------------------------------------------------------------- how many images, and which ones


@write
def test_training_images_are_counted_without_being_read(tmp_path, files, write):
    clutter = {"train/cat/.DS_Store": b"", "valid/cat/1.png": b"", "train/cat/3.png": b"not even an image"}
    path = write(tmp_path, files | clutter)
    assert sizes(pets(path)) == (5, 2)
    with refused("train/cat/3.png: not an image in"):
        read_images(path)


@write
def test_the_digest_of_images_is_that_of_their_names_and_contents(tmp_path, files, write):
    """Each change goes into a folder of its own, so that the place is seen not to matter."""
    one, *_ = names = list(files)
    changed = {
        "as it was": files,
        "in another order": {name: files[name] for name in reversed(names)},
        "a hidden file": files | {"train/.DS_Store": b"x", "train/dog/.DS_Store": b"x"},
        "a folder beside": files | {"valid/dog/1.png": files[one]},
        "another image": files | {one: files["train/cat/1.png"]},
        "another test image": files | {"test/cat/1.png": files[one]},
        "a further image": files | {"train/dog/3.png": files[one]},
        "another name": {name.replace("dog/1", "dog/01"): content for name, content in files.items()},
        "another class": {name.replace("dog", "wolf"): content for name, content in files.items()},
        "two exchanged": files | {one: files["train/dog/2.png"], "train/dog/2.png": files[one]},
    }
    digests = {}
    for what, content in changed.items():
        folder = tmp_path / what
        folder.mkdir()
        digests[what] = content_of(pets(write(folder, content)))
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests.values())
    same = {"as it was", "in another order", "a hidden file", "a folder beside"}
    assert {what for what, digest in digests.items() if digest == digests["as it was"]} == same
    assert len({digests[what] for what in changed.keys() - same}) == 6


@write
def test_the_digest_by_hand(tmp_path, files, write):
    path = write(tmp_path, files)
    names = [f"train/{image}.png" for image in ("cat/1", "cat/2", "dog/1", "dog/2")]
    names += [f"test/{image}.png" for image in ("cat/1", "dog/1")]
    lines = [f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n" for name in names]
    assert content_of(pets(path)) == hashlib.sha256("".join(lines).encode()).hexdigest()


@pytest.mark.parametrize("ask", [sizes, content_of])
def test_images_that_are_missing_or_laid_out_differently(ask, tmp_path, files):
    with refused(f"^{tmp_path}/none: no such folder or zip archive"):
        ask(pets(tmp_path / "none"))
    for write in (write_folder, write_zip):
        path = write(tmp_path, {name: content for name, content in files.items() if "test/dog" not in name})
        with refused(f"^{path}: no images in test/dog"):
            ask(pets(path))


def test_an_image_that_cannot_be_read_has_no_digest(tmp_path, files):
    path = write_folder(tmp_path, files)
    (path / "train/cat/1.png").unlink()
    (path / "train/cat/1.png").symlink_to(path / "nowhere")
    with refused(f"^{path}/train/cat/1.png: cannot be read: "):
        content_of(pets(path))
