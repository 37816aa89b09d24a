"""A judgement in plain words: what happened and what to do."""

from monitoring.drift import DETECTABLE, MIN_DISTANCE, Statistic
from monitoring.errors import Errors
from monitoring.estimate import Estimate
from monitoring.explain import Explanation
from monitoring.judge import Judgement
from monitoring.language import UNKNOWN
from monitoring.performance import MIN_LABELS, POWER, Accuracy
from monitoring.slices import Slice
from monitoring.words import Words

NAMES = {
    "label": "predicted label",
    "tokens": "words",
    "n_chars": "length in characters",
    "n_tokens": "length in tokens",
    "subword_rate": "rate of split words",
    "unk_rate": "rate of unknown tokens",
    "upper_share": "share of capitals",
    "non_letter_share": "share of non-letters",
    "mean": "brightness",
    "std": "contrast",
}
LISTED = 3
NAMED = 5  # words that came, and that went


def summary(judgement: Judgement, explanation: Explanation | None) -> str:
    """Two to five sentences: what was found, of a flagged window what moved and where, and what to do."""
    sentences = [TOLD[finding](judgement) for finding in judgement.findings if finding in TOLD]
    if explanation and judgement.verdict != "CONTRACT":  # what is to be mended first may be all of it
        sentences += _explained(explanation)
    if judgement.decided_by and "PERFORMANCE" not in judgement.findings:
        sentences.append(_accuracy(judgement.accuracies[judgement.decided_by], judgement.decided_by))
    elif judgement.verdict == "OK":
        got = max((one.labels for one in judgement.accuracies.values()), default=0)
        sentences.append(f"Accuracy is not known: {got} labels came back, {MIN_LABELS} are needed.")
    sentences.append(_advice(judgement))
    return " ".join(sentence for sentence in sentences if sentence)


def rule_in_words(judgement: Judgement) -> str:
    """How often a window without any change is flagged, how that is known, and what makes an alarm."""
    rule, rate = judgement.rule, judgement.rate
    known = (
        f"by rank among {len(rule.usual)} ordinary windows before it"
        if rule.usual
        else "by dealing its rows and those of the reference out anew"
    )
    alarm = " Two flagged windows in a row are an alarm." if rule.in_a_row == 2 else ""
    return (
        f"A window without any change is flagged with a probability of {rule.alpha:.2g}, known {known}."
        f"{alarm} The rate follows from false_alarms_per_month: {rate.false_alarms_per_month:g} and "
        f"{number(rate.windows_per_month)} windows a month."
    )


def column_name(column: str) -> str:
    """The everyday name of a column."""
    return f"score of {column[6:-1]}" if column.startswith("probs[") else NAMES.get(column, column)


def number(value: float) -> str:
    """Three significant digits, without an exponent where that stays short."""
    return f"{value:,.0f}" if 100 <= abs(value) < 1e9 else f"{value:.3g}"


def chance(p: float) -> str:
    """A probability; the smallest ones are of a tail that was never seen."""
    return number(p) if p >= 1e-6 else "< 1e-6"


def move(one: Statistic) -> str:
    """`length in characters (share above 57: 61 %, was 22 %)`."""
    return f"{column_name(one.column)} ({one.measure}: {share(one.current)}, was {share(one.reference)})"


def share(value: float) -> str:
    """`0.3 %`, `22 %`."""
    return f"{100 * value:.2g} %" if value < 0.1 else f"{value:.0%}".replace("%", " %")


def accuracy_line(one: Accuracy | Errors, source: str) -> str:
    """Accuracy, or error, with its limits and what it is compared with."""
    if isinstance(one, Errors):
        return _errors_line(one, source)
    return (
        "accuracy "
        f"{one.accuracy:.3f} by {one.labels:,} {source} labels "
        f"(95 % limits {one.low:.3f} to {one.high:.3f}), reference {one.reference_accuracy:.3f}"
    )


def _errors_line(one: Errors, source: str) -> str:
    inside = ""
    if one.inside:
        inside = f"; {share(one.inside.share)} inside the interval that promises {share(one.inside.coverage)}"
    return (
        f"RMSE {number(one.rmse)} by {one.labels:,} {source} labels (95 % limits {number(one.low)} to "
        f"{number(one.high)}), reference {number(one.reference_rmse)}; mean error {number(one.bias)}, "
        f"reference {number(one.reference_bias)}{inside}"
    )


def estimate_line(one: Estimate) -> str:
    """The estimated accuracy, under the name that says what it is worth."""
    mix = ", ".join(f"{share(part)} {label}" for label, part in one.class_shares.items())
    return f"Accuracy if only the class mix changed, estimated without labels: {one.accuracy:.3f} ({mix})."


def _contract(judgement: Judgement) -> str:
    faults = "; ".join(f"{fault.column or 'log'}: {fault.message}" for fault in judgement.faults[:LISTED])
    more = f"; and {len(judgement.faults) - LISTED} more" if len(judgement.faults) > LISTED else ""
    return f"The log is not what the reference promises. {faults}{more}. Mend this first."


def _performance(judgement: Judgement) -> str:
    source = judgement.decided_by or ""
    one = judgement.accuracies[source]
    how = "errs otherwise than it did" if isinstance(one, Errors) else "is right less often than it was"
    return f"The model {how}: {accuracy_line(one, source)}."


def _drift(judgement: Judgement) -> str:
    return f"The traffic has moved away from the reference: {_moves(judgement)}."


def _watch(judgement: Judgement) -> str:
    return f"Flagged for the first time: {_moves(judgement)}."


def _advice(judgement: Judgement) -> str:
    """What to do."""
    if "PERFORMANCE" in judgement.findings:
        if judgement.decided_by == "user":
            return (
                "Users answer mostly when unhappy: confirm it by a random audit, then train on newer labels."
            )
        return "Train on newer labelled data."
    if "WATCH" in judgement.findings:
        return "It is an alarm if the next window is flagged too."
    if "DRIFT" in judgement.findings and not judgement.decided_by:
        return "Label a random sample to learn whether its answers are still right."
    return ""


def _explained(explanation: Explanation) -> list[str]:
    """The words and the place, a sentence each."""
    words, places = explanation.words, explanation.places
    told = [_words(words)] if words and (words.gained or words.lost) else []
    return [*told, *(f"Most of it is in {where(place)}." for place in places[:1])]


def _words(words: Words) -> str:
    """`Texts now hold more of das?, ist?; less of story, the.`"""
    sides = {"more of": words.gained, "less of": words.lost}
    told = [f"{how} {', '.join(m.name for m in moves[:NAMED])}" for how, moves in sides.items() if moves]
    return f"Texts now hold {'; '.join(told)}."


def where(one: Slice) -> str:
    """`app=730 (31 % of the rows, rate of split words at a distance of 0.42; elsewhere 0.05)`."""
    apart = f"distance of {one.distances[one.column]:.2f}; elsewhere {one.elsewhere[one.column]:.2f}"
    return f"{slice_name(one)} ({rows_of(one)}, {column_name(one.column)} at a {apart})"


def slice_name(one: Slice) -> str:
    """`texts of 13 to 30 tokens`, `texts in German`, `app=730`."""
    if one.by == "language":
        return "texts in no clear language" if one.name == UNKNOWN else f"texts in {one.name}"
    return f"texts of {one.name}" if one.by == "length" else one.name


def rows_of(one: Slice) -> str:
    """`31 % of the rows, were 20 %`; the reference has no tags."""
    was = "" if one.reference_share is None else f", were {share(one.reference_share)}"
    return f"{share(one.share)} of the rows{was}"


def _moves(judgement: Judgement) -> str:
    """What has drifted, the furthest first."""
    drifted = [one for one in judgement.statistics if one.drifted]
    more = f" and {len(drifted) - LISTED} more" if len(drifted) > LISTED else ""
    return ", ".join(move(one) for one in drifted[:LISTED]) + more


def _insufficient(judgement: Judgement) -> str:
    n_rows, needed = judgement.tally.n_rows, judgement.rows_needed
    if n_rows == 0 and judgement.faults:
        return ""  # the contract says why
    if needed is None:
        return "The reference has too few rows to compare any window with; train with more held-out rows."
    if not judgement.tally.logged:
        return "Nothing was logged in this window. Is the service up, and is --logs its log folder?"
    return (
        f"{n_rows:,} rows are too few to judge drift: {needed:,} would do to see "
        f"{DETECTABLE:.0%} of the rows move. Judge a longer window."
    )


def _ok(judgement: Judgement) -> str:
    least = max(judgement.smallest_distance or 0, MIN_DISTANCE)
    return (
        f"Nothing moved beyond chance in {judgement.tally.n_rows:,} rows; "
        f"to be seen, {least:.0%} of the rows must move."
    )


def _accuracy(one: Accuracy | Errors, source: str) -> str:
    least = one.smallest_rise if isinstance(one, Errors) else one.smallest_drop
    kind = "rise" if isinstance(one, Errors) else "drop"
    seen = f"; a {kind} of {least:.3f} would have shown ({POWER:.0%} power)" if least else ""
    return f"{told(one, source)}{seen}."


def told(one: Accuracy | Errors, source: str) -> str:
    """The line as the beginning of a sentence."""
    line = accuracy_line(one, source)
    return line[0].upper() + line[1:]


TOLD = {
    "CONTRACT": _contract,
    "PERFORMANCE": _performance,
    "DRIFT": _drift,
    "INSUFFICIENT": _insufficient,
    "WATCH": _watch,
    "OK": _ok,
}
