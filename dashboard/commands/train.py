"""`pneumowatch train`: a classifier from labelled films, with its card and figures."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.errors import UserError

if TYPE_CHECKING:
    from inference.recipe import Recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "datasets",
        nargs="+",
        type=Path,
        metavar="DATASET",
        help="CLASS folders, train/val/test folders of them, or a CSV index (file,label,…)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    parser.add_argument("--recipe", type=Path, metavar="FILE.toml", help="how to train")
    parser.add_argument("--epochs", type=int, metavar="N", help="instead of the recipe's")
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda")
    parser.add_argument("--seed", type=int, metavar="N", help="instead of the recipe's")


def run(args: argparse.Namespace) -> int:
    from inference import training_run
    from inference.device import choose

    recipe = _recipe(args)
    done = training_run.run(args.datasets, args.out, recipe, choose(args.device))
    card = done.card
    print(f"model       {card.model_version}")
    print(f"weights     {done.weights}")
    print(f"films       {done.films} for training, {done.validation_films} for validation")
    if done.unreadable:
        print(f"unreadable  {done.unreadable} images were left out")
    best = done.chosen
    print(f"epoch       {best.epoch}: the last that does as well as the best on shifted films")
    print(f"validation  AUROC {best.validation_auroc:.3f}, other patients")
    print(f"shifted     AUROC {best.shifted_auroc:.3f}, the same films in an augmented view")
    print(f"threshold   {card.thresholds['surveillance']:.2f} ({card.negative_label} below it)")
    print("A score for surveillance, never a diagnosis.")
    return 0


def _recipe(args: argparse.Namespace) -> "Recipe":
    """The recipe asked for, or the default one, with the flags that overrule it."""
    from inference.recipe import Recipe, read_recipe

    recipe = read_recipe(args.recipe) if args.recipe else Recipe()
    if args.epochs is not None:
        if args.epochs < 1:
            raise UserError(f"--epochs {args.epochs}: expected 1 or more")
        recipe = recipe.shortened(args.epochs)
    if args.seed is not None:
        if args.seed < 0:
            raise UserError(f"--seed {args.seed}: expected 0 or more")
        recipe = replace(recipe, seed=args.seed)
    return recipe
