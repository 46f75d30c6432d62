"""Which model a command works with: a folder, a version by its name, or the promoted one."""

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
        promoted = _promoted(home)
        return choose_model(home, promoted) if promoted else checkpoint.shipped_model()
    if Path(wanted).exists():
        return checkpoint.find_card(Path(wanted))
    known = {file.stem: file.with_suffix(".json") for file in _weights(home)}
    if wanted not in known:
        raise UserError(
            f"there is no model {wanted!r}: no such folder, and no such version; "
            f"there are {', '.join(sorted(known))}"
        )
    return known[wanted]


def _promoted(home: Path) -> str | None:
    """The version that the home's warehouse has promoted; None without a warehouse."""
    if not Home(home).catalog.exists():
        return None
    from dashboard.context import open_warehouse
    from warehouse.models import registry
    from warehouse.versions import resolve

    with open_warehouse(home, read_only=True) as warehouse:
        rows = registry(warehouse, resolve(warehouse).commit_number)
    return next((row["model_version"] for row in rows if row["promoted_at"] is not None), None)


def _weights(home: Path) -> list[Path]:
    """Weights that have a card beside them: the package's, then the home's."""
    files = [*checkpoint.SHIPPED.glob("*.safetensors"), *Home(home).models.glob("*.safetensors")]
    return [file for file in files if file.with_suffix(".json").is_file()]
