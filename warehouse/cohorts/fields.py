"""What a cohort may ask about: a closed list of fields, each with its fixed SQL."""

from dataclasses import dataclass
from enum import StrEnum

from ingest.records import Source
from warehouse.label_file import AETIOLOGIES, LABELS


class Kind(StrEnum):
    """What a field's values are."""

    NUMBER = "a number"
    DATE = "a date"
    WORD = "a word"
    YES_NO = "yes or no"
    WORDS = "a list of words"  # the film may carry several; `=` asks whether it carries one


@dataclass(frozen=True, slots=True)
class Field:
    """A field. `sql` is over the columns of queries/cohort_films.sql, and ours alone."""

    kind: Kind
    sql: str
    meaning: str
    values: tuple[str, ...] = ()  # closed lists; empty: any


FIELDS: dict[str, Field] = {
    "age": Field(Kind.NUMBER, "age_years", "years; 90 stands for 90 and over"),
    "sex": Field(Kind.WORD, "sex", "as the header or the manifest says", ("F", "M", "O")),
    "site": Field(Kind.WORD, "site_id", "the site's id"),
    "region": Field(Kind.WORD, "region", "the site's region, as of the version"),
    "acquired": Field(Kind.DATE, "acquired_date", "the day at the site on which it was taken"),
    "received": Field(Kind.DATE, "received_date", "the day (UTC) on which it arrived"),
    "view": Field(Kind.WORD, "view", "projection", ("PA", "AP")),
    "source": Field(
        Kind.WORD, "source", "where the pixels came from", tuple(str(one) for one in Source)
    ),
    "synthetic": Field(Kind.YES_NO, "synthetic", "generated or simulated: shows no patient"),
    "flag": Field(Kind.WORDS, "flags", "what ingest noted, such as age_top_coded"),
    "model_version": Field(Kind.WORD, "model_version", "the version of the current prediction"),
    "probability": Field(Kind.NUMBER, "probability", "of pneumonia, by the model"),
    "label": Field(Kind.WORD, "label", "the model's; unknown out of its scope", LABELS),
    "in_scope": Field(Kind.YES_NO, "in_scope", "within what the model was validated on"),
    "p_bacterial": Field(Kind.NUMBER, "p_bacterial", "given pneumonia, by the model"),
    "p_viral": Field(Kind.NUMBER, "p_viral", "given pneumonia, by the model"),
    "predicted_aetiology": Field(
        Kind.WORD,
        "predicted_aetiology",
        "of films labelled PNEUMONIA: bacterial where p_bacterial is 0.5 or more",
        ("bacterial", "viral"),
    ),
    "confirmed_label": Field(Kind.WORD, "confirmed_label", "the latest one loaded", LABELS),
    "confirmed_aetiology": Field(
        Kind.WORD,
        "confirmed_aetiology",
        "the latest one loaded",
        tuple(dict.fromkeys(AETIOLOGIES.values())),
    ),
}
PARTICIPANT_WORDS = ("studies", "spacing", "index", "follow_up")
