"""Hosts on one machine: network namespaces at one switch, each by a veth pair."""

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
    """So many hosts at one switch; raises CalledProcessError where this user may not make them."""
    switch, first = f"ts{os.getpid()}", RANGE + os.getpid() % 2**14 * 8  # other processes have others
    with ExitStack() as stack:
        ip("link", "add", switch, "type", "bridge")
        stack.callback(ip, "link", "delete", switch)
        ip("address", "add", f"{first + 1}/29", "dev", switch)
        ip("link", "set", switch, "up")
        yield [stack.enter_context(host(f"{switch}-{i}", switch, first + 2 + i)) for i in range(count)]


@contextmanager
def host(name: str, switch: str, address: IPv4Address) -> Iterator[Host]:
    """A host with its cable in the switch, so that who pulls it takes no other link down."""
    ip("netns", "add", name)
    try:
        ip("link", "add", name, "type", "veth", "peer", "name", "cable", "netns", name)
        ip("link", "set", name, "master", switch, "up")
        ip("-netns", name, "address", "add", f"{address}/29", "dev", "cable")
        for link in ("lo", "cable"):
            ip("-netns", name, "link", "set", link, "up")
        yield Host(name, str(address))
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
