"""A plain BentoML service with `batchable=True`, as its documentation shows it.

A batchable endpoint takes lists: one text is a list of one.
"""

import argparse
import os

import bentoml

from bench.peers.model import Answer, OrtClassifier


def setting(name: str, default: int) -> int:
    """Settings come through the environment: BentoML imports this file in each of its processes."""
    return int(os.environ.get(f"PEER_{name.upper()}", default))


class Classifier:
    def __init__(self) -> None:
        self._model = OrtClassifier(os.environ["PEER_FOLDER"], setting("threads", 0))

    @bentoml.api(batchable=True, max_batch_size=setting("batch", 100), max_latency_ms=60_000)
    def predict(self, inputs: list[str]) -> list[Answer]:
        return self._model(inputs)


svc = bentoml.service(name="plain", workers=setting("workers", 1))(Classifier)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--threads", type=int, default=0, help="of one model call; 0: ONNX Runtime's default")
    parser.add_argument("--batch", type=int, default=100)
    given = parser.parse_args()
    os.environ |= {f"PEER_{name.upper()}": str(value) for name, value in vars(given).items()}
    target = ["bentoml", "serve", "bench.peers.bentoml_batchable:svc", "--host", "127.0.0.1"]
    os.execvp("bentoml", [*target, "--port", str(given.port)])


if __name__ == "__main__":
    main()
