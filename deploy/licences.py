"""Licences of what the image holds, by its SBOM: python -m deploy.licences > docs/licences.md"""

import json
import re
import sys
from pathlib import Path
from typing import Any

SBOM = Path(__file__).parent / "service" / "sbom.cdx.json"
# They let a company serve with the package, and pass it on in an image, its own sources closed.
ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSD-3-Clause-Clear",
    "CC0-1.0",
    "MIT",
    "MIT-CMU",
    "MPL-2.0",
    "PSF-2.0",
    "Python-2.0",
    "Zlib",
    "Apache Software License",
    "BSD License",
    "Mozilla Public License 2.0 (MPL 2.0)",
}
LOOKED_UP = {"protobuf": ["BSD-3-Clause"], "simple-di": ["Apache-2.0"]}  # by their sources: they declare none
HEAD = """# Licences in the service's image

Made by `make lock` from `{sbom}`; a licence that is not known to allow use in production fails the tests.
The base image's own packages are not in it.

| package | version | licence |
| --- | --- | --- |
"""


def main() -> None:
    """Print the page; ends the program when a licence is not allowed."""
    components = json.loads(SBOM.read_text("utf-8"))["components"]
    print(page(components), end="")
    if wrong := refused(components):
        sys.exit(f"Not known to allow use in production: {', '.join(wrong)}. See deploy/licences.py.")


def page(components: list[dict[str, Any]]) -> str:
    head = HEAD.format(sbom=SBOM.relative_to(Path(__file__).parents[1]))
    return head + "".join(
        f"| {one['name']} | {one['version']} | {', '.join(licences(one)) or 'unknown'} |\n"
        for one in components
    )


def licences(component: dict[str, Any]) -> list[str]:
    """What the package declares, in SPDX's words where it uses them."""
    known = component.get("licenses", [])
    said = [one.get("expression") or one["license"].get("id") or one["license"]["name"] for one in known]
    said = [name.removeprefix("License :: OSI Approved :: ") for name in said]
    return said or LOOKED_UP.get(component["name"], [])


def refused(components: list[dict[str, Any]]) -> list[str]:
    """The packages of which no licence, or one that is not allowed, is declared."""
    return [one["name"] for one in components if not allowed(licences(one))]


def allowed(declared: list[str]) -> bool:
    single = {
        part for one in declared for part in ([one] if one in ALLOWED else re.split(r" AND | OR ", one))
    }
    return bool(declared) and single <= ALLOWED


if __name__ == "__main__":
    main()
