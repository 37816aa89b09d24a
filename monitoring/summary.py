"""A judgement in plain words: what happened and what to do."""

from monitoring.drift import DETECTABLE, MAX_ALPHA, MIN_DISTANCE, AlarmRate, Statistic
from monitoring.judge import Judgement
from monitoring.performance import MIN_LABELS, POWER, Accuracy

NAMES = {
    "label": "predicted label",
    "n_chars": "length in characters",
    "n_tokens": "length in tokens",
    "subword_rate": "rate of split words",
    "unk_rate": "rate of unknown tokens",
    "upper_share": "share of capitals",
    "non_letter_share": "share of non-letters",
}
LISTED = 3


def summary(judgement: Judgement) -> str:
    """Two to four sentences."""
    sentences = [TOLD[finding](judgement) for finding in judgement.findings if finding in TOLD]
    if judgement.decided_by and "PERFORMANCE" not in judgement.findings:
        sentences.append(_accuracy(judgement.accuracies[judgement.decided_by], judgement.decided_by))
    elif judgement.verdict == "OK":
        got = max((one.labels for one in judgement.accuracies.values()), default=0)
        sentences.append(f"Accuracy is not known: {got} labels came back, {MIN_LABELS} are needed.")
    return " ".join(sentence for sentence in sentences if sentence)


def rate_in_words(rate: AlarmRate) -> str:
    """How often a window without any change alarms."""
    return (
        f"A window without any change alarms with a probability of at most {rate.alpha:.2g}, which follows "
        f"from false_alarms_per_month: {rate.false_alarms_per_month:g} and "
        f"{number(rate.windows_per_month)} windows a month (never above {MAX_ALPHA})."
    )


def column_name(column: str) -> str:
    """The everyday name of a column."""
    return f"score of {column[6:-1]}" if column.startswith("probs[") else NAMES.get(column, column)


def number(value: float) -> str:
    """Three significant digits, without an exponent where that stays short."""
    return f"{value:,.0f}" if 100 <= abs(value) < 1e9 else f"{value:.3g}"


def move(one: Statistic) -> str:
    """`length in characters (mean 57.1, was 103)`."""
    return f"{column_name(one.column)} ({one.measure} {number(one.current)}, was {number(one.reference)})"


def accuracy_line(one: Accuracy, source: str) -> str:
    """Accuracy with its limits and what it is compared with."""
    return (
        f"{one.accuracy:.3f} by {one.labels:,} {source} labels "
        f"(95 % limits {one.low:.3f} to {one.high:.3f}), reference {one.reference_accuracy:.3f}"
    )


def _contract(judgement: Judgement) -> str:
    faults = "; ".join(f"{fault.column or 'log'}: {fault.message}" for fault in judgement.faults[:LISTED])
    more = f"; and {len(judgement.faults) - LISTED} more" if len(judgement.faults) > LISTED else ""
    return f"The log is not what the reference promises. {faults}{more}. Mend this first."


def _performance(judgement: Judgement) -> str:
    source = judgement.decided_by or ""
    caution = " Users answer mostly when unhappy: confirm it by a random audit." if source == "user" else ""
    line = accuracy_line(judgement.accuracies[source], source)
    return (
        f"The model is right less often than it was: accuracy {line}.{caution} Train on newer labelled data."
    )


def _drift(judgement: Judgement) -> str:
    drifted = [one for one in judgement.statistics if one.drifted]
    moves = ", ".join(move(one) for one in drifted[:LISTED])
    more = f" and {len(drifted) - LISTED} more" if len(drifted) > LISTED else ""
    advice = (
        "" if judgement.decided_by else " Label a random sample to learn whether its answers are still right."
    )
    return f"The traffic has moved away from the reference: {moves}{more}.{advice}"


def _insufficient(judgement: Judgement) -> str:
    n_rows, needed = len(judgement.columns), judgement.rows_needed
    if n_rows == 0 and judgement.faults:
        return ""  # the contract says why
    if needed is None:
        return "The reference has too few rows to compare any window with; train with more held-out rows."
    if not judgement.found.rows:
        return "Nothing was logged in this window. Is the service up, and is --logs its log folder?"
    return (
        f"{n_rows:,} rows are too few to judge drift: {needed:,} would do to see "
        f"{DETECTABLE:.0%} of the rows move. Judge a longer window."
    )


def _ok(judgement: Judgement) -> str:
    least = max(judgement.smallest_distance or 0, MIN_DISTANCE)
    return (
        f"Nothing moved beyond chance in {len(judgement.columns):,} rows; "
        f"to be seen, {least:.0%} of the rows must move."
    )


def _accuracy(one: Accuracy, source: str) -> str:
    seen = (
        f"; a drop of {one.smallest_drop:.3f} would have shown ({POWER:.0%} power)"
        if one.smallest_drop
        else ""
    )
    return f"Accuracy {accuracy_line(one, source)}{seen}."


TOLD = {
    "CONTRACT": _contract,
    "PERFORMANCE": _performance,
    "DRIFT": _drift,
    "INSUFFICIENT": _insufficient,
    "OK": _ok,
}
