"""Ray Serve: replicas behind its HTTP proxy, one session each; texts one by one or by `serve.batch`."""

import argparse
import asyncio
import os
import signal

import ray
from ray import serve
from starlette.requests import Request

from bench.peers.model import Answer, OrtClassifier


class Classifier:
    def __init__(self, folder: str, threads: int) -> None:
        self._model = OrtClassifier(folder, threads)

    async def __call__(self, request: Request) -> Answer:
        return self._model([(await request.json())["inputs"]])[0]


class BatchClassifier(Classifier):
    @serve.batch(max_batch_size=16, batch_wait_timeout_s=0.005)
    async def _batch(self, texts: list[str]) -> list[Answer]:
        return self._model(texts)

    async def __call__(self, request: Request) -> Answer:
        answer: Answer = await self._batch((await request.json())["inputs"])
        return answer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=2, help="replicas")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--ongoing", type=int, default=5, help="max_ongoing_requests of a replica")
    parser.add_argument("--batch", action="store_true")
    given = parser.parse_args()
    variables = {"PYTHONPATH": os.getcwd()}
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env={"env_vars": variables})
    serve.start(http_options={"host": "127.0.0.1", "port": given.port})
    deploy = serve.deployment(
        name="classifier",
        num_replicas=given.workers,
        max_ongoing_requests=given.ongoing,
        ray_actor_options={"num_cpus": 0.5},  # what Ray counts, not what it enforces
    )
    deployment = deploy(BatchClassifier if given.batch else Classifier)
    serve.run(deployment.bind(given.folder, given.threads), route_prefix="/predict")
    asyncio.run(_until_told())
    serve.shutdown()
    ray.shutdown()


async def _until_told() -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await told.wait()


if __name__ == "__main__":
    main()
