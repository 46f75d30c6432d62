"""The processor is chosen without torch where there is no sign of an NVIDIA device."""

import subprocess
import sys

import pytest

from inference.device import NVIDIA, choose, may_have_cuda, resolve
from inference.settings import InferenceSettings
from ingest.errors import ConfigurationError, UserError


def test_names() -> None:
    assert resolve("cpu") == "cpu"
    assert choose("cpu").type == "cpu"
    with pytest.raises(UserError, match="--device 'tpu' is not one of auto, cpu, cuda"):
        resolve("tpu")


@pytest.mark.parametrize(("visible", "may"), [("", False), ("-1", False), ("0", True)])
def test_a_hidden_device_is_none(monkeypatch: pytest.MonkeyPatch, visible: str, may: bool) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert may_have_cuda() is may


@pytest.mark.skipif(any(path.exists() for path in NVIDIA), reason="this machine has a device")
def test_cuda_without_a_device_is_the_users_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert resolve("auto") == "cpu"
    with pytest.raises(UserError, match="no CUDA device"):
        resolve("cuda")


def test_auto_does_not_load_torch_to_find_nothing() -> None:
    code = (
        "import os, sys; os.environ['CUDA_VISIBLE_DEVICES'] = ''\n"
        "from inference.device import resolve\n"
        "print(resolve('auto'), 'torch' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["cpu", "False"]


def test_the_batch_is_by_device_unless_it_is_set() -> None:
    assert InferenceSettings().batch_on("cpu") < InferenceSettings().batch_on("cuda")
    assert InferenceSettings(batch=7).batch_on("cuda") == 7


@pytest.mark.parametrize("wrong", [{"threads": 0}, {"batch": 0}, {"wait_seconds": -1.0}])
def test_settings_that_cannot_be_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=rf"\[inference\] {next(iter(wrong))} must be"):
        InferenceSettings(**wrong)  # type: ignore[arg-type]
