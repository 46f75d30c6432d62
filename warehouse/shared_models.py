"""Added models travel through the warehouse itself, so that every machine of it has them.

Their files are rows of `model_files`, in pieces: on a shared folder or an object store they
lie where the other data lie, need no way and no rights of their own, are there when the
commit is, and go along with backups. Models that came with the package are not among them.
"""

import hashlib

from warehouse.store import Transaction, Warehouse

PIECE = 256 * 1024  # bytes; small enough for every catalog, large enough to be few


def share(transaction: Transaction, version: str, files: dict[str, bytes]) -> None:
    """Adds the files of a version unless the very same are held. Suffix → content."""
    pieces = {(suffix, n): piece for suffix, text in files.items() for n, piece in _cut(text)}
    held = transaction.query("model_digests", model_version=version)
    known = {(row["suffix"], row["part"]): row["digest"] for row in held}
    if known != {place: hashlib.sha256(piece).hexdigest() for place, piece in pieces.items()}:
        rows = [
            {"model_version": version, "suffix": suffix, "part": number, "content": piece}
            for (suffix, number), piece in pieces.items()
        ]
        transaction.append("model_files", rows)


def shared_files(warehouse: Warehouse, version: str) -> dict[str, bytes]:
    """Suffix → content, the card last; empty where the warehouse does not hold the version."""
    rows = warehouse.query("model_parts", model_version=version)
    files: dict[str, bytearray] = {}
    for row in rows:
        files.setdefault(row["suffix"], bytearray()).extend(row["content"])
    return {suffix: bytes(files[suffix]) for suffix in sorted(files, reverse=True, key=_rank)}


def _cut(content: bytes) -> list[tuple[int, bytes]]:
    return [(at // PIECE, content[at : at + PIECE]) for at in range(0, len(content), PIECE)]


def _rank(suffix: str) -> bool:
    return suffix != ".json"
