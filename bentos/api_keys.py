"""Who may call which route: several API keys, from the environment or from mounted files; open without any.

As soon as there are API keys every path needs one, also one that does not exist and those that BentoML
adds (/schema.json): what is open is listed, not what is closed. They name labels, limits and versions, and
who may predict can read them with the same key. The files of the page at /ui are open: they are the same
everywhere.
"""

import hmac
import os
import re
from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path

from bentoml.exceptions import InvalidArgument

from bentos.incoming import Headers, RequestError

API_KEYS = "TOUCHSTONE_API_KEYS"  # "key,key"; TOUCHSTONE_API_KEYS_FILE: a file with one key a line
OWN_KEYS = {"metrics": "TOUCHSTONE_METRICS_KEYS", "feedback": "TOUCHSTONE_FEEDBACK_KEYS"}  # by route
ALWAYS_OPEN = ("/livez", "/readyz", "/healthz")  # an orchestrator has no key
OPEN_WITHOUT_OWN = ("/metrics",)
KEY = re.compile(r"[!-+\--~]{16,256}")  # printable ASCII without spaces and commas, as it stands in a header
HOW = "expected the header Authorization: Bearer KEY, or X-API-Key: KEY."

Digests = frozenset[bytes]


class ApiKeys:
    """The keys in force, as digests: comparing those takes the same time whatever a key's length."""

    def __init__(self, keys: Digests, own: Mapping[str, Digests], also_open: Collection[str] = ()) -> None:
        self._keys, self._own, self._open = keys, own, {*ALWAYS_OPEN, *also_open}

    @classmethod
    def from_environment(cls, also_open: Collection[str] = ()) -> "ApiKeys":
        """What the variables say; raises InvalidArgument, which names the fault but never a key."""
        own = {route: read_keys(name) for route, name in OWN_KEYS.items()}
        return cls(read_keys(API_KEYS), own, also_open)

    def __bool__(self) -> bool:
        """Whether any but the listed paths need a key."""
        return bool(self._keys)

    def check(self, path: str, headers: Headers) -> None:
        """Raises RequestError 401 unless the path is open or the headers carry a key for it.

        `headers` are those of an ASGI scope, names in lower case.
        """
        needed = self._needed(path)
        if not needed:
            return
        given = given_keys(headers)
        if not given:
            raise unauthorized("No API key was given")
        if not any(matches(key, needed) for key in given):
            raise unauthorized("The API key is not known here")

    def _needed(self, path: str) -> Digests:
        """The keys of which a request needs one; none where everybody may."""
        own = self._own.get(path.strip("/").partition("/")[0])
        if path in self._open or (path in OPEN_WITHOUT_OWN and not own):
            return frozenset()
        return own or self._keys


def read_keys(name: str) -> Digests:
    """The digests of the keys in the variable `name` and in the file that `name`_FILE names."""
    keys: list[str] = []
    for variable, split in ((name, split_list), (f"{name}_FILE", read_file)):
        if (value := os.environ.get(variable)) is not None:
            keys += checked(split(value), variable)
    return frozenset(digest(key.encode()) for key in keys)


def split_list(text: str) -> list[str]:
    return [key.strip() for key in text.split(",") if key.strip()]


def read_file(path: str) -> list[str]:
    """One key a line; empty lines and those that begin with # do not count."""
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InvalidArgument(f"No API keys from the file '{path}': {reason}.") from None
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def checked(keys: list[str], variable: str) -> list[str]:
    """The keys; a variable that is set but brings none must not leave the service open."""
    if not keys:
        raise InvalidArgument(f"{variable} is set but brings no API key. Give at least one, or unset it.")
    for number, key in enumerate(keys, start=1):
        if not KEY.fullmatch(key):
            expected = "16 to 256 printable ASCII characters without spaces and commas"
            raise InvalidArgument(f"Key {number} of {variable} is not a key; expected {expected}.")
    return keys


def given_keys(headers: Headers) -> list[bytes]:
    """The keys that a request carries, of either form."""
    keys = []
    for name, value in headers:
        if name == b"x-api-key":
            keys.append(value.strip())
        elif name == b"authorization":
            scheme, _, key = value.strip().partition(b" ")
            keys += [key.strip()] if scheme.lower() == b"bearer" else []
    return [key for key in keys if key]


def matches(key: bytes, known: Digests) -> bool:
    """Whether it is one of them, by comparing it with every one in constant time."""
    given = digest(key)
    return sum(hmac.compare_digest(given, one) for one in known) > 0  # any() would stop at the first


def digest(key: bytes) -> bytes:
    return sha256(key).digest()


def unauthorized(fault: str) -> RequestError:
    return RequestError(401, f"{fault}; {HOW}", {"WWW-Authenticate": "Bearer"})
