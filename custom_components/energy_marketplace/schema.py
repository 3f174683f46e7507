"""The validation engine, as `vol`.

Home Assistant answers `import voluptuous` with its own engine; that name is the one that every supported
version knows. The type checker has to be told which engine it really is.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import probatio as vol
else:
    import voluptuous as vol

__all__ = ["vol"]
