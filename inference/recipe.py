"""How a model is trained, as a TOML file that is kept with the weights."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from ingest.errors import ConfigurationError, InputError

RECIPES = Path(__file__).parent / "recipes"
_Record = TypeVar("_Record")


@dataclass(frozen=True, slots=True)
class SourceRecipe:
    """One source of films: its share of every batch, which rows, and on what terms."""

    name: str
    per_batch: int = 0  # 0: what the others leave, shared evenly
    require: Mapping[str, str] = field(default_factory=dict)
    balance: tuple[str, ...] = ("label", "aetiology")
    licence: str = ""
    attribution: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a training run, except the films themselves."""

    name: str = "model"
    architecture: str = "mobilenet_v2"
    initial_weights: str = "shipped"  # shipped, a package that carries a .pth, or "" for none
    size: int = 160
    batch: int = 32
    epochs: int = 8
    steps_per_epoch: int = 0  # 0: as many as one pass over the films takes
    learning_rate: float = 7e-4
    weight_decay: float = 0.02
    warmup: float = 0.06  # share of the steps
    label_smoothing: float = 0.05
    average: float = 0.99  # decay of the exponential weight average
    validation_share: float = 0.15
    seed: int = 1
    draw: int = 0  # another one shuffles and augments otherwise; the split stays the seed's
    leave_out: tuple[str, ...] = ()  # sources never trained on, that judge what transfers
    negative: str = ""  # the class that means "no disease"; "" means the one called normal
    intended_use: str = "Research and surveillance on frontal chest radiographs; not a diagnosis."
    ages: tuple[float, float] = (0.0, 120.0)
    views: tuple[str, ...] = ("PA", "AP")
    sources: tuple[SourceRecipe, ...] = ()
    members: tuple[Mapping[str, Any], ...] = ()  # of an ensemble: what each has otherwise

    def member(self, position: int) -> "Recipe":
        """One member's own recipe; `per_batch` in it overrules the sources' shares."""
        changes = dict(self.members[position])
        shares = changes.pop("per_batch", {})
        sources = tuple(
            replace(source, per_batch=shares.get(source.name, source.per_batch))
            for source in self.sources
        )
        return replace(self, members=(), sources=sources, **changes)

    @property
    def stream(self) -> int:
        """What batches and augmentation are drawn from."""
        return self.seed + 1_000_003 * self.draw

    def shortened(self, epochs: int) -> "Recipe":
        """The same with another number of epochs, for every member too."""
        members = tuple({**one, "epochs": epochs} for one in self.members)
        return replace(self, epochs=epochs, members=members)

    def source(self, name: str) -> SourceRecipe:
        """The part of the recipe for a source; a default one where it is not named."""
        return next((one for one in self.sources if one.name == name), SourceRecipe(name))

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def read_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file. Raises UserError naming the setting that is wrong."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"there is no recipe at {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not a TOML file ({error})", file=path) from error
    sources = tuple(_record(SourceRecipe, one, path) for one in content.pop("sources", []))
    recipe = _record(Recipe, content | {"sources": sources}, path)
    _check(recipe, path)
    for position, changes in enumerate(recipe.members):
        if unknown := set(changes) - {field.name for field in fields(Recipe)} - {"per_batch"}:
            raise InputError(f"a member has no setting {', '.join(sorted(unknown))}", file=path)
        _check(recipe.member(position), path)
    return recipe


def _record(kind: type[_Record], values: Mapping[str, Any], path: Path) -> _Record:
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    if unknown := set(values) - known:
        raise InputError(f"there is no setting {', '.join(sorted(unknown))}", file=path)
    if kind is SourceRecipe and "name" not in values:
        raise InputError("a source has no name", file=path)
    tuples = {key: tuple(one) if isinstance(one, list) else one for key, one in values.items()}
    return kind(**tuples)


def _check(recipe: Recipe, path: Path) -> None:
    """Wrong types and senseless sizes, said before an hour of training rather than after."""
    for item in fields(Recipe):
        value, default = getattr(recipe, item.name), item.default
        number = isinstance(default, float) and isinstance(value, int)
        if not (number or isinstance(value, type(default))):
            message = f"{value!r} is not of the type {type(default).__name__}"
            raise InputError(message, file=path, column=item.name)
    if min(recipe.size, recipe.batch, recipe.epochs) < 1 or not 0 < recipe.validation_share < 1:
        raise InputError(
            "size, batch and epochs must be 1 or more, validation_share between 0 and 1", file=path
        )
