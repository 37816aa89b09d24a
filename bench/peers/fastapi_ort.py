"""FastAPI + uvicorn + ONNX Runtime: the endpoint hands each text to a thread pool over one session."""

import argparse
import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from bench.peers.model import Answer, OrtClassifier


class Body(BaseModel):
    inputs: str


def app() -> FastAPI:
    """The application of one uvicorn process; the settings come through the environment to every worker."""
    model = OrtClassifier(os.environ["PEER_MODEL"], int(os.environ["PEER_THREADS"]))
    pool = ThreadPoolExecutor(int(os.environ["PEER_LANES"]))
    api = FastAPI()

    async def predict(body: Body) -> Answer:
        loop = asyncio.get_running_loop()
        return (await loop.run_in_executor(pool, model, [body.inputs]))[0]

    api.post("/predict")(predict)
    return api


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--lanes", type=int, default=2, help="threads of the pool in each")
    parser.add_argument("--threads", type=int, default=1, help="of one model call; 0: ONNX Runtime's default")
    given = parser.parse_args()
    os.environ["PEER_MODEL"] = given.folder
    os.environ["PEER_THREADS"], os.environ["PEER_LANES"] = str(given.threads), str(given.lanes)
    target = "bench.peers.fastapi_ort:app"
    uvicorn.run(target, factory=True, port=given.port, workers=given.workers, log_level="warning")


if __name__ == "__main__":
    main()
