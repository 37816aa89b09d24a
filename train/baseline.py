"""What a fine-tuned model has to beat: a bag of words or of colours, biases of users and items."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

from bentos.pictures import open_picture
from bentos.task import Task
from train.data import Split, Splits
from train.multi_label import f1_scores
from train.regression import regression_metrics

WEIGHTS = (1, 3, 6, 10, 20, 40)  # of the overall mean in the bias of a user or an item, in ratings
ROUNDS = 5  # of fitting users and items in turn

Floats = NDArray[np.float64]

SIDE = 64  # pixels, to which pictures are resized


def tfidf_baseline(splits: Splits, task: Task) -> dict[str, Any]:
    """Metrics on the test split of TF-IDF 1-2-grams and a linear model fitted on train."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, dtype=np.float32)
    train = vectorizer.fit_transform(_texts(splits.train))
    return _linear(train, vectorizer.transform(_texts(splits.test)), splits, task)


def histogram_baseline(splits: Splits, task: Task) -> dict[str, Any]:
    """The same of the roots of the shares of 8 x 8 x 8 colours in each picture."""
    train, test = (np.stack([_colours(p) for p in split.texts]) for split in (splits.train, splits.test))
    return _linear(train, test, splits, task)


BASELINES: dict[str, Callable[[Splits, Task], dict[str, Any]]] = {
    "text-classification": tfidf_baseline,
    "image-classification": histogram_baseline,
}


def bias_baselines(splits: Splits) -> dict[str, dict[str, Any]]:
    """Of ratings with users and items: what their means alone say of the test split, by name.

    The biases are shrunken means (Koren 2008, "Factorization meets the neighborhood", section 2.1), users and
    items in turn; how far they are shrunken is chosen on the validation split.
    """
    train, test = splits.train, splits.test
    mean = float(np.mean(train.labels))
    scores = {"mean": np.full(len(test.labels), mean)}
    if all(train.items) and train.items:
        scores["item means"] = Biases(train, np.inf, WEIGHTS[1]).scores(test)
    if all(train.items) and train.items and all(train.users):
        weights = min(
            product(WEIGHTS, WEIGHTS), key=lambda pair: _rmse(Biases(train, *pair), splits.validation)
        )
        scores["user and item biases"] = Biases(train, *weights).scores(test)
    return {name: regression_metrics(one, test.labels, test.users) for name, one in scores.items()}


class Biases:
    """Overall mean plus the bias of a user and of an item; 0 for an unknown one."""

    def __init__(self, train: Split, user_weight: float, item_weight: float) -> None:
        labels = np.asarray(train.labels, np.float64)
        self._mean = float(labels.mean())
        self._users, users = _positions(train.users)
        self._items, items = _positions(train.items)
        self._of_user, self._of_item = np.zeros(len(self._users) + 1), np.zeros(len(self._items) + 1)
        for _ in range(ROUNDS):
            self._of_item[:-1] = _shrunken(labels - self._mean - self._of_user[users], items, item_weight)
            self._of_user[:-1] = _shrunken(labels - self._mean - self._of_item[items], users, user_weight)

    def scores(self, rows: Split) -> Floats:
        """The answers [n] to rows."""
        users = [self._users.get(user, -1) for user in rows.users]
        items = [self._items.get(item, -1) for item in rows.items]
        return np.asarray(self._mean + self._of_user[users] + self._of_item[items])


def _positions(names: Sequence[str | None]) -> tuple[dict[str | None, int], list[int]]:
    known = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return known, [known[name] for name in names]


def _shrunken(values: Floats, groups: list[int], weight: float) -> Floats:
    """The mean of each group, shrunken towards 0."""
    return np.asarray(np.bincount(groups, values) / (np.bincount(groups) + weight))


def _rmse(biases: Biases, rows: Split) -> float:
    return float(np.sqrt(np.mean((biases.scores(rows) - np.asarray(rows.labels)) ** 2)))


def _linear(train: Any, test: Any, splits: Splits, task: Task) -> dict[str, Any]:
    return LINEAR[task.problem_type](train, splits.train.labels, test, splits.test)


def _classes(train: Any, labels: list[int], test: Any, rows: Split) -> dict[str, Any]:
    classifier = LogisticRegression(C=10, class_weight="balanced", max_iter=1000).fit(train, labels)
    guess, truth = classifier.predict(test), rows.labels
    ids = sorted(set(labels))
    return {
        "accuracy": float(np.mean(guess == np.asarray(truth))),
        "macro_f1": float(f1_score(truth, guess, labels=ids, average="macro", zero_division=0)),
        "n": len(truth),
    }


def _several(train: Any, labels: list[Any], test: Any, rows: Split) -> dict[str, Any]:
    classifier = OneVsRestClassifier(LogisticRegression(C=10, max_iter=1000)).fit(
        train, np.asarray(labels, int)
    )
    guess, truth = np.asarray(classifier.predict(test), bool), np.asarray(rows.labels, bool)
    return {**f1_scores(guess, truth), "n": len(truth)}


def _numbers(train: Any, labels: list[float], test: Any, rows: Split) -> dict[str, Any]:
    return regression_metrics(Ridge(alpha=10).fit(train, labels).predict(test), rows.labels, rows.users)


def _texts(split: Split) -> list[str]:
    return [text if isinstance(text, str) else "\n".join(text) for text in split.texts]


def _colours(picture: Any) -> NDArray[np.float64]:
    """[512]."""
    pixels = np.asarray(open_picture(picture.read()).resize((SIDE, SIDE)), np.int64) >> 5
    counts = np.bincount((pixels @ (64, 8, 1)).ravel(), minlength=512)
    return np.asarray(np.sqrt(counts / SIDE**2))


LINEAR: dict[str, Callable[[Any, list[Any], Any, Split], dict[str, Any]]] = {
    "single_label_classification": _classes,
    "multi_label_classification": _several,
    "regression": _numbers,
}
