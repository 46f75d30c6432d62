"""Strong augmentation of a whole batch in torch.

It separates a transferable model from one that has learnt a hospital's exposure, crop and
compression. Films are (n, 1, s, s) float in 0..255, and stay so. Every draw comes from one
seeded numpy generator, so that a run can be repeated.
"""

import io
import math

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

ROTATION = math.radians(12)
SHIFT = 0.08  # of the width
SCALE = math.log(1.2)
ASPECT = math.log(1.12)
SHEAR = 0.08
GAMMA = math.log(1.6)


def augment(films: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """A new view of every film: geometry, exposure, sharpness, noise, JPEG, erasing."""
    films = _geometry(films, rng)
    films = _exposure(films, rng)
    films = _sharpness(films, rng)
    films = _noise(films, rng)
    films = _compression(films, rng)
    return _erasing(films, rng).clamp(0.0, 255.0)


def _geometry(films: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Rotation, shift, scale, aspect, shear and a mirror image, in one resampling."""
    n = len(films)
    angle = rng.uniform(-ROTATION, ROTATION, n)
    scale = np.exp(rng.uniform(-SCALE, SCALE, n))
    aspect = np.exp(rng.uniform(-ASPECT, ASPECT, n))
    shear = rng.uniform(-SHEAR, SHEAR, n)
    mirror = rng.choice([-1.0, 1.0], n)
    cos, sin = np.cos(angle), np.sin(angle)
    across = np.stack([cos * scale * aspect, (shear - sin) * scale], axis=1)
    down = np.stack([sin * scale, cos * scale / aspect], axis=1)
    across *= mirror[:, None]
    shift = rng.uniform(-2 * SHIFT, 2 * SHIFT, (n, 2, 1))  # the grid is 2 wide
    theta = np.concatenate([np.stack([across, down], axis=1), shift], axis=2)
    grid = functional.affine_grid(
        torch.as_tensor(theta, dtype=films.dtype), list(films.shape), align_corners=False
    ).to(films.device)
    padding = "border" if rng.random() < 0.5 else "zeros"
    return functional.grid_sample(films, grid, padding_mode=padding, align_corners=False)


def _exposure(films: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Gamma, contrast and brightness; what leaves the range is clipped as a scanner does."""
    n = len(films)
    gamma = _column(np.exp(rng.uniform(-GAMMA, GAMMA, n)), films)
    contrast = _column(np.exp(rng.uniform(-0.5, 0.35, n)), films)
    brightness = _column(rng.uniform(-25, 25, n), films)
    films = (films / 255.0).clamp(0, 1).pow(gamma) * 255.0
    mean = films.mean(dim=(1, 2, 3), keepdim=True)
    return ((films - mean) * contrast + mean + brightness).clamp(0, 255)


def _sharpness(films: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Blurred or sharpened: a Gaussian of its own for each film, mixed by a signed weight."""
    n, _, size, _ = films.shape
    sigma = rng.uniform(0.4, 2.0, n) * size / 224
    offsets = np.arange(-4, 5)
    kernels = np.exp(-0.5 * (offsets[None] / sigma[:, None]) ** 2)
    kernels /= kernels.sum(axis=1, keepdims=True)
    weights = torch.as_tensor(kernels, dtype=films.dtype, device=films.device)
    stacked = films.transpose(0, 1)
    rows = functional.conv2d(stacked, weights[:, None, None, :], padding=(0, 4), groups=n)
    blurred = functional.conv2d(rows, weights[:, None, :, None], padding=(4, 0), groups=n)
    mix = np.where(rng.random(n) < 0.5, rng.uniform(-0.6, 1.0, n), 0.0)
    return films + _column(mix, films) * (blurred.transpose(0, 1) - films)


def _noise(films: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Quantum noise in half of the films, up to a quarter of the film's own contrast.

    It is white, or (half of the time) coarser than a pixel.
    """
    n, _, size, _ = films.shape
    level = _column(np.where(rng.random(n) < 0.5, rng.uniform(0, 0.25, n), 0.0), films)
    level = level * films.std(dim=(1, 2, 3), keepdim=True)
    if rng.random() < 0.5:
        size = max(8, size // 2)
    grain = torch.as_tensor(rng.standard_normal((n, 1, size, size), dtype=np.float32))
    grain = functional.interpolate(grain, size=films.shape[2:], mode="bilinear")
    return films + level * grain.to(films.device)


def _compression(films: torch.Tensor, rng: np.random.Generator, share: float = 0.3) -> torch.Tensor:
    """A JPEG round trip at quality 25 to 90 for a share of the films."""
    chosen = np.flatnonzero(rng.random(len(films)) < share)
    pixels = films[chosen, 0].clamp(0, 255).byte().cpu().numpy()
    for index, film in zip(chosen.tolist(), pixels, strict=True):
        stream = io.BytesIO()
        Image.fromarray(film).save(stream, "JPEG", quality=int(rng.integers(25, 91)))
        decoded = np.asarray(Image.open(stream), dtype=np.float32)
        films[index, 0] = torch.as_tensor(decoded).to(films.device)
    return films


def _erasing(films: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Borders of some films blanked (they tell the hospital), patches of some painted over."""
    size = films.shape[-1]
    for film in films:
        if rng.random() < 0.3:
            _blank_border(film, rng, int(rng.integers(1, max(2, size // 10))))
        if rng.random() < 0.4:
            _paint_patch(film, rng)
    return films


def _blank_border(film: torch.Tensor, rng: np.random.Generator, width: int) -> None:
    value = float(rng.choice([0.0, float(film.mean()), 255.0], p=[0.7, 0.2, 0.1]))
    film[:, :width] = film[:, -width:] = value
    film[..., :width] = film[..., -width:] = value


def _paint_patch(film: torch.Tensor, rng: np.random.Generator) -> None:
    size = film.shape[-1]
    height, width = rng.integers(size // 16, size // 3, 2)
    top, left = rng.integers(0, size - height), rng.integers(0, size - width)
    film[:, top : top + height, left : left + width] = float(rng.uniform(0, 255))


def _column(values: np.ndarray, films: torch.Tensor) -> torch.Tensor:
    """One value per film, shaped to broadcast over its pixels."""
    return torch.as_tensor(values, dtype=films.dtype, device=films.device)[:, None, None, None]
