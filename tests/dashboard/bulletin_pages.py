"""Reading a bulletin's HTML and PDF as a reader's programs do."""

import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest


class Page(HTMLParser):
    """What a reader of the HTML gets: elements with attributes, and visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def tool(name: str, *arguments: object) -> str:
    if shutil.which(name) is None:
        pytest.skip(f"{name} (poppler-utils) is not installed")
    words = [name, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def pdf_text(content: bytes, folder: Path) -> str:
    (folder / "read.pdf").write_bytes(content)
    return " ".join(tool("pdftotext", "-raw", folder / "read.pdf", "-").split())


def pdf_pages(path: Path) -> int:
    lines = tool("pdfinfo", path).splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("Pages:")))
