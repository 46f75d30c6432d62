"""The bulletin as one HTML file: no script, nothing from elsewhere, readable without style."""

from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from dashboard.bulletin.contents import Bulletin
from dashboard.bulletin.view import view

FONT = "Segoe UI, Helvetica Neue, Helvetica, Arial, sans-serif"


def html(bulletin: Bulletin) -> str:
    """The page; every name is escaped by the template engine, drawings escape their own."""
    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(template),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    style = Markup(template("bulletin.css").strip())
    return environment.get_template("bulletin.html").render(d=view(bulletin, FONT), css=style)


def template(name: str) -> str:
    """The text of a file beside this module, from wherever the package is installed."""
    return files("dashboard.bulletin").joinpath("templates", name).read_text(encoding="utf-8")
