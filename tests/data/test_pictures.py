import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageCms

from cifar.data import pictures
from cifar.data.pictures import FITS, ImageError, network_view, open_image, see
from tests.profiles import DISPLAY_P3, SRGB, gray_profile, profile


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def png_header(width, height):
    """A PNG that promises this many pixels and holds none of them."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", len(header))
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + b"\0\0\0\0IDAT\x35\xaf\x06\x1e"
    )


def colours(view):
    """The mean colour of each quarter of a view, row by row: int (4, 3)."""
    quarters = view[:16, :16], view[:16, 16:], view[16:, :16], view[16:, 16:]
    return np.rint([quarter.reshape(-1, 3).mean(0) for quarter in quarters]).astype(int)


def test_a_32x32_rgb_png_is_unchanged(tmp_path):
    pixels = noise(32, 32, 3)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.array_equal(network_view(open_image(tmp_path / "a.png")), pixels)


@pytest.mark.parametrize("size", [(1, 1), (32, 32), (33, 31), (1, 200), (200, 1), (640, 480)])
def test_a_view_is_uint8_32x32x3_and_writable(tmp_path, size):
    Image.new("RGB", size, (10, 200, 30)).save(tmp_path / "a.png")
    view = network_view(open_image(tmp_path / "a.png"))
    assert view.dtype == np.uint8 and view.shape == (32, 32, 3) and view.flags.writeable
    assert (view == (10, 200, 30)).all()


@pytest.mark.parametrize(
    ("orientation", "undone"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: a[::-1, ::-1].transpose(1, 0, 2)),
        (8, lambda a: np.rot90(a, 1)),
    ],
)
def test_a_picture_stands_upright_as_its_exif_says(tmp_path, orientation, undone):
    pixels, exif = noise(32, 32, 3), Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(network_view(open_image(tmp_path / "a.png")), undone(pixels))


def test_transparency_stands_on_white(tmp_path):
    pixels = np.zeros((32, 32, 4), dtype=np.uint8)
    pixels[:, :16] = (200, 100, 0, 255)
    pixels[:, 16:] = (200, 100, 0, 51)  # a fifth of it: 0.2 * colour + 0.8 * 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    view = network_view(open_image(tmp_path / "a.png"))
    assert (view[:, :16] == (200, 100, 0)).all()
    assert np.abs(view[:, 16:].astype(int) - (244, 224, 204)).max() <= 1


def test_grey_with_alpha_stands_on_white(tmp_path):
    pixels = np.zeros((32, 32, 2), dtype=np.uint8)
    pixels[:16] = (90, 255)
    Image.fromarray(pixels, "LA").save(tmp_path / "a.png")
    view = network_view(open_image(tmp_path / "a.png"))
    assert (view[:16] == 90).all() and (view[16:] == 255).all()


def test_a_palette_gives_its_colours(tmp_path):
    picture = Image.fromarray(np.repeat(np.uint8([[0], [1]]), 16, 0).repeat(32, 1), "P")
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.save(tmp_path / "a.png")
    view = network_view(open_image(tmp_path / "a.png"))
    assert (view[:16] == (255, 0, 0)).all() and (view[16:] == (0, 0, 255)).all()


def test_the_transparent_colour_of_a_palette_is_white(tmp_path):
    picture = Image.fromarray(np.repeat(np.uint8([[0], [1]]), 16, 0).repeat(32, 1), "P")
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.save(tmp_path / "a.png", transparency=1)
    view = network_view(open_image(tmp_path / "a.png"))
    assert (view[:16] == (255, 0, 0)).all() and (view[16:] == 255).all()


@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey_and_black_and_white_have_three_equal_channels(tmp_path, mode):
    picture = Image.fromarray(noise(32, 32)).convert(mode)
    picture.save(tmp_path / "a.png")
    view = network_view(open_image(tmp_path / "a.png"))
    assert np.array_equal(view, np.asarray(picture.convert("L"))[..., None].repeat(3, 2))


def test_16_bit_grey_keeps_its_range(tmp_path):
    values = np.linspace(0, 65535, 1024).astype(np.uint16).reshape(32, 32)
    Image.fromarray(values).save(tmp_path / "a.png")
    view = network_view(open_image(tmp_path / "a.png")).astype(int)
    assert np.abs(view - (values / 257.0)[..., None]).max() <= 1
    assert view.min() == 0 and view.max() == 255


def test_a_cmyk_jpeg_is_read(tmp_path):
    Image.new("CMYK", (64, 64), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    view = network_view(open_image(tmp_path / "a.jpg")).astype(int)
    assert np.abs(view - (255, 0, 0)).max() <= 4


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_an_animation_gives_its_first_frame(tmp_path, suffix):
    red, blue = Image.new("RGB", (40, 40), "red"), Image.new("RGB", (40, 40), "blue")
    options = {"lossless": True} if suffix == "webp" else {}
    red.save(tmp_path / f"a.{suffix}", save_all=True, append_images=[blue], **options)
    assert (network_view(open_image(tmp_path / f"a.{suffix}")) == (255, 0, 0)).all()


@pytest.mark.parametrize("suffix", ["bmp", "webp"])
def test_other_lossless_formats_are_read_exactly(tmp_path, suffix):
    pixels = noise(32, 32, 3)
    options = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(pixels).save(tmp_path / f"a.{suffix}", **options)
    assert np.array_equal(network_view(open_image(tmp_path / f"a.{suffix}")), pixels)


def test_the_name_of_a_file_does_not_matter(tmp_path):
    pixels = noise(32, 32, 3)
    Image.fromarray(pixels).save(tmp_path / "a.txt", "PNG")
    assert np.array_equal(network_view(open_image(str(tmp_path / "a.txt"))), pixels)


def test_a_large_jpeg_looks_as_when_decoded_in_full(tmp_path):
    y, x = np.mgrid[:1200, :1600] / 1600
    smooth = np.stack([255 * x, 255 * y, 128 + 100 * np.sin(9 * x)], 2).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "a.jpg", quality=95)
    with Image.open(tmp_path / "a.jpg") as full:
        expected = network_view(full.convert("RGB")).astype(int)
    view = network_view(open_image(tmp_path / "a.jpg")).astype(int)
    assert np.abs(view - expected).max() <= 6


def test_a_wide_picture_shows_its_centre():
    picture = Image.new("RGB", (300, 100), "blue")
    picture.paste((255, 0, 0), (100, 0, 150, 100))
    picture.paste((0, 255, 0), (150, 0, 200, 100))
    expected = [(255, 0, 0), (0, 255, 0), (255, 0, 0), (0, 255, 0)]
    assert np.abs(colours(network_view(picture)) - expected).max() <= 12


def test_a_tall_picture_shows_its_centre():
    picture = Image.new("RGB", (100, 300), "blue")
    picture.paste((255, 0, 0), (0, 100, 100, 150))
    picture.paste((0, 255, 0), (0, 150, 100, 200))
    expected = [(255, 0, 0), (255, 0, 0), (0, 255, 0), (0, 255, 0)]
    assert np.abs(colours(network_view(picture)) - expected).max() <= 12


def halves(width, height):
    """A picture whose left half is red and whose right half is green."""
    picture = Image.new("RGB", (width, height), "red")
    picture.paste((0, 255, 0), (width // 2, 0, width, height))
    return picture


def test_fit_shows_the_whole_picture_on_its_mean_colour():
    view = network_view(halves(320, 160), "fit")
    assert np.abs(view[8:24, :15].astype(int) - (255, 0, 0)).max() <= 12
    assert np.abs(view[8:24, 17:].astype(int) - (0, 255, 0)).max() <= 12
    ground = np.concatenate([view[:8], view[24:]]).reshape(-1, 3).astype(int)
    assert (ground == ground[0]).all() and np.abs(ground[0] - (128, 128, 0)).max() <= 1
    on_its_side = network_view(halves(320, 160).transpose(Image.Transpose.TRANSPOSE), "fit")
    assert np.abs(on_its_side.transpose(1, 0, 2).astype(int) - view).max() <= 1


def test_stretch_shows_the_whole_picture_and_nothing_else():
    view = network_view(halves(320, 40), "stretch").astype(int)
    assert np.abs(view[:, :15] - (255, 0, 0)).max() <= 12
    assert np.abs(view[:, 17:] - (0, 255, 0)).max() <= 12


@pytest.mark.parametrize("fit", FITS)
def test_a_square_picture_looks_the_same_in_every_fit(fit):
    pixels = noise(32, 32, 3)
    assert np.array_equal(network_view(Image.fromarray(pixels), fit), pixels)
    large = Image.fromarray(noise(90, 90, 3))
    assert np.array_equal(network_view(large, fit), network_view(large))


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (200, 1), (5000, 31), (33, 32)])
@pytest.mark.parametrize("fit", FITS)
def test_any_shape_fits(size, fit):
    view = network_view(Image.new("RGB", size, (10, 200, 30)), fit)
    assert view.shape == (32, 32, 3) and view.dtype == np.uint8 and view.flags.writeable
    assert (view == (10, 200, 30)).all()


def test_another_fit_is_refused():
    with pytest.raises(ValueError, match="no fit 'cover': choose crop, fit, stretch"):
        network_view(Image.new("RGB", (40, 40)), "cover")


def test_a_box_shows_what_lies_in_it():
    pixels = noise(96, 128, 3)
    picture = Image.fromarray(pixels)
    view = network_view(picture, box=(0.25, 1 / 3, 0.5, 2 / 3))
    assert np.array_equal(view, pixels[32:64, 32:64])
    assert np.array_equal(network_view(picture, "stretch", [0.25, 1 / 3, 0.5, 2 / 3]), view)
    half = network_view(halves(320, 160), box=(0.5, 0, 1, 1))
    assert np.abs(half.astype(int) - (0, 255, 0)).max() <= 32  # the filter sees past the edge


def test_a_box_that_is_not_square_is_stretched():
    picture = halves(300, 100)
    expected = network_view(picture.crop((75, 0, 225, 50)), "stretch").astype(int)
    view = network_view(picture, box=(0.25, 0, 0.75, 0.5))
    assert np.abs(view - expected).max() <= 1


@pytest.mark.parametrize(
    "box",
    [
        (),
        (0, 0, 1),
        (0, 0, 1, 1, 1),
        (0.5, 0, 0.5, 1),
        (0.6, 0, 0.4, 1),
        (0, 0.6, 1, 0.4),
        (-0.1, 0, 1, 1),
        (0, 0, 1, 1.1),
        (0, 0, float("nan"), 1),
        (0, float("-inf"), 1, 1),
        (0, 0, 10**400, 1),
        (0, 0, "1", 1),
        (0, 0, None, 1),
        "0011",
        {"left": 0},
        7,
    ],
    ids=repr,
)
def test_a_box_that_is_no_rectangle_is_refused(box):
    picture = Image.new("RGB", (64, 64))
    with pytest.raises(ImageError, match="box does not lie in the picture: give left, top"):
        network_view(picture, box=box)


@pytest.mark.parametrize(
    ("box", "found"),
    [((0, 0, 0.1, 0.5), "6.4x32.0"), ((0, 0, 5e-324, 1), "0.0x64.0"), ((0, 0.9, 1, 1), "64.0x6.4")],
    ids=["narrow", "almost nothing", "low"],
)
def test_a_box_of_too_few_pixels_is_refused(box, found):
    picture = Image.new("RGB", (64, 64))
    with pytest.raises(ImageError, match=f"only {found} pixels .* at least 8x8"):
        network_view(picture, box=box)
    assert network_view(picture, box=(0, 0, 0.125, 0.125)).shape == (32, 32, 3)


def test_the_whole_of_a_tiny_picture_is_a_box():
    picture = Image.new("RGB", (3, 5), (9, 8, 7))
    assert (network_view(picture, box=(0, 0, 1, 1)) == (9, 8, 7)).all()


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_small_box_of_a_large_jpeg_keeps_its_detail(tmp_path, orientation):
    stripes = np.uint8(np.indices((1600, 2400))[1] // 8 % 2 * 255)  # 8 pixels wide
    picture = Image.fromarray(stripes).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "a.jpg", quality=95, exif=exif)
    # 16 stripes in a long box; a turned picture has them lying.
    box = (0.5, 0.2, 0.5 + 128 / 2400, 0.7)
    if orientation == 6:  # a quarter turn to the right when shown: (x, y) goes to (1 - y, x)
        box = (1 - box[3], box[0], 1 - box[1], box[2])
    found = open_image(tmp_path / "a.jpg")
    view = network_view(found, box=box).mean(2).astype(int)
    if orientation == 6:
        assert found.size == (1600, 2400)
        view = view.T
    assert np.ptp(view, axis=0).max() <= 6
    assert (np.abs(np.diff(view[16, 1::2])) > 180).all()  # the filter blurs a little


def test_shrinking_averages_over_fine_patterns():
    checks = np.uint8(np.indices((640, 640)).sum(0) % 2 * 255)
    view = network_view(Image.fromarray(checks)).astype(int)
    assert np.abs(view - 127.5).max() < 8


def test_the_picture_that_is_given_is_not_changed():
    pixels = noise(32, 32, 3)
    picture = Image.fromarray(pixels)
    network_view(picture)[:] = 0
    assert np.array_equal(np.asarray(picture), pixels)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"only words",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32"></svg>',
        b"%PDF-1.4",
        b"\x89PNG\r\n\x1a\n",
    ],
    ids=["empty", "text", "svg", "pdf", "signature"],
)
def test_a_file_that_is_no_picture_is_refused(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match="not a picture that can be read: send one of PNG, JPEG"):
        open_image(tmp_path / "a.png")


def test_other_formats_are_refused(tmp_path):
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png", "PCX")
    with pytest.raises(ImageError, match="not a picture that can be read"):
        open_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "webp", "bmp"])
@pytest.mark.parametrize("kept", [0.9, 0.5])
def test_a_truncated_picture_is_refused(tmp_path, suffix, kept):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(noise(64, 64, 3)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ImageError):
        open_image(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "webp", "bmp"])
def test_a_damaged_picture_is_read_or_refused_in_words(tmp_path, suffix):
    path, rng = tmp_path / f"a.{suffix}", np.random.default_rng(0)
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"exif": exif} if suffix in ("png", "jpg", "webp") else {}
    Image.fromarray(noise(20, 24, 3)).save(path, **options)
    sound = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    refused = 0
    for _ in range(150):
        content = sound.copy()
        places = rng.integers(0, min(len(sound), 120), 2)
        content[places] = rng.integers(0, 256, 2)
        path.write_bytes(content.tobytes())
        try:
            assert network_view(open_image(path)).shape == (32, 32, 3)
        except ImageError:
            refused += 1
    assert refused > 0


def test_a_picture_with_nonsense_in_its_exif_is_read_or_refused_in_words(tmp_path):
    path, exif = tmp_path / "a.jpg", Image.Exif()
    exif[0x010F], exif[0x0112] = "x" * 20, 6  # maker, and a quarter turn
    Image.new("RGB", (40, 40), "red").save(path, exif=exif)
    content = path.read_bytes()
    # The maker's name stands where the width should.
    altered = content.replace(b"\x01\x0f\x00\x02", b"\x01\x00\x00\x02")
    assert altered != content
    path.write_bytes(altered)
    try:
        assert (network_view(open_image(path))[..., 0] > 250).all()
    except ImageError as error:
        assert "damaged" in str(error)


def test_too_many_pixels_are_refused_before_any_is_decoded(tmp_path):
    (tmp_path / "a.png").write_bytes(png_header(6500, 4000))
    with pytest.raises(ImageError, match="6500x4000 pixels: send one of at most 25 megapixels"):
        open_image(tmp_path / "a.png")


def test_a_decompression_bomb_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(png_header(60_000, 60_000))
    with pytest.raises(ImageError, match="25 megapixels"):
        open_image(tmp_path / "a.png")


def test_25_megapixels_are_read(tmp_path):
    Image.new("1", (5000, 5000), 1).save(tmp_path / "a.png")
    assert (network_view(open_image(tmp_path / "a.png")) == 255).all()


def test_a_file_of_too_many_bytes_is_refused(tmp_path):
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    with (tmp_path / "a.png").open("r+b") as stream:
        stream.truncate(pictures.MAX_BYTES)  # what follows the picture does no harm
    assert open_image(tmp_path / "a.png").size == (32, 32)
    with (tmp_path / "a.png").open("r+b") as stream:
        stream.truncate(pictures.MAX_BYTES + 1)
    with pytest.raises(ImageError, match="larger than 20 MB: send a smaller picture"):
        open_image(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["nowhere.png", ""])
def test_a_missing_file_or_a_folder_is_refused(tmp_path, name):
    with pytest.raises(ImageError):
        open_image(tmp_path / name)


def test_reading_pictures_changes_nothing_of_the_process(tmp_path):
    """`warnings.catch_warnings` in threads would leave one thread's filters to all."""
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(40)  # of which Pillow warns
    Image.new("RGB", (64, 64)).save(tmp_path / "odd.jpg", exif=exif)
    before, seen = list(warnings.filters), []

    def read(_):
        for _ in range(20):
            open_image(tmp_path / "odd.jpg")
            seen.append(list(warnings.filters))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(8)))
    assert seen == [before] * len(seen) and list(warnings.filters) == before


def test_a_picture_is_looked_at_in_four_ways():
    picture = Image.fromarray(noise(96, 160, 3))
    seen = see(picture)
    assert seen.kind == "looks" and seen.views.shape == (4, 32, 32, 3)
    for view, share in zip(seen.views, (1, 0.9, 0.8), strict=False):
        width, height = share * 96 / 160 / 2, share / 2
        box = 0.5 - width, 0.5 - height, 0.5 + width, 0.5 + height
        assert np.abs(view - network_view(picture, box=box).astype(int)).max() <= 1
    assert np.array_equal(seen.views[0], network_view(picture))
    assert np.array_equal(seen.views[3], network_view(picture, "stretch"))


@pytest.mark.parametrize("question", [("fit", None), ("stretch", None), ("crop", (0, 0, 0.5, 1))])
def test_what_a_visitor_cut_out_is_looked_at_as_it_is(question):
    picture = Image.fromarray(noise(96, 160, 3))
    seen = see(picture, *question)
    assert seen.kind == "look"
    assert np.array_equal(seen.views, network_view(picture, *question)[None])


def test_an_image_of_the_networks_size_is_seen_once_as_it_is():
    pixels = noise(32, 32, 3)
    seen = see(Image.fromarray(pixels))
    assert seen.kind == "image" and np.array_equal(seen.views, pixels[None])
    assert see(Image.fromarray(pixels), box=(0, 0, 0.5, 0.5)).kind == "look"


# Colors


def of_colour(path, colour=(200, 60, 40), **options):
    Image.new("RGB", (40, 40), colour).save(path, **options)
    return np.asarray(open_image(path))[0, 0].astype(int)


def test_colors_are_converted_as_their_profile_says(tmp_path):
    """The numbers of a color in Display P3, and in sRGB by its matrices and its curve."""
    shares = (np.array([200, 60, 40]) / 255) ** 2.2
    linear = np.linalg.solve(np.transpose(SRGB), np.transpose(DISPLAY_P3) @ shares)
    linear = np.clip(linear, 0, 1)
    expected = 255 * np.where(
        linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    )
    found = of_colour(tmp_path / "a.png", icc_profile=profile(DISPLAY_P3))
    assert np.abs(found - expected).max() <= 4 and np.abs(found - (200, 60, 40)).max() > 15
    jpeg = of_colour(tmp_path / "a.jpg", quality=100, icc_profile=profile(DISPLAY_P3))
    assert np.abs(jpeg - found).max() <= 4


def test_a_profile_of_srgb_or_of_nothing_changes_no_pixel(tmp_path):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for icc_profile in (srgb, lab, b"no profile"):
        found = of_colour(tmp_path / "a.png", icc_profile=icc_profile)
        assert found.tolist() == [200, 60, 40]


def test_what_is_transparent_is_white_in_any_profile(tmp_path):
    picture = Image.new("RGBA", (40, 40), (200, 60, 40, 0))
    picture.paste((200, 60, 40, 255), (0, 0, 20, 40))
    picture.save(tmp_path / "a.png", icc_profile=profile())
    pixels = np.asarray(open_image(tmp_path / "a.png"))
    assert (pixels[:, 30] >= 254).all()
    assert np.array_equal(pixels[0, 5], of_colour(tmp_path / "b.png", icc_profile=profile()))


# Sizes


def test_a_jpeg_of_48_megapixels_is_decoded_at_half_its_size(tmp_path):
    picture = Image.linear_gradient("L").resize((8000, 6000)).convert("RGB")
    picture.save(tmp_path / "a.jpg")
    found = open_image(tmp_path / "a.jpg")
    assert found.size == (4000, 3000)
    assert np.abs(network_view(found) - network_view(picture).astype(int)).max() <= 2


# Whether browsers show the same


@pytest.mark.parametrize(
    ("kind", "orientation", "alike"),
    [
        ("PNG", 1, True),
        ("JPEG", 1, True),
        ("JPEG", 6, False),
        ("WEBP", 2, False),
        ("TIFF", 1, False),
    ],
)
def test_what_browsers_may_show_otherwise_is_told(tmp_path, kind, orientation, alike):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (40, 20)).save(tmp_path / "a", kind, exif=exif)
    picture, plain = pictures.read(tmp_path / "a")
    assert plain is alike and picture.size == ((20, 40) if orientation == 6 else (40, 20))


def test_gray_is_converted_as_a_profile_of_gray_says(tmp_path):
    Image.new("L", (40, 40), 100).save(tmp_path / "a.png", icc_profile=gray_profile(gamma=1.0))
    found = np.asarray(open_image(tmp_path / "a.png"))[0, 0].astype(int)
    # 100 of 255 of the light is 169 in sRGB.
    assert np.abs(found - 169).max() <= 2
    Image.new("L", (40, 40), 100).save(tmp_path / "b.png", icc_profile=profile(SRGB))
    assert np.abs(np.asarray(open_image(tmp_path / "b.png")).astype(int) - 100).max() <= 4
