"""Who goes where: by time, group or text, and never on both sides."""

from pathlib import Path

from tests.labelled import all_texts, load, rows, write
from train.splits import text_key


def test_near_trivial_duplicates_have_one_key() -> None:
    variants = ["Great game!", "great  GAME", "great<br />game...", "Great\u00a0game", "\uff27reat game"]
    assert len({text_key(text) for text in variants}) == 1
    assert text_key("great games") != text_key("great game")
    assert text_key("😂") != text_key("👍")
    assert text_key(("a", "b")) != text_key(("b", "a"))


def test_a_text_split_has_no_text_on_both_sides(tmp_path: Path) -> None:
    again = [row | {"text": f"{row['text'].upper()} !"} for row in rows()]
    splits = load(tmp_path, rows() + again)
    keys = [set(map(text_key, part.texts)) for part in (splits.train, splits.validation, splits.test)]
    assert not (keys[0] & keys[1] | keys[0] & keys[2] | keys[1] & keys[2])
    assert sum(splits.report["rows"].values()) == 400
    assert 0.08 < splits.report["rows"]["test"] / 400 < 0.22


def test_a_text_split_stays_when_rows_come(tmp_path: Path) -> None:
    assert set(load(tmp_path, rows(100)).test.texts) <= set(load(tmp_path, rows(200)).test.texts)


def test_a_time_split_tests_on_the_newest(tmp_path: Path) -> None:
    splits = load(tmp_path, rows()[::-1], timestamp_column_name="timestamp")
    assert [len(part.texts) for part in (splits.train, splits.validation, splits.test)] == [150, 20, 30]
    assert max(splits.train.timestamps) < min(splits.validation.timestamps)
    assert max(splits.validation.timestamps) < min(splits.test.timestamps)
    assert splits.test.timestamps[-1] == "2020-07-18T00:00:00.000000Z"


def test_a_time_split_drops_and_counts_rows_without_time(tmp_path: Path) -> None:
    report = load(tmp_path, rows() + rows(3, timestamp="soon"), timestamp_column_name="timestamp").report
    assert report["no_timestamp"] == 3


def test_an_old_text_seen_again_leaves_train(tmp_path: Path) -> None:
    again = {"text": "review NUMBER 0 negative", "label": "negative", "timestamp": "2021-01-01"}
    splits = load(tmp_path, [*rows(), again], timestamp_column_name="timestamp")
    assert "Review number 0, negative." not in all_texts(splits)
    assert again["text"] in splits.test.texts
    assert splits.report["duplicates_removed"] == 1


def test_groups_stay_together(tmp_path: Path) -> None:
    splits = load(tmp_path, rows(), group_column_name="group")
    group_of = {row["text"]: row["group"] for row in rows()}
    groups = [{group_of[t] for t in part.texts} for part in (splits.train, splits.validation, splits.test)]
    assert sum(map(len, groups)) == len(set().union(*groups)) == 50


def test_groups_do_not_cross_a_time_split(tmp_path: Path) -> None:
    data = [row | {"group": f"group {i % 50}" if i > 180 else None} for i, row in enumerate(rows())]
    data[0]["group"] = data[-1]["group"]
    splits = load(tmp_path, data, timestamp_column_name="timestamp", group_column_name="group")
    assert data[0]["text"] not in splits.train.texts
    assert splits.report["group_members_removed"] == 1


def test_a_missing_validation_split_is_cut_from_train_and_the_test_stays_whole(tmp_path: Path) -> None:
    test = write(tmp_path / "test.jsonl", [*rows(20), rows(1)[0] | {"text": "New."}])
    splits = load(tmp_path, rows(), test_file=test)
    assert len(splits.test.texts) == 21
    assert splits.report["duplicates_removed"] == 20
    assert splits.report["split"] == "given: train, test; cut from train by text: validation 10 %"


def test_a_sample_is_drawn_by_the_seed_and_spread_over_time(tmp_path: Path) -> None:
    limits = {"max_train_samples": 40, "max_eval_samples": 10, "max_predict_samples": 12}
    one, same, other = (
        load(tmp_path, rows(400), timestamp_column_name="timestamp", training={"seed": seed}, **limits)
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one.train != other.train
    assert one.report["rows"] == {"train": 40, "validation": 10, "test": 12}
    middle = sorted(load(tmp_path, rows(400), timestamp_column_name="timestamp").train.timestamps)[150]
    assert 8 < sum(t < middle for t in one.train.timestamps) < 32
