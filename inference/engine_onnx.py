"""The engine of the CPU: the exported graph under ONNX Runtime. Torch is not imported."""

from pathlib import Path

import numpy as np
import onnxruntime

from inference.checkpoint import graph_bytes, read_card
from inference.engine import Array, Pending, Scores, check_films, core_count, in_batches

ERRORS_ONLY = 3  # ONNX Runtime's severities begin at 0, verbose


class OnnxEngine:
    """One session. Threads that have nothing to do sleep: the decode workers want the cores."""

    device = "cpu"

    def __init__(self, file: Path, batch: int = 32, threads: int | None = None) -> None:
        self.card = read_card(file)
        self.batch = batch
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or core_count()
        options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        options.enable_mem_pattern = False  # it keeps a second arena, for one size of batch alone
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            graph_bytes(file), options, providers=["CPUExecutionProvider"]
        )

    def begin(self, films: Array) -> Pending:
        """Runs at once: a CPU has nobody to hand the films to."""
        check_films(films, self.card)
        fed = {"films": np.ascontiguousarray(films[:, None])}
        logits, scope = self._session.run(["logits", "scope"], fed)
        scores = np.asarray(logits, dtype=np.float64), np.asarray(scope, dtype=np.float64)
        return lambda: scores

    def run(self, films: Array) -> Scores:
        """The scores of any number of films, `batch` at a time."""
        return in_batches(self, films)
