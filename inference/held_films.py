"""The films that a recipe holds back for validation, as a CSV index that `evaluate` reads.

python -m inference.held_films DATASET… --recipe FILE.toml --source NAME > held.csv
"""

import argparse
import csv
import sys
from pathlib import Path

from inference.datasets import read_dataset
from inference.recipe import read_recipe
from inference.training_data import admitted, partition

COLUMNS = ("file", "label", "patient_id", "source", "aetiology", "age", "sex", "view")


def main() -> None:
    """Writes the index to standard output; files are named by their full paths."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="+", type=Path, help="what the model was trained on")
    parser.add_argument("--recipe", type=Path, required=True, help="how it was trained")
    parser.add_argument("--source", help="of this source alone")
    args = parser.parse_args()
    recipe = read_recipe(args.recipe)
    films = admitted([film for path in args.datasets for film in read_dataset(path)], recipe)
    _, held = partition(films, recipe.validation_share, recipe.seed)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    for film in held:
        if args.source in (None, film.source):
            cells = (film.label, film.patient, film.source, film.aetiology or "")
            writer.writerow((film.file.resolve(), *cells, film.age, film.sex, film.view))


if __name__ == "__main__":
    main()
