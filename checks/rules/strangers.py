"""Nothing of where this was written is in it: no host of a package registry, no path of a developer's machine."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.tree import Finding, Tree

# Put together from parts, so that this module can be checked as well.
_DOT = r"\."
_HOSTS = "|".join(
    (
        f"pypi{_DOT}org",
        f"pythonhosted{_DOT}org",
        f"registry{_DOT}npmjs",
        f"(deb|snapshot|security){_DOT}debian{_DOT}org",
        f"(archive|ports){_DOT}ubuntu{_DOT}com",
        f"dl-cdn{_DOT}alpinelinux{_DOT}org",
    )
)
_PLACES = "work|farm|root|opt/pypi[a-z-]*|home/[a-z][a-z0-9_-]*|Users/[A-Za-z][A-Za-z0-9_-]*"
_FORBIDDEN = {
    "the host of a package registry": re.compile(_HOSTS),
    "a path of one machine": re.compile(rf"(?<![\w./~*}})-])/(?:{_PLACES})(?=[/\s\"'`):,]|$)"),
    "a tool of one workplace": re.compile(r"(?<!\w)\.lib" + r"rary\b|farm-" + r"(?:bench|studio)|uv" + r"env/"),
}
_BINARY = (".png", ".jpg", ".ico", ".woff2", ".db")


def findings(tree: Tree) -> Iterator[Finding]:
    """Lines that name such a thing."""
    for path in tree.paths:
        if path.endswith(_BINARY):
            continue
        for number, line in enumerate(tree.read(path).splitlines(), start=1):
            for what, pattern in _FORBIDDEN.items():
                if pattern.search(line):
                    yield Finding(path, f"names {what}; take it out.", number)
