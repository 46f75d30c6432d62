"""Which processor a command uses."""

from typing import TYPE_CHECKING

from ingest.errors import UserError

if TYPE_CHECKING:
    import torch

CHOICES = ("auto", "cpu", "cuda")


def choose(name: str) -> "torch.device":
    """`auto` takes CUDA where there is a device, else the CPU.

    UserError for an unknown name, and for `cuda` on a machine without one.
    """
    import torch

    if name not in CHOICES:
        raise UserError(f"--device {name!r} is not one of {', '.join(CHOICES)}")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise UserError("--device cuda: this machine has no CUDA device; use --device cpu or auto")
    return torch.device("cuda" if available and name != "cpu" else "cpu")
