"""Makes the documentation's pictures small: the 256 colours that a screen needs instead of 16 million."""

import sys
from pathlib import Path

from PIL import Image

COLOURS = 256
METHOD = Image.Quantize.MAXCOVERAGE
"""Keeps rare colours too: on a screen they are the ones that mean something."""


def shrink(file: Path) -> int:
    """Write a picture anew with few colours, if that makes it smaller; return how many bytes it has then."""
    few = file.with_suffix(".few.png")
    with Image.open(file) as picture:
        exact = picture.convert("RGB")
        exact.quantize(COLOURS, METHOD, dither=Image.Dither.NONE).save(few, optimize=True)
    if few.stat().st_size < file.stat().st_size:
        few.replace(file)
    few.unlink(missing_ok=True)
    return file.stat().st_size


def main() -> int:
    """Make the pictures small that are named on the command line."""
    for name in sys.argv[1:]:
        print(f"{shrink(Path(name)):8} B  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
