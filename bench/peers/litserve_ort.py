"""LitServe: workers of their own process, one session each."""

import argparse
from typing import Any

import litserve

from bench.peers.model import Answer, OrtClassifier


class Classifier(litserve.LitAPI):
    """Texts one by one, or in LitServe's batches when `max_batch_size` is more than one."""

    def __init__(self, folder: str, threads: int, **settings: Any) -> None:
        super().__init__(**settings)
        self._folder, self._threads = folder, threads

    def setup(self, device: str) -> None:
        self._model = OrtClassifier(self._folder, self._threads)

    def decode_request(self, request: dict[str, Any]) -> str:
        return str(request["inputs"])

    def predict(self, x: Any) -> list[Answer]:
        return self._model(x if isinstance(x, list) else [x])

    def unbatch(self, output: list[Answer]) -> list[list[Answer]]:
        return [[answer] for answer in output]

    def encode_response(self, output: list[Answer]) -> Answer:
        return output[0]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--fast-queue", action="store_true")
    given = parser.parse_args()
    batching = {"max_batch_size": given.batch, "batch_timeout": 0.005} if given.batch > 1 else {}
    api = Classifier(given.folder, given.threads, api_path="/predict", **batching)
    server = litserve.LitServer(
        api,
        accelerator="cpu",
        workers_per_device=given.workers,
        fast_queue=given.fast_queue,
    )
    server.run(host="127.0.0.1", port=given.port, log_level="warning", generate_client_file=False)


if __name__ == "__main__":
    main()
