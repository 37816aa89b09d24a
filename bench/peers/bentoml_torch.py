"""A plain BentoML service of a torch model with BentoML's own image, as its documentation shows it.

In a folder with this file and the model as `model`: bentoml build bentoml_torch:Classifier, then containerize
"""

from pathlib import Path
from typing import Any

import bentoml

# torch for CPUs, to be fair: the default brings gigabytes of CUDA. Let uv.toml say where it is found.
image = bentoml.images.Image(python_version="3.11", lock_python_packages=False)
image.python_packages("torch==2.13.0+cpu", "transformers==4.57.6")


@bentoml.service(name="plain-torch", image=image)
class Classifier:
    def __init__(self) -> None:
        from transformers import pipeline

        self._pipeline = pipeline("text-classification", str(Path(__file__).parent / "model"))

    @bentoml.api
    def predict(self, inputs: str) -> list[dict[str, Any]]:
        return list(self._pipeline(inputs))
