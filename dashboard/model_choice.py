"""Which model a command works with: a folder, a version by its name, or the promoted one."""

import sys
from pathlib import Path

from inference import checkpoint
from ingest.errors import UserError
from warehouse.home import Home


def choose_model(home: Path, wanted: str | None = None) -> Path:
    """The card of the model asked for; without one the home's promoted model, or the shipped.

    wanted: a folder or file, or a version that is registered in the home or came with the
    package. No home is needed. Raises UserError naming the versions that there are.
    """
    if wanted is None:
        return _promoted(home) or checkpoint.shipped_model()
    if Path(wanted).exists():
        return checkpoint.find_card(Path(wanted))
    known = {file.stem: file.with_suffix(".json") for file in _weights(home)}
    if wanted not in known:
        raise UserError(
            f"there is no model {wanted!r}: no such folder, and no such version; "
            f"there are {', '.join(sorted(known))}"
        )
    return known[wanted]


def _promoted(home: Path) -> Path | None:
    """The card of the promoted version; None without a home, or where a shipped one is gone.

    An upgrade replaces the shipped weights; the next command that scores promotes the new ones.
    """
    from dashboard.context import has_home, open_warehouse

    if not has_home(home):
        return None
    from warehouse.model_files import obtain
    from warehouse.models import ADDED, champion

    with open_warehouse(home, read_only=True) as warehouse:
        best = champion(warehouse)
        if best is None:
            return None
        try:
            return obtain(warehouse, best["model_version"])
        except UserError:
            if best["origin"] == ADDED:
                raise
    print(f"{best['model_version']} is gone; this is the shipped model", file=sys.stderr)
    return None


def _weights(home: Path) -> list[Path]:
    """Weights that have a card beside them: the package's, then the home's."""
    files = [*checkpoint.SHIPPED.glob("*.safetensors"), *Home(home).models.glob("*.safetensors")]
    return [file for file in files if file.with_suffix(".json").is_file()]
