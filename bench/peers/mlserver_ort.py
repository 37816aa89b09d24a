"""MLServer with a small custom runtime: its V2 protocol (and adaptive batching), or a custom handler."""

import argparse
import json
import os
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from mlserver import MLModel
from mlserver.codecs import StringCodec
from mlserver.handlers import custom_handler
from mlserver.types import InferenceRequest, InferenceResponse

from bench.peers.model import Answer, OrtClassifier


class Classifier(MLModel):
    """`answers` has a JSON text for each text given."""

    async def load(self) -> bool:
        self._model = OrtClassifier(os.environ["PEER_MODEL"], int(os.environ["PEER_THREADS"]))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        answers = self._model(StringCodec.decode_input(payload.inputs[0]))
        output = StringCodec.encode_output("answers", [json.dumps(answer) for answer in answers])
        return InferenceResponse(model_name=self.name, outputs=[output])

    @custom_handler(rest_path="/predict")
    async def classify(self, body: dict[str, str]) -> Answer:
        return self._model([body["inputs"]])[0]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--port", type=int, required=True, help="and the two after it, for gRPC and metrics")
    parser.add_argument("--workers", type=int, default=2, help="processes; 0: in the server's own")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=0)
    given = parser.parse_args()
    os.environ["PEER_MODEL"], os.environ["PEER_THREADS"] = given.folder, str(given.threads)
    ports = {"http_port": given.port, "grpc_port": given.port + 1, "metrics_port": given.port + 2}
    settings = {"host": "127.0.0.1", "debug": False, "parallel_workers": given.workers, **ports}
    model: dict[str, Any] = {"name": "m", "implementation": "bench.peers.mlserver_ort.Classifier"}
    if given.batch:
        model |= {"max_batch_size": given.batch, "max_batch_time": 0.005}
    folder = Path(mkdtemp(prefix="mlserver-"))
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(model))
    os.execvp("mlserver", ["mlserver", "start", str(folder)])


if __name__ == "__main__":
    main()
