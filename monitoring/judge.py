"""The verdict of one window: the contract first, then accuracy and drift under one false-alarm rate."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bentos.request_log import Row
from monitoring.chance import Null
from monitoring.columns import Columns
from monitoring.contract import Fault, check_log, check_rows, check_tags
from monitoring.drift import (
    AlarmRate,
    Baseline,
    Statistic,
    Test,
    compare,
    has_drifted,
    rows_needed,
    smallest_distance,
    strongest,
)
from monitoring.errors import Errors
from monitoring.estimate import Estimate, estimate
from monitoring.history import Past
from monitoring.performance import Accuracy, deciding_source, join, measured, reference_pairs
from monitoring.ranking import Rule, alarms, rank, rule
from monitoring.reference import Reference
from monitoring.tally import Tally
from monitoring.windows import Window

# The gravest first. The exit code of a run is that of its gravest window.
EXIT_CODES = {"CONTRACT": 12, "PERFORMANCE": 11, "DRIFT": 10, "INSUFFICIENT": 20, "WATCH": 0, "OK": 0}


@dataclass(frozen=True)
class Judgement:
    """Everything found about one window."""

    window: Window
    task: str  # its name
    labels: tuple[str, ...]
    tag: str  # of the reference, and of the rows judged
    findings: list[str]  # the gravest first; never empty
    faults: list[Fault]
    statistics: list[Statistic]  # of each column the test that shows most; the furthest moved first
    effects: dict[str, float]  # of every test, by its name: what later windows are ranked by
    accuracies: dict[str, Accuracy | Errors]  # by source of the labels
    decided_by: str | None  # the source whose labels were tested
    estimate: Estimate | None  # of the accuracy, if only the class mix changed
    rate: AlarmRate
    rule: Rule
    flagged: bool  # drift beyond what is usual, whether or not it is an alarm yet
    rows_needed: int | None  # None: the reference is too small for any window
    smallest_distance: float | None  # that the rows at hand could alarm on
    reference: Columns
    tally: Tally  # of the rows that were judged

    @property
    def verdict(self) -> str:
        return self.findings[0]

    @property
    def other_tags(self) -> dict[str, int]:
        """Rows of other models, by their tags."""
        return {tag: count for tag, count in sorted(self.tally.logged.items()) if tag != self.tag}


def judge(
    window: Window,
    tally: Tally,
    feedback: Iterable[Row],
    reference: Reference,
    rate: AlarmRate,
    past: Sequence[Past] = (),
) -> Judgement:
    """Judge the rows of the reference's own model; whatever the log holds, this raises nothing.

    `past` are the windows of the same length before this one, the newest first.
    """
    faults = check_log(tally) + check_tags(tally.logged, reference.tag)
    faults += check_rows(tally, reference.tally, reference.task)
    accuracies, decided_by = _accuracies(tally, feedback, reference, rate.alpha / 2)
    drift_alpha = rate.alpha / 2 if decided_by else rate.alpha  # accuracy and drift share one rate
    when = rule(rate, drift_alpha, window, past)
    baseline = reference.baseline
    null = baseline.null(tally.sample.columns, tally.n_rows)
    tests = _tests(baseline, tally, null, when, {fault.column for fault in faults})
    statistics = strongest(tests)
    flagged = any(one.drifted for one in statistics)
    needed = rows_needed(null, baseline, when.alpha)
    return Judgement(
        window=window,
        task=reference.task.name,
        labels=reference.task.labels,
        tag=reference.tag,
        findings=_findings(
            {
                "CONTRACT": bool(faults),
                "PERFORMANCE": decided_by is not None and accuracies[decided_by].fell,
                "DRIFT": alarms(when, window, past, flagged),
                "INSUFFICIENT": not flagged and (needed is None or tally.n_rows < needed),
                "WATCH": flagged,
            }
        ),
        faults=faults,
        statistics=statistics,
        effects={one.name: one.effect for one in tests},
        accuracies=accuracies,
        decided_by=decided_by,
        estimate=estimate(tally, reference.rows, reference.task),
        rate=rate,
        rule=when,
        flagged=flagged,
        rows_needed=needed,
        smallest_distance=smallest_distance(null, baseline, tally.n_rows, when.alpha) if tests else None,
        reference=reference.columns,
        tally=tally,
    )


def worst(verdicts: Sequence[str], fail_on: Sequence[str]) -> int:
    """The exit code of the gravest verdict among those that shall fail; 0 without any."""
    return next(
        (code for verdict, code in EXIT_CODES.items() if verdict in fail_on and verdict in verdicts), 0
    )


def _accuracies(
    tally: Tally, feedback: Iterable[Row], reference: Reference, alpha: float
) -> tuple[dict[str, Accuracy | Errors], str | None]:
    """The accuracy, or the errors, by each source that has labels, and the source that decides."""
    task = reference.task
    of_reference = reference_pairs(reference.rows, task)
    found = {
        source: measured(list(pairs.values()), of_reference, task, reference.interval, alpha)
        for source, pairs in join(tally.answered, feedback, task).items()
    }
    accuracies = {source: one for source, one in found.items() if one}
    return accuracies, deciding_source({source: one.labels for source, one in accuracies.items()})


def _findings(true: Mapping[str, bool]) -> list[str]:
    """Those that hold, the gravest first; WATCH is less than DRIFT."""
    found = [finding for finding in EXIT_CODES if true.get(finding)]
    return [f for f in found if f != "WATCH" or "DRIFT" not in found] or ["OK"]


def _tests(
    baseline: Baseline, tally: Tally, null: Null[Test], rule: Rule, broken: Iterable[str]
) -> list[Statistic]:
    """By chance, or by rank where usual windows are known."""
    found = compare(baseline, tally.counts, null, rule.alpha, broken)
    return ranked(found, rule) if rule.usual else found


def ranked(statistics: Sequence[Statistic], rule: Rule) -> list[Statistic]:
    """The same statistics, judged by rank among usual windows."""
    p = rank(rule.usual, {one.name: one.effect for one in statistics})
    return [
        replace(one, p=p[one.name], drifted=has_drifted(p[one.name], rule.alpha, one.distance))
        for one in statistics
        if one.name in p
    ]
