"""infinity-emb's own server and /classify route on its optimum engine, which runs the folder's ONNX file.

The newest optimum that it accepts no longer imports beside torch 2.13: its exporter, which is not used here,
wants names that torch has dropped. They are put in its place by empty ones; nothing that serves is touched.
"""

import argparse
import os
import sys
from unittest.mock import MagicMock

import torch.onnx.symbolic_opset14 as dropped

NAMES = "_attention_scale _causal_attention_mask _onnx_symbolic _type_utils jit_utils symbolic_helper"
OPTIONS = (
    "--engine=optimum --device=cpu --onnx-disable-optimize --no-onnx-do-not-prefer-quantized "
    "--no-model-warmup --host=127.0.0.1 --log-level=warning --served-model-name=m"
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--batch", type=int, default=32)
    given = parser.parse_args()
    for name in NAMES.split():
        if not hasattr(dropped, name):
            setattr(dropped, name, MagicMock())
    from infinity_emb.cli import cli

    os.chdir(
        given.folder
    )  # of a local model infinity gives optimum the whole path, which it takes for a name
    options = ["--model-id=.", f"--port={given.port}", f"--batch-size={given.batch}"]
    sys.argv = ["infinity_emb", "v2", *options, *OPTIONS.split()]
    cli()


if __name__ == "__main__":
    main()
