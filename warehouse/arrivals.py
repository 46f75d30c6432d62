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
    """Studies told apart. A resend (same pixels, new id, same site) is a duplicate too.

    `again` are entries of the spool whose rows a worker committed and did not live to settle.
    """

    new: list[Study] = field(default_factory=list)
    again: list[Study] = field(default_factory=list)
    duplicates: list[Study] = field(default_factory=list)
    resends: list[tuple[Study, str]] = field(default_factory=list)  # and the first one's id
    collisions: list[tuple[Study, str]] = field(default_factory=list)  # and the first one's hash
    erased: list[Study] = field(default_factory=list)  # come again after an erasure

    @property
    def seen(self) -> list[Study]:
        """Duplicates of either kind."""
        return self.duplicates + [study for study, _ in self.resends]


def sort_out(incoming: Iterable[Study], known: Iterable[Row]) -> Sorted:
    """Holds studies against those known (`known_studies`) and against one another."""
    hashes: dict[str, str] = {}
    films: dict[tuple[str | None, str], str] = {}
    arrivals = set()
    for row in known:
        hashes[row["study_id"]] = row["content_hash"]
        if not row["resend"]:
            films.setdefault((row["site_id"], row["content_hash"]), row["study_id"])
            arrivals.add((row["study_id"], row["received_at"]))
    found = Sorted()
    for study in incoming:
        film = (study.site_id, study.content_hash)
        first = hashes.get(study.study_id)
        if first not in (None, study.content_hash):
            found.collisions.append((study, str(first)))
        elif study.entry_id and (study.study_id, study.received_at) in arrivals:
            found.again.append(study)
        elif first is not None:
            found.duplicates.append(study)
        elif film in films:
            found.resends.append((study, films[film]))
            hashes[study.study_id] = study.content_hash
        else:
            found.new.append(study)
            hashes[study.study_id] = study.content_hash
            films[film] = study.study_id
    return found


def look_up(
    source: Warehouse | Transaction, studies: Sequence[Study], names: Pseudonymiser | None = None
) -> Sorted:
    """`sort_out` against what the warehouse holds; with `names`, what was erased is put apart."""
    erased = _erased(source, studies, names) if names else []
    gone = {id(study) for study in erased}
    studies = [study for study in studies if id(study) not in gone]
    known = source.query(
        "known_studies",
        study_ids=[study.study_id for study in studies],
        content_hashes=[study.content_hash for study in studies],
    )
    found = sort_out(studies, known)
    found.erased = erased
    return found


def _erased(
    source: Warehouse | Transaction, studies: Sequence[Study], names: Pseudonymiser
) -> list[Study]:
    """Those that were erased, and those of an erased patient received before the erasure."""
    marks = {id(study): erased_marks(study, names) for study in studies}
    wanted = sorted({mark for some in marks.values() for mark in some})
    until = {row["erased_hash"]: row["erased_at"] for row in source.query("erased", marks=wanted)}
    return [
        study
        for study in studies
        for film, pixels, patient in [marks[id(study)]]
        if film in until
        or pixels in until
        or (patient in until and study.received_at <= until[patient])
    ]


def erased_marks(study: Study, names: Pseudonymiser) -> tuple[str, str, str]:
    """The keyed hashes by which an erased X-ray is known: of its id, its pixels, its patient."""
    return (
        names.erased_key("study", study.study_id),
        names.erased_key("film", study.site_id or "", study.content_hash),
        names.erased_key("patient", study.patient_key or ""),
    )


def collision(study: Study, first: str, names: Pseudonymiser) -> Rejection:
    """The refusal of a film that came under the id of another one; the first is kept."""
    sentence = (
        "another film is stored under the same SOPInstanceUID; the first was kept (content hash "
        f"{first}), this one set aside ({study.content_hash})"
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
        entry_id=study.entry_id,
    )


def append_studies(
    transaction: Transaction, studies: Sequence[Study], predictions: dict[str, Prediction]
) -> None:
    """Studies with their predictions, in one commit: there is never one without the other."""
    transaction.append("studies", [study_row(study) for study in studies])
    transaction.append("predictions", [asdict(predictions[study.study_id]) for study in studies])


def append_resends(transaction: Transaction, resends: Sequence[tuple[Study, str]]) -> None:
    """Each new id beside the one under which the film was stored."""
    names = ("study_id", "content_hash", "site_id", "received_at")
    rows = [
        {"first_study_id": first} | {name: getattr(study, name) for name in names}
        for study, first in resends
    ]
    transaction.append("resends", rows)


def append_rejections(transaction: Transaction, rejections: Sequence[Rejection]) -> int:
    """Those not recorded yet; returns how many that were."""
    unique = {rejection.rejection_id: rejection for rejection in rejections}
    rows = transaction.query("known_rejections", rejection_ids=list(unique))
    for row in rows:
        del unique[row["rejection_id"]]
    return transaction.append("rejections", [_rejection_row(one) for one in unique.values()])


def study_row(study: Study) -> Row:
    """The columns of the table `studies`: all of a Study but its pixels and where it came from."""
    names = Study.__dataclass_fields__.keys() - {"pixels", "image", "entry_id"}
    return {name: getattr(study, name) for name in names}


def _rejection_row(rejection: Rejection) -> Row:
    row = asdict(rejection)
    del row["entry_id"]
    return row
