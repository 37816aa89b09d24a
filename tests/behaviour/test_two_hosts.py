"""Replicas on two hosts behind deploy/haproxy.cfg: a lost host, one log of both, one promotion for both."""

import asyncio
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from bench.instances import Instance, haproxy
from bench.namespaces import Host, hosts, reason_against
from bentos.log_reader import read_log
from monitoring.__main__ import main as monitor
from tests.asking import Asking
from tests.serving import DEADLINE, free_port
from tests.versions import FIRST, SECOND, own_store, promote

NAME = "sample-reviews-onnx-int8"
REASON = reason_against()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)


@dataclass(frozen=True)
class Fleet:
    """Two hosts with a replica each on one model store, and haproxy in front of them."""

    hosts: list[Host]
    replicas: list[Instance]
    url: str
    figures: str
    home: Path

    def until_up(self, *names: str) -> None:
        """Wait until haproxy takes exactly these for up."""
        until(lambda: self.up() == set(names))

    def up(self) -> set[str]:
        try:
            lines = httpx.get(f"{self.figures}/metrics", timeout=10).text.splitlines()
        except httpx.TransportError:
            return set()
        shown = (line for line in lines if line.startswith('haproxy_server_status{proxy="hosts"'))
        return {line.split('"')[3] for line in shown if 'state="UP"' in line and line.endswith(" 1")}


def until(check: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not check():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def start(*replicas: Instance) -> None:
    async def together() -> None:
        await asyncio.gather(*(replica.start() for replica in replicas))

    asyncio.run(together())


@pytest.fixture(scope="module")
def fleet(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("hosts")
    home, port, figures = own_store(store, folder), free_port(), free_port()
    with ExitStack() as stack:
        two = stack.enter_context(hosts(2))
        replicas = [
            Instance(folder / host.name, (), home / "models", host.address, 3000, host.inside) for host in two
        ]
        for instance in replicas:
            stack.callback(instance.kill)
        start(*replicas)
        stack.enter_context(haproxy(port, figures, replicas))
        there = Fleet(two, replicas, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{figures}", home)
        there.until_up("first", "second")
        yield there


def pull_cable(fleet: Fleet) -> Callable[[], None]:
    fleet.hosts[0].pull_cable()
    return fleet.hosts[0].plug_cable


def kill_its_processes(fleet: Fleet) -> Callable[[], None]:
    fleet.replicas[0].kill()
    return lambda: start(fleet.replicas[0])


@pytest.mark.parametrize("lose", [pull_cable, kill_its_processes])
def test_with_a_host_at_most_what_was_under_way_there_is_lost(
    fleet: Fleet, lose: Callable[[Fleet], Callable[[], None]]
) -> None:
    with Asking(fleet.url, lose.__name__, clients=6) as asking:
        until(lambda: len(asking.answers) > 30)
        bring_back = lose(fleet)
        lost = time.monotonic()
        until(lambda: asking.since(lost) > 100)
        fleet.until_up("second")
    bring_back()
    fleet.until_up("first", "second")
    assert [answer for answer in asking.failed if answer.sent > lost] == []
    assert len(asking.failed) <= asking.clients


def test_the_logs_of_both_are_one_window_with_each_row_once(fleet: Fleet, tmp_path: Path) -> None:
    since, merged = datetime.now(UTC), tmp_path / "logs" / "sample-reviews"
    with Asking(fleet.url, "logged") as asking:
        until(lambda: len(asking.answers) > 200)
    asked = sorted(answer.request_id for answer in asking.answers)

    def in_logs() -> list[list[str]]:
        logs = [read_log(replica.logs / "sample-reviews", since=since) for replica in fleet.replicas]
        return [[str(row["request_id"]) for row in log.rows] for log in logs]

    until(lambda: sum(map(len, in_logs())) >= len(asked))
    assert all(in_logs())
    for replica in fleet.replicas:
        shutil.copytree(replica.logs / "sample-reviews", merged, dirs_exist_ok=True)
    assert sorted(str(row["request_id"]) for row in read_log(merged, since=since).rows) == asked
    done = datetime.now(UTC)
    until(lambda: datetime.now(UTC).replace(microsecond=0) > done)  # a window ends with a whole second
    window = ("--since", since.isoformat(), "--logs", str(tmp_path / "logs"), "--out", str(tmp_path / "out"))
    assert monitor(["sample-reviews", "--version", FIRST, *window, "--fail-on", "none"]) == 0
    (result,) = (tmp_path / "out").rglob("result.json")
    assert json.loads(result.read_text())["rows"]["judged"] == len(asked)


def test_a_promotion_reaches_both_without_a_lost_request(fleet: Fleet) -> None:
    addresses = [f"http://{replica.address}:{replica.port}" for replica in fleet.replicas]
    with Asking(fleet.url, "promoted") as asking:
        for arguments, version in (
            ([f"{NAME}:{FIRST}"], FIRST),
            ([f"{NAME}:{SECOND}"], SECOND),
            ([NAME, "--rollback"], FIRST),
        ):
            assert promote(fleet.home, *arguments).returncode == 0
            tag = f"{NAME}:{version}"
            until(lambda tag=tag: {Asking(url).ask("which").model_tag for url in addresses} == {tag})
    assert asking.failed == []
    assert {answer.model_tag for answer in asking.answers} == {f"{NAME}:{FIRST}", f"{NAME}:{SECOND}"}
