"""The verdict of one window: the contract first, then accuracy and drift under one false-alarm rate."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from bentos.request_log import Row
from bentos.task import Task
from monitoring.chance import Null
from monitoring.columns import Columns, sample, to_columns
from monitoring.contract import Fault, check_log, check_rows, check_tags
from monitoring.drift import (
    AlarmRate,
    Baseline,
    Statistic,
    compare,
    has_drifted,
    rows_needed,
    smallest_distance,
)
from monitoring.history import Past
from monitoring.performance import Accuracy, deciding_source, join, measure, reference_counts
from monitoring.ranking import Rule, alarms, rank, rule
from monitoring.windows import Found, Window

# The gravest first. The exit code of a run is that of its gravest window.
EXIT_CODES = {"CONTRACT": 12, "PERFORMANCE": 11, "DRIFT": 10, "INSUFFICIENT": 20, "WATCH": 0, "OK": 0}


@dataclass(frozen=True)
class Reference:
    """The rows that a store entry remembers of its held-out data."""

    tag: str
    task: Task  # as trained
    rows: Sequence[Row]

    @cached_property
    def columns(self) -> Columns:
        return to_columns(self.rows, self.task)

    @cached_property
    def baseline(self) -> Baseline:
        return Baseline(self.columns, self.task.labels)


@dataclass(frozen=True)
class Judgement:
    """Everything found about one window."""

    window: Window
    task: str  # its name
    labels: tuple[str, ...]
    tag: str  # of the reference, and of the rows judged
    findings: list[str]  # the gravest first; never empty
    faults: list[Fault]
    statistics: list[Statistic]  # the furthest moved first
    accuracies: dict[str, Accuracy]  # by source of the labels
    decided_by: str | None  # the source whose labels were tested
    rate: AlarmRate
    rule: Rule
    flagged: bool  # drift beyond what is usual, whether or not it is an alarm yet
    rows_needed: int | None  # None: the reference is too small for any window
    smallest_distance: float | None  # that the rows at hand could alarm on
    reference: Columns
    columns: Columns  # of the rows that were judged
    other_tags: dict[str, int]
    found: Found

    @property
    def verdict(self) -> str:
        return self.findings[0]


def judge(found: Found, reference: Reference, rate: AlarmRate, past: Sequence[Past] = ()) -> Judgement:
    """Judge the rows of the reference's own model; whatever the log holds, this raises nothing.

    `past` are the windows of the same length before this one, the newest first.
    """
    tags = Counter(str(row.get("model_tag")) for row in found.rows)
    rows = [row for row in found.rows if row.get("model_tag") == reference.tag]
    faults = check_log(found) + check_tags(tags, reference.tag)
    faults += check_rows(rows, reference.rows, reference.task)
    accuracies, decided_by = _accuracies(rows, found.feedback, reference, rate.alpha / 2)
    drift_alpha = rate.alpha / 2 if decided_by else rate.alpha  # accuracy and drift share one rate
    columns = to_columns(rows, reference.task)
    broken = {fault.column for fault in faults}
    when = rule(rate, drift_alpha, found.window, past)
    null = reference.baseline.null(sample(columns), len(columns))
    statistics = _statistics(reference.baseline, columns, null, when, broken)
    flagged = any(one.drifted for one in statistics)
    needed = rows_needed(null, reference.baseline, when.alpha)
    return Judgement(
        window=found.window,
        task=reference.task.name,
        labels=reference.task.labels,
        tag=reference.tag,
        findings=_findings(
            {
                "CONTRACT": bool(faults),
                "PERFORMANCE": decided_by is not None and accuracies[decided_by].fell,
                "DRIFT": alarms(when, found.window, past, flagged),
                "INSUFFICIENT": not flagged and (needed is None or len(rows) < needed),
                "WATCH": flagged,
            }
        ),
        faults=faults,
        statistics=statistics,
        accuracies=accuracies,
        decided_by=decided_by,
        rate=rate,
        rule=when,
        flagged=flagged,
        rows_needed=needed,
        smallest_distance=smallest_distance(null, reference.baseline, len(rows), when.alpha)
        if statistics
        else None,
        reference=reference.columns,
        columns=columns,
        other_tags={tag: count for tag, count in sorted(tags.items()) if tag != reference.tag},
        found=found,
    )


def worst(verdicts: Sequence[str], fail_on: Sequence[str]) -> int:
    """The exit code of the gravest verdict among those that shall fail; 0 without any."""
    return next(
        (code for verdict, code in EXIT_CODES.items() if verdict in fail_on and verdict in verdicts), 0
    )


def _accuracies(
    rows: Sequence[Row], feedback: Sequence[Row], reference: Reference, alpha: float
) -> tuple[dict[str, Accuracy], str | None]:
    """The accuracy by each source that has labels, and the source that decides. Classifiers only."""
    if reference.task.problem_type != "single_label_classification":
        return {}, None
    counts = reference_counts(reference.rows)
    measured = {
        source: measure(list(pairs.values()), reference.task.labels, counts, alpha)
        for source, pairs in join(rows, feedback).items()
    }
    accuracies = {source: one for source, one in measured.items() if one}
    return accuracies, deciding_source({source: one.labels for source, one in accuracies.items()})


def _findings(true: Mapping[str, bool]) -> list[str]:
    """Those that hold, the gravest first; WATCH is less than DRIFT."""
    found = [finding for finding in EXIT_CODES if true.get(finding)]
    return [f for f in found if f != "WATCH" or "DRIFT" not in found] or ["OK"]


def _statistics(
    baseline: Baseline, columns: Columns, null: Null, rule: Rule, broken: Iterable[str]
) -> list[Statistic]:
    """By chance, or by rank where usual windows are known."""
    found = compare(baseline, baseline.bins.count(columns), null, rule.alpha, broken)
    return ranked(found, rule) if rule.usual else found


def ranked(statistics: Sequence[Statistic], rule: Rule) -> list[Statistic]:
    """The same statistics, judged by rank among usual windows."""
    p = rank(rule.usual, {one.column: one.distance for one in statistics})
    return [
        replace(one, p=p[one.column], drifted=has_drifted(p[one.column], rule.alpha, one.distance))
        for one in statistics
        if one.column in p
    ]
