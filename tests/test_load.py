"""The load generator of the benchmark and the texts it sends."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from tokenizers import Tokenizer

from bench.compare_result import summary as summary_of_sides
from bench.load import run_load
from bench.load_result import Outcome, summary
from bench.mixes import LONGEST, MIXES, read_vocabulary, texts
from train.sample_corpus import generate
from train.trainer import train_tokenizer


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer([row["text"] for row in generate(500, seed=1)], 2000, 128).save_pretrained(folder)
    return folder


class Handler(BaseHTTPRequestHandler):
    """Answers texts, refuses every list, forgets nobody."""

    protocol_version = "HTTP/1.1"
    seen: list[object] = []  # noqa: RUF012 - one for the whole test

    def do_POST(self) -> None:
        inputs = json.loads(self.rfile.read(int(self.headers["content-length"])))["inputs"]
        self.seen.append(inputs)
        self.send_response(429 if isinstance(inputs, list) else 200)
        if isinstance(inputs, list):
            self.send_header("Retry-After", "3")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture
def url() -> Iterator[str]:
    Handler.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("mix", MIXES)
def test_every_text_has_exactly_its_tokens(tokenizer: Path, mix: str) -> None:
    pairs = list(islice(texts(mix, read_vocabulary(tokenizer), seed=1), 300))
    encode = Tokenizer.from_file(str(tokenizer / "tokenizer.json"))
    encode.no_truncation()
    assert [len(encode.encode(text).ids) for text, _ in pairs] == [n for _, n in pairs]


def test_no_two_texts_of_a_mix_are_the_same(tokenizer: Path) -> None:
    vocabulary = read_vocabulary(tokenizer)
    drawn = [t for seed in (1, 2) for t, _ in islice(texts("steam", vocabulary, seed), 2000)]
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize(("mix", "mean"), [("steam", 56), ("imdb", 230)])
def test_a_mix_has_the_mean_of_its_name_after_the_cut(tokenizer: Path, mix: str, mean: int) -> None:
    lengths = [n for _, n in islice(texts(mix, read_vocabulary(tokenizer), seed=1), 10_000)]
    assert fmean(lengths) == pytest.approx(mean, rel=0.03)
    assert max(lengths) == LONGEST


def test_a_closed_loop_counts_what_the_service_saw(url: str, tokenizer: Path) -> None:
    result = run_load(url, seconds=1, warmup=0, connections=4, mix="fixed-8", tokenizer=tokenizer)
    assert result["ok"] == result["requests"] == result["by_status"]["200"] == len(Handler.seen)
    assert result["tokens_per_second"] == pytest.approx(8 * result["requests_per_second"], rel=0.01)
    assert not result["transport_errors"]


def test_an_open_loop_sends_at_its_rate(url: str, tokenizer: Path) -> None:
    result = run_load(url, seconds=2, warmup=0, rate=100, tokenizer=tokenizer)
    assert 140 <= result["requests"] <= 260  # Poisson: 200, give or take 4 standard deviations
    assert result["ok"] == result["requests"]


def test_refusals_are_counted_apart_with_their_retry_after(url: str, tokenizer: Path) -> None:
    result = run_load(url, seconds=0.5, warmup=0, connections=1, list=3, tokenizer=tokenizer)
    assert result["ok"] == 0
    assert result["latency_ms"] == {}
    assert result["retry_after"] == {"3": result["by_status"]["429"]}
    assert all(len(inputs) == 3 for inputs in Handler.seen if isinstance(inputs, list))


def test_a_service_that_is_not_there_is_a_transport_error(tokenizer: Path) -> None:
    result = run_load("http://127.0.0.1:9", seconds=0.3, warmup=0, connections=1, tokenizer=tokenizer)
    assert set(result["transport_errors"]) == {"ConnectionRefusedError"}


def test_latency_counts_from_the_moment_a_request_was_due() -> None:
    late = Outcome(due=1.0, sent=1.9, done=2.0, n_tokens=5, status=200, retry_after="", error="")
    early = late._replace(due=0.5)  # of the warm-up, but its answer came in the window
    result = summary([late, early], begin=1.0, seconds=2.0)
    assert result["latency_ms"]["p99"] == 1000
    assert result["requests"] == 1
    assert result["requests_per_second"] == 1.0


def test_a_comparison_takes_ratios_round_by_round() -> None:
    def side(*rounds: float) -> dict[str, Any]:
        parts = [
            {"requests_per_second": t / 50, "tokens_per_second": t, "latency_ms": {"p99": 9}} for t in rounds
        ]
        rows = [{"round": i, "saturated": p, "start_seconds": 1, "memory_mb": 1} for i, p in enumerate(parts)]
        return {"rounds": rows}

    ours, peer = side(6000, 3000, 6200), side(3000, 1500, 6200)  # a neighbour took half of the second round
    ours["rounds"] = [
        {**r, "lone": r["saturated"], "at_rate": {**r["saturated"], "rate": 7}} for r in ours["rounds"]
    ]
    sides = {"touchstone": ours, "litserve": peer, "litserve@optimum": side(1000, 1000, 1000)}
    told = summary_of_sides({"sides": sides, "roof": [{"gops_all_lanes": 849.3}]})
    assert told["tokens_per_second_over"] == {"litserve": 2.0, "litserve@optimum": 6.0}
    assert (told["best_peer"], told["best_peer_on_optimum_default"]) == ("litserve", "litserve@optimum")
    assert told["share_of_roof"] == pytest.approx(0.6, abs=0.001)
    assert told["p99_of_lone_requests_times"] == 1.0
