import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from train.sample_corpus import DRIFTS, LABEL_NOISE, generate, main, read_tables, write_reviews
from train.sample_words import GENRE

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def corpus() -> Rows:
    return generate()


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def positive_share(rows: Rows) -> float:
    return sum(row["label"] == "positive" for row in rows) / len(rows)


def test_the_same_seed_gives_the_same_rows_whatever_the_hash_seed() -> None:
    code = "import json, train.sample_corpus as c; print(json.dumps(c.generate(50, 7, ['patch'])))"
    printed = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert json.loads(printed[0]) == json.loads(printed[1]) == generate(50, 7, ["patch"])


def test_another_seed_gives_other_rows() -> None:
    assert generate(50, seed=1) != generate(50, seed=2)


def test_rows_have_their_columns_in_time_order(corpus: Rows) -> None:
    assert len(corpus) == 10_000
    assert all(set(row) == {"text", "label", "app", "timestamp"} for row in corpus)
    moments = [row["timestamp"] for row in corpus]
    assert moments == sorted(moments)
    assert (moments[0][:7], moments[-1][:7]) == ("2024-01", "2025-12")


def test_every_slot_is_filled(corpus: Rows) -> None:
    drifted = generate(1000, seed=3, drift=tuple(DRIFTS))
    assert not [row["text"] for row in [*corpus, *drifted] if re.search(r"[<>|]", row["text"])]


def test_classes_are_balanced(corpus: Rows) -> None:
    assert 0.48 < positive_share(corpus) < 0.52


def test_labels_follow_the_text_with_the_stated_noise(corpus: Rows) -> None:
    turned = [
        (row["label"] == "positive") != review.positive
        for row, review in zip(corpus, write_reviews(len(corpus)), strict=True)
    ]
    assert sum(turned) / len(turned) == pytest.approx(LABEL_NOISE, abs=0.006)


def test_few_texts_repeat(corpus: Rows) -> None:
    distinct = {" ".join(words(row["text"])) for row in corpus}
    assert 1 - len(distinct) / len(corpus) < 0.05


def test_reviews_are_very_short_and_very_long(corpus: Rows) -> None:
    lengths = sorted(len(words(row["text"])) for row in corpus)
    assert lengths[len(lengths) // 50] <= 3
    assert lengths[-len(lengths) // 50] >= 40


def test_counting_words_does_not_solve_it(corpus: Rows) -> None:
    rows = corpus[::2]
    cut = int(len(rows) * 0.85)
    seen = {row["text"] for row in rows[:cut]}
    test = [row for row in rows[cut:] if row["text"] not in seen]
    baseline = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(max_iter=500))
    baseline.fit([row["text"] for row in rows[:cut]], [row["label"] for row in rows[:cut]])
    accuracy = baseline.score([row["text"] for row in test], [row["label"] for row in test])
    assert 0.6 < accuracy < 0.82


@pytest.mark.parametrize("name", DRIFTS)
def test_each_drift_changes_the_words(name: str, corpus: Rows) -> None:
    ordinary = Counter(word for row in corpus for word in words(row["text"]))
    drifted = Counter(word for row in generate(1000, drift=[name]) for word in words(row["text"]))
    new = sum(count for word, count in drifted.items() if not ordinary[word])
    assert new / drifted.total() > 0.03


def test_the_new_genre_has_words_of_its_own(corpus: Rows) -> None:
    tables = read_tables(GENRE)
    own = {word for name in ("aspect", "adj+", "adj-") for entry in tables[name] for word in words(entry)}
    clean = {word for review in write_reviews(5000) for word in words(review.text)}
    assert not (own - {"mode", "tool", "off"}) & clean


def test_a_bad_patch_brings_blame() -> None:
    assert positive_share(generate(2000, drift=["patch"])) < 0.4


def test_drifts_combine() -> None:
    text = " ".join(row["text"] for row in generate(500, drift=tuple(DRIFTS))).lower()
    assert all(word in text for word in ("beatmap", "patch 2.0", "netzcode"))


def test_an_unknown_drift_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="known are genre, patch, language"):
        generate(1, drift=["weather"])


def test_the_command_writes_the_rows(tmp_path: Path) -> None:
    out = tmp_path / "reviews.jsonl"
    assert main([str(out), "--n", "30", "--seed", "5", "--drift", "genre", "language"]) == 0
    lines = out.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == generate(30, 5, ["genre", "language"])
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("wrong", [["--n", "0"], ["--drift", "weather"]])
def test_the_command_refuses_what_it_cannot_do(
    wrong: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path / "reviews.jsonl"), *wrong])
    assert "usage:" in capsys.readouterr().err


def test_the_command_names_a_folder_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path / "absent" / "reviews.jsonl"), "--n", "1"])
    assert "Give a file in a folder that exists" in capsys.readouterr().err
