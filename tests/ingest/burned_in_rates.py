"""How often `ingest.burned_in` flags real films, and how much of the text drawn on them it finds.

    python -m tests.ingest.burned_in_rates DIR… [--most 300] [--flagged OUT.png]

Each DIR is a folder of JPEG or PNG films. Text is drawn on those in which none was found. With
--flagged, what was flagged is drawn into one picture, to be judged by eye: real films do hold
text, and the share flagged is not the share of false alarms.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ingest.burned_in import Box, find
from ingest.problem import ProblemError
from ingest.raster import decode_gray
from tests.ingest.lettering import CORNERS, large_film, lettered

SIZES = (8, 10, 12, 16, 24, 40, 64)  # pixels of the font, whose capitals have 0.7 of it
SHADES = {"white": 1.0, "light grey": 0.8, "black": 0.0}
_DRAWN_ON = 12  # films of each folder
_TILE, _ACROSS = 160, 12


def films(folder: Path, most: int) -> Iterator[np.ndarray]:
    """Every so-manieth film of a folder."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    for path in paths[:: max(1, len(paths) // most)][:most]:
        try:
            yield decode_gray(path)
        except ProblemError:
            continue


def main() -> None:
    """Print both rates for each folder, and for a film of a detector's size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--most", type=int, default=300)
    parser.add_argument("--flagged", type=Path)
    options = parser.parse_args()
    tiles: list[Image.Image] = []
    find(large_film())  # imports what it needs
    for folder in options.folders:
        clean = _flagged(folder, options.most, tiles)
        _detected(f"{folder.parent.name}/{folder.name}", clean[:: max(1, len(clean) // _DRAWN_ON)])
    _detected("made, 2,000 by 1,800 pixels", [large_film(seed=seed) for seed in range(3)])
    _timed()
    if options.flagged and tiles:
        _sheet(tiles).save(options.flagged)


def _flagged(folder: Path, most: int, tiles: list[Image.Image]) -> list[np.ndarray]:
    clean: list[np.ndarray] = []
    count, flagged, seconds = 0, 0, 0.0
    for pixels in films(folder, most):
        began = time.perf_counter()
        boxes = find(pixels)
        seconds += time.perf_counter() - began
        count += 1
        flagged += bool(boxes)
        if boxes:
            tiles.append(_tile(pixels, boxes))
        elif min(pixels.shape) >= 224:
            clean.append(pixels)
    print(
        f"{folder.parent.name}/{folder.name}: {flagged} of {count} films flagged, "
        f"{1000 * seconds / max(1, count):.1f} ms a film"
    )
    return clean


def _detected(name: str, clean: list[np.ndarray]) -> None:
    print(f"  text drawn on {len(clean)} films of {name}; share of films in which it is found")
    print("  " + "font".rjust(12) + "".join(f"{size:>7}" for size in SIZES))
    for shade_name, shade in SHADES.items():
        for deep in (False, True):
            row = [_share(clean, size, shade, deep) for size in SIZES]
            label = f"{shade_name} {16 if deep else 8}".rjust(14)
            print(label + "".join(f"{share:7.2f}" for share in row))


def _share(clean: list[np.ndarray], size: int, shade: float, deep: bool) -> float:
    found = []
    for number, pixels in enumerate(clean):
        film = pixels.astype(np.uint16) * 257 if deep and pixels.dtype == np.uint8 else pixels
        corner = CORNERS[number % len(CORNERS)]
        found.append(bool(find(lettered(film, size, corner=corner, shade=shade))))
    return float(np.mean(found)) if found else float("nan")


def _timed() -> None:
    for deep in (False, True):
        pixels = large_film() if not deep else large_film().astype(np.uint16) * 257
        times = []
        for film in (pixels, lettered(pixels, 32)):
            began = time.perf_counter()
            for _ in range(10):
                find(film)
            times.append(100 * (time.perf_counter() - began))
        print(
            f"2,000 by 1,800 pixels, {16 if deep else 8} bits: {times[0]:.1f} ms without text, "
            f"{times[1]:.1f} ms with four lines"
        )


def _tile(pixels: np.ndarray, boxes: list[Box]) -> Image.Image:
    shown = (pixels >> 8).astype(np.uint8) if pixels.dtype == np.uint16 else pixels
    image = Image.fromarray(shown).convert("RGB")
    for box in boxes:
        edges = (box.left - 1, box.top - 1, box.right, box.bottom)
        ImageDraw.Draw(image).rectangle(edges, outline=(255, 0, 0))
    first = boxes[0]
    y, x = (first.top + first.bottom) // 2, (first.left + first.right) // 2
    reach = max(60, int(0.7 * max(first.right - first.left, first.bottom - first.top)))
    return image.crop((x - reach, y - reach, x + reach, y + reach)).resize((_TILE, _TILE))


def _sheet(tiles: list[Image.Image]) -> Image.Image:
    sheet = Image.new("RGB", (_TILE * _ACROSS, _TILE * -(-len(tiles) // _ACROSS)))
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number % _ACROSS * _TILE, number // _ACROSS * _TILE))
    return sheet


if __name__ == "__main__":
    main()
