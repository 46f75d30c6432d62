"""What becomes of arrivals: new, seen before, or another film under a known id."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

from inference.records import Prediction
from ingest.identity import Pseudonymiser
from ingest.problem import Problem
from ingest.records import Reason, Rejection, Study
from warehouse.store import Row, Transaction, Warehouse


@dataclass(slots=True)
class Sorted:
    """Studies told apart. A resend (same pixels, new id, same site) is a duplicate."""

    new: list[Study] = field(default_factory=list)
    duplicates: list[Study] = field(default_factory=list)
    collisions: list[Study] = field(default_factory=list)


def sort_out(incoming: Iterable[Study], known: Iterable[Row]) -> Sorted:
    """Holds studies against those known (study_id, content_hash, site_id) and one another."""
    hashes: dict[str, str] = {}
    films: set[tuple[str | None, str]] = set()
    for row in known:
        hashes[row["study_id"]] = row["content_hash"]
        films.add((row["site_id"], row["content_hash"]))
    found = Sorted()
    for study in incoming:
        film = (study.site_id, study.content_hash)
        if hashes.get(study.study_id, study.content_hash) != study.content_hash:
            found.collisions.append(study)
        elif study.study_id in hashes or film in films:
            found.duplicates.append(study)
        else:
            found.new.append(study)
            hashes[study.study_id] = study.content_hash
            films.add(film)
    return found


def look_up(source: Warehouse | Transaction, studies: Sequence[Study]) -> Sorted:
    """`sort_out` against what the warehouse holds."""
    known = source.query(
        "known_studies",
        study_ids=[study.study_id for study in studies],
        content_hashes=[study.content_hash for study in studies],
    )
    return sort_out(studies, known)


def collision(study: Study, names: Pseudonymiser) -> Rejection:
    """The refusal of a film that came under the id of another one; the first is kept."""
    sentence = (
        "another film is stored under the same SOPInstanceUID; the first was kept "
        f"(this one's content hash begins {study.content_hash[:12]})"
    )
    rejection_id = names.rejection_id(study.study_id, study.content_hash)
    return _rejection(study, Problem(Reason.ID_COLLISION, sentence), names, rejection_id)


def refusal(study: Study, problem: Problem, names: Pseudonymiser) -> Rejection:
    """The refusal of a film that could be read, for what the model found in its pixels."""
    rejection_id = names.rejection_id(study.study_id, study.content_hash, problem.reason)
    return _rejection(study, problem, names, rejection_id)


def _rejection(
    study: Study, problem: Problem, names: Pseudonymiser, rejection_id: str
) -> Rejection:
    """The file's name is not known here any more: the study's id stands for it."""
    return Rejection(
        rejection_id=rejection_id,
        reason=problem.reason,
        sentence=problem.sentence,
        site_id=study.site_id,
        file_key=names.file_key(study.study_id),
        received_at=study.received_at,
    )


def append_studies(
    transaction: Transaction, studies: Sequence[Study], predictions: dict[str, Prediction]
) -> None:
    """Studies with their predictions, in one commit: there is never one without the other."""
    transaction.append("studies", [study_row(study) for study in studies])
    transaction.append("predictions", [asdict(predictions[study.study_id]) for study in studies])


def append_rejections(transaction: Transaction, rejections: Sequence[Rejection]) -> int:
    """Those not recorded yet; returns how many that were."""
    unique = {rejection.rejection_id: rejection for rejection in rejections}
    rows = transaction.query("known_rejections", rejection_ids=list(unique))
    for row in rows:
        del unique[row["rejection_id"]]
    return transaction.append("rejections", [asdict(rejection) for rejection in unique.values()])


def study_row(study: Study) -> Row:
    """The columns of the table `studies`: all of a Study but its pixels."""
    names = Study.__dataclass_fields__.keys() - {"pixels", "image"}
    return {name: getattr(study, name) for name in names}
