"""Which processor a command uses. Only a machine with an NVIDIA device pays for torch here."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.errors import UserError

if TYPE_CHECKING:
    import torch

CHOICES = ("auto", "cpu", "cuda")
NVIDIA = tuple(map(Path, ("/proc/driver/nvidia", "/dev/nvidia0", "/dev/nvidiactl", "/dev/dxg")))


def resolve(name: str) -> str:
    """`cpu` or `cuda`; `auto` takes CUDA where there is a device.

    UserError for an unknown name, and for `cuda` on a machine without one.
    """
    if name not in CHOICES:
        raise UserError(f"--device {name!r} is not one of {', '.join(CHOICES)}")
    if name == "cpu" or (name == "auto" and not may_have_cuda()):
        return "cpu"
    import torch

    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise UserError("--device cuda: this machine has no CUDA device; use --device cpu or auto")
    return "cuda" if available else "cpu"


def choose(name: str) -> "torch.device":
    """The same as a torch device, for those who train."""
    import torch

    return torch.device(resolve(name))


def may_have_cuda() -> bool:
    """Without torch, whose import costs seconds: is there any sign of an NVIDIA device?"""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return visible.strip() not in ("", "-1")
    return any(path.exists() for path in NVIDIA)
