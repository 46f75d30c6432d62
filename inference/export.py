"""The network as an ONNX graph with its weights inside; `python -m inference.export MODEL`.

The graph takes the same uint8 films as the network and standardises them itself, so that
serving needs no arithmetic of its own. Batch normalisation is folded into the convolutions.
"""

import argparse
import contextlib
import copy
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from inference.network import Classifier

OPSET = 18
OUTPUTS = ("logits", "scope")


class _Judge(nn.Module):
    """`Classifier.judge` as a forward pass, which is what an exporter traces."""

    def __init__(self, module: "Classifier") -> None:
        super().__init__()
        self.module = module

    def forward(self, films: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.module.judge(films)


def onnx_bytes(module: "Classifier", size: int) -> bytes:
    """The file's bytes: `films` (n, 1, size, size) uint8 in, `logits` and `scope` out.

    Traced, not compiled: torch's newer exporter makes a graph that is no faster and takes
    half a minute where this takes two seconds.
    """
    judge = _Judge(copy.deepcopy(module).cpu()).eval()
    example = torch.zeros(2, 1, size, size, dtype=torch.uint8)
    content = io.BytesIO()
    with torch.inference_mode(), _quietly():
        torch.onnx.export(
            judge,
            (example,),
            content,  # type: ignore[arg-type]  # a stream will do, whatever the stub says
            dynamo=False,
            opset_version=OPSET,
            input_names=["films"],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "n"} for name in ("films", *OUTPUTS)},
        )
    return content.getvalue()


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """The exporter prints, and warns of its own age."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def main() -> None:
    """The command line of this module: for a model that was saved without a graph."""
    from inference import checkpoint

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("model", type=Path, help="its card, its .safetensors or their folder")
    file = checkpoint.find_card(parser.parse_args().model)
    module, card = checkpoint.load(file)
    checkpoint.write_card(file, checkpoint.write_graph(file, module, card))


if __name__ == "__main__":
    main()
