"""Synthetic chest radiographs for demos and tests. No film of theirs shows a patient.

Class-conditional eigen-images: about 1,250 training films of each class span a space of
principal components; a film is a random point in it, drawn from a Gaussian whose mean and
spread lie between those of healthy and of sick films by its severity. What the components
leave out is put back as random texture with the strength that real films have there.
`build_generator.py` makes the file; it bounds how much any one real film weighs in it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SHIPPED = Path(__file__).parent / "weights" / "generator.npz"
SEVERITY = SHIPPED.with_name("severity.json")
FILM_SIZE = 384  # pixels, square
CAUSES = ("bacteria", "virus")
CLEAREST = -0.5  # severity: healthy films may be taken further from sick than their mean
CHUNK = 64  # films made at a time: 64 x 112 x 112 floats are 3 MB


@dataclass(frozen=True, slots=True)
class Severity:
    """Beta distributions of how sick healthy and sick films look. They overlap, so that the
    shipped classifier has doubtful films to deal with; `tune_generator.py` sets the second
    for a model."""

    healthy: tuple[float, float]
    sick: tuple[float, float]
    clear: float = 0.0  # how much further from sick than the mean healthy film healthy ones are

    @classmethod
    def read(cls, path: Path = SEVERITY) -> "Severity":
        """As `tune_generator` wrote it."""
        content = json.loads(path.read_text(encoding="utf-8"))
        return cls(tuple(content["healthy"]), tuple(content["sick"]), float(content["clear"]))


@dataclass(frozen=True, slots=True)
class Spread:
    """Gaussian coefficients of one class: mean (k,), symmetric root of the covariance (k, k)."""

    mean: np.ndarray
    root: np.ndarray


@dataclass(frozen=True)
class Generator:
    """Draws films; everything random comes from the `rng` that is passed in."""

    mean: np.ndarray  # (s, s) of standardised films
    components: np.ndarray  # (k, s, s) int8
    scales: np.ndarray  # (k,) what one int8 step of a component is worth
    texture: np.ndarray  # (s, s) standard deviation of what the components leave out
    spreads: dict[str, Spread]  # normal, bacteria, virus
    tone: np.ndarray  # (2, 2) mean and standard deviation of film mean and film contrast
    largest_share: float  # of a component's energy that comes from one film
    severity: Severity

    @classmethod
    def load(cls, path: Path = SHIPPED) -> "Generator":
        """The generator that comes with the package."""
        with np.load(path, allow_pickle=False) as file:
            names = ("normal", *CAUSES)
            spreads = {
                name: Spread(
                    file[f"{name}_mean"].astype(np.float32),
                    file[f"{name}_root"].astype(np.float32),
                )
                for name in names
            }
            return cls(
                mean=file["mean"].astype(np.float32),
                components=file["components"],
                scales=file["scales"].astype(np.float32),
                texture=file["texture"].astype(np.float32),
                spreads=spreads,
                tone=file["tone"],
                largest_share=float(file["largest_share"]),
                severity=Severity.read(),
            )

    def sample(
        self, severity: np.ndarray, aetiology: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """(n, 384, 384) uint8 films.

        severity (n,) in [-0.5, 1], 0 the mean healthy film and 1 full pneumonia; aetiology
        (n,) of "bacteria", "virus" or "" (then a cause is drawn). Raises ValueError for
        anything else.
        """
        severity = np.asarray(severity, dtype=np.float32)
        causes = _causes(np.asarray(aetiology), rng)
        if severity.shape != causes.shape or not np.all((severity >= CLEAREST) & (severity <= 1)):
            raise ValueError("expected one severity in [-0.5, 1] and one aetiology for each film")
        films = np.empty((len(severity), FILM_SIZE, FILM_SIZE), dtype=np.uint8)
        for start in range(0, len(films), CHUNK):
            part = slice(start, start + CHUNK)
            coarse = self.coarse(severity[part], causes[part], rng)
            for offset, film in enumerate(coarse):
                films[start + offset] = self._develop(film, rng)
        return films

    def sample_severity(self, n: int, label: str, rng: np.random.Generator) -> np.ndarray:
        """(n,) severities for films labelled "NORMAL" or "PNEUMONIA", as the demo draws them."""
        if label.casefold() == "normal":
            return rng.beta(*self.severity.healthy, n) - self.severity.clear
        return rng.beta(*self.severity.sick, n)

    def coarse(
        self, severity: np.ndarray, causes: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """(n, s, s) standardised films out of the components alone."""
        noise = rng.standard_normal((len(severity), len(self.scales)), dtype=np.float32)
        noise = np.clip(noise, -2.5, 2.5)  # nobody's film lies further out
        coefficients = np.empty_like(noise)
        for cause in CAUSES:
            own = causes == cause
            share = severity[own, None]
            coefficients[own] = (1 - share) * _draw(self.spreads["normal"], noise[own])
            coefficients[own] += share * _draw(self.spreads[cause], noise[own])
        flat = self.components.reshape(len(self.scales), -1)
        films = (coefficients * self.scales) @ flat.astype(np.float32)
        return np.asarray(films.reshape(-1, *self.mean.shape) + self.mean)

    def _develop(self, film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A coarse film at full size with texture, grain, and an exposure of its own."""
        film = film + 0.7 * self.texture * _correlated(film.shape[0], 0.7, rng)
        large = _enlarge(film)
        strength = _enlarge(self.texture)
        large += 0.35 * strength * _correlated(FILM_SIZE, 0.9, rng)
        large += 0.012 * rng.standard_normal(large.shape, dtype=np.float32)
        brightness, contrast = rng.normal(self.tone[0], self.tone[1] * 0.7)
        grey = brightness + max(contrast, 25.0) * large
        return np.asarray(np.clip(np.rint(grey), 0, 255), dtype=np.uint8)


def _draw(spread: Spread, noise: np.ndarray) -> np.ndarray:
    return np.asarray(spread.mean + noise @ spread.root)


def _causes(aetiology: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    drawn = np.where(aetiology == "", rng.choice(CAUSES, aetiology.shape), aetiology)
    if not np.isin(drawn, CAUSES).all():
        raise ValueError('an aetiology is "bacteria", "virus" or ""')
    return drawn


def _enlarge(film: np.ndarray) -> np.ndarray:
    image = Image.fromarray(film.astype(np.float32))
    large = image.resize((FILM_SIZE, FILM_SIZE), Image.Resampling.BICUBIC)
    return np.array(large, dtype=np.float32)


def _correlated(size: int, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Noise of standard deviation 1, smoothed by a Gaussian: neighbours resemble each other."""
    offsets = np.arange(-3, 4)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2).astype(np.float32)
    kernel /= np.sqrt(np.sum(kernel**2))
    noise = rng.standard_normal((size + 6, size + 6), dtype=np.float32)
    rows = sum(kernel[i] * noise[:, i : i + size] for i in range(7))
    return np.asarray(sum(kernel[i] * rows[i : i + size] for i in range(7)))
