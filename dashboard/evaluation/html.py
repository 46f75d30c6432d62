"""An evaluation as one HTML file: no script, nothing from elsewhere, for light and dark."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from dashboard.evaluation.view import sections
from inference.evaluation_run import Evaluation
from ingest.errors import UserError


def html(done: Evaluation, datasets: Sequence[str]) -> str:
    """The page. Names of groups come from a user's files: the template engine escapes them."""
    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(_template),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("evaluation.html").render(
        report=done.report,
        card=done.card,
        datasets=", ".join(datasets),
        sections=sections(done),
        css=Markup(_template("evaluation.css").strip()),
    )


def check_target(target: Path) -> None:
    """Refuses, before any work is done, a file that cannot be written for want of a folder."""
    if target.is_dir():
        raise UserError(f"--report {target} is a folder; name a file")
    if not target.parent.is_dir():
        raise UserError(f"--report {target}: the folder {target.parent} does not exist")


def write(target: Path, page: str) -> None:
    """The page as a file; UserError where it cannot be written."""
    try:
        target.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError(f"--report {target} cannot be written: {error.strerror}") from None


def _template(name: str) -> str:
    return files("dashboard.evaluation").joinpath("templates", name).read_text(encoding="utf-8")
