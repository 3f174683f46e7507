"""Pictures of screens get small and stay what they were."""

from PIL import Image, ImageDraw

from simulation.shrink import shrink


def screen(file):
    """Draw something like a screen."""
    picture = Image.new("RGB", (400, 300), "#fafafa")
    draw = ImageDraw.Draw(picture)
    for place in range(100):
        draw.ellipse((place * 3, place * 2, place * 3 + 60, place * 2 + 40), fill=(place, 154, 199 - place))
    picture.save(file, compress_level=0)
    return picture


def test_a_picture_gets_smaller_and_looks_the_same(tmp_path):
    file = tmp_path / "screen.png"
    before = screen(file)
    size = file.stat().st_size
    assert shrink(file) == file.stat().st_size < size / 4
    with Image.open(file) as after:
        assert after.convert("RGB").tobytes() == before.tobytes()
    assert list(tmp_path.iterdir()) == [file]


def test_a_picture_that_is_small_already_stays(tmp_path):
    file = tmp_path / "screen.png"
    screen(file)
    shrink(file)
    once = file.read_bytes()
    shrink(file)
    assert len(file.read_bytes()) <= len(once)
    assert list(tmp_path.iterdir()) == [file]
