"""The tree in the README, a line a file, from each module's own first line.

python -m tests.tree    prints it
"""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = {
    "ingest": "an X-ray comes in and becomes a Study, or a Rejection with a reason",
    "inference": "a Study's pixels become a Prediction; how the model is trained and judged",
    "warehouse": "predictions are kept, counted and turned into measures",
    "dashboard": "the faces: web pages, bulletins, command line (the composition root)",
}
FOLDERS = {
    "inference/recipes": "how the shipped model was trained",
    "inference/weights": "the shipped model, its card, its validation scores, the generator",
    "warehouse/cohorts": "trial cohorts: a grammar, bound SQL, attrition, exports, OMOP",
    "warehouse/queries": "SQL that counts: one SELECT a file",
    "warehouse/migrations": "numbered changes of the tables",
    "dashboard/commands": "one module for each command of `pneumowatch`",
    "dashboard/assets": "style sheet and script; nothing is fetched from elsewhere",
}
WIDTH = 34


def tree() -> str:
    """The whole tree as text."""
    lines = []
    for room, what in ROOMS.items():
        lines += [f"{room + '/':{WIDTH}}{what}", *_folder(ROOT / room, 1), ""]
    lines.append(f"{'tests/':{WIDTH}}mirrors the rooms; benchmarks/ and end_to_end/ beside them")
    return "\n".join(lines)


def _folder(folder: Path, depth: int) -> list[str]:
    lines = []
    for path in sorted(folder.iterdir()):
        name = path.relative_to(ROOT).as_posix()
        if name in FOLDERS:
            lines.append(_line(depth, f"{path.name}/", FOLDERS[name]))
        elif path.is_dir() and (path / "__init__.py").exists():
            lines.append(_line(depth, f"{path.name}/", ""))
            lines += _folder(path, depth + 1)
        elif path.suffix == ".py" and path.name != "__init__.py":
            lines.append(_line(depth, path.name, _first_line(path)))
    return lines


def _line(depth: int, name: str, what: str) -> str:
    return f"{'  ' * depth + name:{WIDTH}}{what}".rstrip()


def _first_line(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.splitlines()[0].rstrip(".")


if __name__ == "__main__":
    print(tree())
