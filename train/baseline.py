"""The bag of words that a fine-tuned model has to beat."""

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from train.data import Split, Splits


def tfidf_baseline(splits: Splits, n_labels: int) -> dict[str, float]:
    """Accuracy and macro F1 on the test split of TF-IDF 1-2-grams and logistic regression fitted on train."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, dtype=np.float32)
    classifier = LogisticRegression(C=10, class_weight="balanced", max_iter=1000)
    classifier.fit(vectorizer.fit_transform(_texts(splits.train)), splits.train.labels)
    guess = classifier.predict(vectorizer.transform(_texts(splits.test)))
    truth, ids = splits.test.labels, list(range(n_labels))
    return {
        "accuracy": float(np.mean(guess == np.asarray(truth))),
        "macro_f1": float(f1_score(truth, guess, labels=ids, average="macro", zero_division=0)),
        "n": len(truth),
    }


def _texts(split: Split) -> list[str]:
    return [text if isinstance(text, str) else "\n".join(text) for text in split.texts]
