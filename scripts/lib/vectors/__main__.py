"""Writes the golden vectors, or compares them with what the code says today."""

import json
import sys

from scripts.lib.vectors import FILES
from scripts.lib.vectors.people import FOLDER


def main() -> int:
    """Write or compare all files."""
    check = sys.argv[1:] == ["--check"]
    FOLDER.mkdir(exist_ok=True)
    stale = []
    for name, make in FILES.items():
        path = FOLDER / name
        text = json.dumps(make(), indent=2, ensure_ascii=False) + "\n"
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, "utf-8")
    for name in stale:
        print(f"tests/vectors/{name} {'is not what the code says' if check else 'written'}")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
