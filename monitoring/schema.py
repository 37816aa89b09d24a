"""The form of `result.json`. `python -m monitoring.schema` prints it as a JSON Schema (docs/)."""

import json
import sys
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from monitoring.contract import Fault
from monitoring.distributions import Distribution
from monitoring.drift import Statistic
from monitoring.errors import Errors
from monitoring.estimate import Estimate
from monitoring.performance import Accuracy
from monitoring.slices import Slice
from monitoring.words import Words

Verdict = Literal["CONTRACT", "PERFORMANCE", "DRIFT", "INSUFFICIENT", "WATCH", "OK"]
strict = with_config(extra="forbid")


def told(description: str) -> Any:
    """What a field means, for the schema."""
    return Field(description=description)


@strict
class Stretch(TypedDict):
    """[start, end), ISO 8601 in UTC."""

    start: str
    end: str


@strict
class Rows(TypedDict):
    """What the log held."""

    logged: Annotated[int, told("rows in the window, whichever model wrote them")]
    judged: Annotated[int, told("of them those of the reference's model")]
    needed: Annotated[int | None, told("would do to judge drift; null: the reference is too small for any")]
    reference: Annotated[int, told("rows of the reference")]
    of_other_model_tags: Annotated[dict[str, int], told("rows by the tag of another model")]
    in_the_future: Annotated[int, told("rows dated later than the clock of the judge")]
    before_their_file: Annotated[int, told("rows dated long before the file was begun that they are in")]
    unreadable_lines: Annotated[int, told("lines around the window that are no rows")]
    damaged_files: Annotated[list[str], told("compressed files that break off")]


@strict
class Traffic(TypedDict):
    """What the rows judged were like."""

    labels: Annotated[dict[str, float], told("share of the rows by the label given")]
    truncated_share: Annotated[float, told("of the rows whose input was cut")]
    latency_ms: Annotated[dict[str, float] | None, told("p50, p90, p99, within 12 %; null: none was logged")]


@strict
class Rate(TypedDict):
    """How often a window without any change is flagged, and how that is known."""

    false_alarms_per_month: Annotated[float, told("what the task says is bearable")]
    windows_per_month: float
    alpha: Annotated[float, told("of one window, all its tests together")]
    scheduled: Annotated[bool, told("the windows follow each other")]
    drift_alpha: Annotated[float, told("the share of drift in it: a window is flagged at this rate")]
    in_a_row: Annotated[int, told("flagged windows that make an alarm")]
    usual_windows: Annotated[int, told("ordinary windows ranked among; 0: known by chance alone")]
    drift_tests: Annotated[int, told("columns judged")]
    smallest_distance: Annotated[
        float | None, told("at which most numbers are flagged; null: none is judged")
    ]
    explanation: Annotated[str, told("all this in a sentence")]


@strict
class Performance(TypedDict):
    """What is known of the accuracy."""

    decided_by: Annotated[str | None, told("the source of the labels that were tested")]
    by_source: dict[str, Accuracy | Errors]
    if_only_the_class_mix_changed: Annotated[Estimate | None, told("an estimate without labels")]


@strict
class Item(TypedDict):
    """An input of a request."""

    request_id: str
    index: int


@strict
class Explanation(TypedDict):
    """What moved in a flagged window."""

    columns: Annotated[list[Distribution], told("of the columns that drifted, but the words")]
    words: Annotated[Words | None, told("the words that came and went; null: the model has none")]
    most_in: Annotated[list[str], told("names of the slices that most of the move is in")]
    slices: Annotated[list[Slice], told("those first that carry most of the move")]
    examples: Annotated[list[Item], told("the most typical rows")]


@strict
class Result(TypedDict):
    """What was found about one window."""

    schema_version: Literal[1]
    task: str
    model_tag: Annotated[str, told("of the reference and of the rows judged")]
    window: Stretch
    verdict: Verdict
    exit_code: int
    findings: Annotated[list[Verdict], told("all that hold, the gravest first")]
    summary: Annotated[str, told("for a person")]
    rows: Rows
    traffic: Traffic
    contract: Annotated[list[Fault], told("broken promises of the log")]
    alarm_rate: Rate
    flagged: Annotated[bool, told("drift beyond what is usual, whether or not it is an alarm yet")]
    drift: Annotated[list[Statistic], told("by column, the furthest moved first")]
    effects: Annotated[dict[str, float], told("of every test: what later windows are ranked by")]
    explanation: Annotated[Explanation | None, told("null: the window was not flagged")]
    performance: Performance
    late_rows: Annotated[int, told("logged after the window had been judged for the first time")]
    report: Annotated[str | None, told("the page beside this file; null: none was made")]
    report_error: Annotated[str | None, told("why the page has no pictures")]
    versions: Annotated[dict[str, str], told("of Python and the libraries")]


RESULT = TypeAdapter(Result)


def json_schema() -> str:
    """As a JSON Schema (2020-12)."""
    return json.dumps(RESULT.json_schema(), indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(json_schema())
