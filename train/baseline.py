"""What a fine-tuned model has to beat: a bag of words, or of colours."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from bentos.pictures import open_picture
from train.data import Split, Splits

SIDE = 64  # pixels, to which pictures are resized


def tfidf_baseline(splits: Splits, n_labels: int) -> dict[str, float]:
    """Accuracy and macro F1 on the test split of TF-IDF 1-2-grams and logistic regression fitted on train."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, dtype=np.float32)
    train = vectorizer.fit_transform(_texts(splits.train))
    return _linear(train, vectorizer.transform(_texts(splits.test)), splits, n_labels)


def histogram_baseline(splits: Splits, n_labels: int) -> dict[str, float]:
    """The same of the roots of the shares of 8 x 8 x 8 colours in each picture."""
    train, test = (np.stack([_colours(p) for p in split.texts]) for split in (splits.train, splits.test))
    return _linear(train, test, splits, n_labels)


BASELINES: dict[str, Callable[[Splits, int], dict[str, float]]] = {
    "text-classification": tfidf_baseline,
    "image-classification": histogram_baseline,
}


def _linear(train: Any, test: Any, splits: Splits, n_labels: int) -> dict[str, float]:
    classifier = LogisticRegression(C=10, class_weight="balanced", max_iter=1000)
    guess = classifier.fit(train, splits.train.labels).predict(test)
    truth, ids = splits.test.labels, list(range(n_labels))
    return {
        "accuracy": float(np.mean(guess == np.asarray(truth))),
        "macro_f1": float(f1_score(truth, guess, labels=ids, average="macro", zero_division=0)),
        "n": len(truth),
    }


def _texts(split: Split) -> list[str]:
    return [text if isinstance(text, str) else "\n".join(text) for text in split.texts]


def _colours(picture: Any) -> NDArray[np.float64]:
    """[512]."""
    pixels = np.asarray(open_picture(picture.read()).resize((SIDE, SIDE)), np.int64) >> 5
    counts = np.bincount((pixels @ (64, 8, 1)).ravel(), minlength=512)
    return np.asarray(np.sqrt(counts / SIDE**2))
