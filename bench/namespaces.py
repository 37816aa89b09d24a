"""Hosts on one machine: network namespaces, each joined to this one by a veth pair."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address

RANGE = IPv4Address("198.18.0.0")  # to 198.19.255.255: for measurements, RFC 2544
PROGRAMS = {"ip": "iproute2", "nsenter": "util-linux", "haproxy": "haproxy"}  # and their Debian packages


@dataclass(frozen=True)
class Host:
    """A network of its own, reached at `address` through the only cable it has."""

    name: str
    address: str

    @property
    def inside(self) -> tuple[str, ...]:
        """What a command is started by to run there."""
        return ("nsenter", f"--net=/run/netns/{self.name}")

    def pull_cable(self) -> None:
        """From now on nothing comes or goes, and nobody is told."""
        ip("-netns", self.name, "link", "set", "cable", "down")

    def plug_cable(self) -> None:
        """Undo that."""
        ip("-netns", self.name, "link", "set", "cable", "up")


@contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """So many hosts; raises CalledProcessError where this user may not make them."""
    first = RANGE + os.getpid() % 2**14 * 8  # two processes at once have different ones
    with ExitStack() as stack:
        yield [stack.enter_context(host(f"ts{os.getpid()}-{i}", first + 2 * i)) for i in range(count)]


@contextmanager
def host(name: str, near: IPv4Address) -> Iterator[Host]:
    """A host at the address after `near`, which is this machine's end of the cable."""
    ip("netns", "add", name)
    try:
        ip("link", "add", name, "type", "veth", "peer", "name", "cable", "netns", name)
        ip("address", "add", f"{near}/31", "dev", name)
        ip("link", "set", name, "up")
        ip("-netns", name, "address", "add", f"{near + 1}/31", "dev", "cable")
        for link in ("lo", "cable"):
            ip("-netns", name, "link", "set", link, "up")
        yield Host(name, str(near + 1))
    finally:
        ip("netns", "delete", name)  # and with it both ends of the cable


def reason_against() -> str:
    """Why there can be no hosts here, or no haproxy in front of them; empty when there can."""
    for program, package in PROGRAMS.items():
        if not shutil.which(program):
            return f"There is no {program} here. On Debian: apt-get install {package}"
    try:
        with hosts(1):
            return ""
    except subprocess.CalledProcessError as error:
        return f"This user may not make network namespaces here: {error.stderr.strip()}"


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True, timeout=20)
