"""`result.json` has the form that docs/result.schema.json promises."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from monitoring.__main__ import main
from monitoring.schema import RESULT, json_schema
from tests.monitoring_rows import make_labels
from tests.watched import log, rows_of_the_day

ROOT = Path(__file__).parents[1]
DAY = ("--since", "2026-11-16", "--until", "2026-11-17")


def test_the_schema_is_that_of_the_code() -> None:
    shipped = (ROOT / "docs" / "result.schema.json").read_text()
    assert shipped == json_schema(), "run: python -m monitoring.schema > docs/result.schema.json"


@pytest.mark.parametrize("scheduled", [[], ["--window", "1d"]])
@pytest.mark.parametrize(
    ("n", "changes", "verdict"),
    [
        (0, {}, "INSUFFICIENT"),
        (300, {}, "OK"),
        (300, {"mean_length": 5.0}, "DRIFT"),
        (300, {"n_chars": "x", "model_tag": 7}, "CONTRACT"),
    ],
)
def test_every_result_has_this_form(
    task_file: Path, tmp_path: Path, n: int, changes: dict[str, float], verdict: str, scheduled: list[str]
) -> None:
    rows = rows_of_the_day(n) if "mean_length" not in changes else rows_of_the_day(n, **changes)
    rows = [row | ({} if "mean_length" in changes else changes) for row in rows]
    arguments = log(tmp_path, rows, make_labels(rows[:50], 0.9))
    (tmp_path / "logs" / "watched-reviews").mkdir(parents=True, exist_ok=True)
    main([str(task_file), *arguments, *DAY, *scheduled])
    (path,) = (tmp_path / "reports").rglob("result.json")
    result = RESULT.validate_json(path.read_text(), strict=True)
    assert result["verdict"] in (verdict, "WATCH")


def test_another_key_is_none_of_it(task_file: Path, tmp_path: Path) -> None:
    main([str(task_file), *log(tmp_path, rows_of_the_day()), *DAY])
    (path,) = (tmp_path / "reports").rglob("result.json")
    with pytest.raises(ValidationError, match="surprise"):
        RESULT.validate_python(json.loads(path.read_text()) | {"surprise": 1})
