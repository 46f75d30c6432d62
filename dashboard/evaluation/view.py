"""An evaluation as sections of words, tables and drawings: what the HTML template shows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from dashboard.evaluation.text import Report, shown, with_interval
from inference.evaluation_run import Evaluation

RATES = ("auroc", "sensitivity", "specificity", "accuracy")
GROUP_COLUMNS = ("n", "positive", "AUROC", "sensitivity", "specificity")


@dataclass(frozen=True, slots=True)
class Table:
    """The first cell of a row is its head."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, a sentence on how to read what follows, tables and figures."""

    title: str
    words: str
    tables: tuple[Table, ...] = ()
    figures: tuple[Markup, ...] = ()


def sections(done: Evaluation) -> list[Section]:
    """Every section that has something to show, in reading order."""
    return [one for one in _all(done) if one.tables or one.figures]


def _all(done: Evaluation) -> Iterator[Section]:
    report: Report = done.report
    yield Section(
        "In short",
        "Every readable film counts. A film is called positive at the surveillance threshold. "
        "In brackets: 95 % interval (DeLong for AUROC, Wilson for shares).",
        (_short(report), _confusion(report)),
        _drawn(done, "roc.svg", "confusion.svg"),
    )
    yield Section(
        "What a positive or negative film means at a prevalence",
        "This set's share of sick films is its makers' choice. Look up the prevalence at your "
        "site: PPV is the share of called films that are sick there, NPV the share of films "
        "not called that are healthy.",
        tuple(_predictive(name, one) for name, one in report["operating_points"].items()),
        _drawn(done, "precision_recall.svg"),
    )
    yield Section(
        "Calibration",
        "Of the films to which the model gives a probability of 0.3, three in ten should be "
        "sick. Points above the dashed line: the model says too little; below it: too much.",
        (_calibration(report),),
        _drawn(done, "reliability.svg"),
    )
    yield Section(
        "By subgroup",
        "A pooled figure can hide a group for which the model is bad. Wide intervals mean few "
        "films, not a bad model.",
        tuple(
            _groups(grouping.replace("_", " "), groups)
            for grouping, groups in report["subgroups"].items()
        ),
    )
    yield Section(
        "Matched films",
        "Sick films are more often bedside (AP) films and come from other hospitals: AUROC "
        "within one view or one source counts only pairs of films that share it, so that "
        "neither can stand in for the disease.",
        _areas("AUROC among films that share view or source", report["matched"]),
    )
    yield Section(
        "Probes for shortcuts",
        "The same films, changed. A model that judges the chest is at chance on a border "
        "alone, and indifferent to the rest.",
        _areas("AUROC of the model on changed films", report.get("probes", {})),
    )
    yield Section(
        "Classes",
        "Each class of the set, and the most probable class of the model.",
        _classes(report),
        _drawn(done, "confusion_classes.svg"),
    )
    yield Section(
        "Bacterial against viral",
        "Among films whose cause is known. A radiograph cannot prove a cause.",
        _causes(report),
        _drawn(done, "roc_aetiology.svg"),
    )


def _short(report: Report) -> Table:
    points = report["operating_points"]
    rows = [("films", f"{report['n']}, of which {report['positives']} positive")]
    rows += [(name, with_interval(report, name)) for name in ("auroc", "accuracy")]
    for name, point in points.items():
        rows.append((f"{name} threshold", shown(point["threshold"])))
        rows += [(f"{rate}, {name}", with_interval(point, rate)) for rate in RATES[1:3]]
    rows += [(name, shown(report[name])) for name in ("average_precision", "brier", "ece", "loss")]
    rows.append(
        ("out of scope", f"{report['out_of_scope']} (counted), {report['refused']} refused")
    )
    inside = report["in_scope"]
    rows.append(("auroc in scope", f"{with_interval(inside, 'auroc')} of {inside['n']}"))
    named = tuple((_named(name), content) for name, content in rows)
    return Table("The whole set", ("measure", "value"), named)


def _confusion(report: Report) -> Table:
    rows = []
    for name, point in report["operating_points"].items():
        counts = point["confusion"]
        rows.append((name, *(str(counts[key]) for key in ("tp", "fn", "tn", "fp"))))
    columns = ("threshold", "sick, found", "sick, missed", "healthy, left", "healthy, called")
    return Table("Counts at each threshold", columns, tuple(rows))


def _predictive(name: str, point: Report) -> Table:
    rows = tuple(
        (f"{row['prevalence']:.0%}", with_interval(row, "ppv"), with_interval(row, "npv"))
        for row in point["predictive_values"]
    )
    caption = f"At the {name} threshold {point['threshold']:.3f}"
    return Table(caption, ("prevalence", "PPV", "NPV"), rows)


def _calibration(report: Report) -> Table:
    rows = tuple(
        (
            f"{row['from']:.1f} to {row['to']:.1f}",
            str(row["n"]),
            shown(row["predicted"]),
            with_interval(row, "observed"),
        )
        for row in report["calibration"]
    )
    return Table(
        f"By tenth of probability; expected calibration error {shown(report['ece'])}",
        ("probability", "films", "predicted", "sick"),
        rows,
    )


def _groups(title: str, groups: Mapping[str, Report]) -> Table:
    rows = tuple(
        (
            name,
            str(row["n"]),
            str(row["positives"]),
            *(with_interval(row, rate, 2) for rate in RATES[:3]),
        )
        for name, row in groups.items()
    )
    return Table(f"By {title}", (title, *GROUP_COLUMNS), rows)


def _areas(caption: str, found: Mapping[str, Report]) -> tuple[Table, ...]:
    rows = tuple(
        (
            _named(name),
            str(row["n"]),
            with_interval(row, "auroc"),
            with_interval(row, "difference") if "difference" in row else "",
            str(row.get("expected", "")),
        )
        for name, row in found.items()
    )
    columns = ("films", "n", "AUROC", "difference", "honest model")
    wanted = 5 if any(row[4] for row in rows) else 3
    cut = tuple(row[:wanted] for row in rows)
    return (Table(caption, columns[:wanted], cut),) if rows else ()


def _classes(report: Report) -> tuple[Table, ...]:
    rows = tuple(
        (
            name,
            str(row["n"]),
            shown(row["called_positive"]),
            shown(row["mean_probability"]),
            shown(row.get("recall")),
            shown(row.get("precision")),
            with_interval(row, "auroc") if "auroc" in row else "–",
        )
        for name, row in report["per_class"].items()
    )
    columns = ("class", "films", "called positive", "mean p", "recall", "precision", "AUROC")
    every = report["multiclass"]
    macro = f"; accuracy {shown(every['accuracy'])}, macro AUROC {shown(every['macro_auroc'])}"
    known = every["macro_auroc"] is not None
    return (Table("The set's classes" + (macro if known else ""), columns, rows),)


def _causes(report: Report) -> tuple[Table, ...]:
    if "aetiology" not in report:
        return ()
    found = report["aetiology"]
    rows = (
        ("bacterial", str(found["bacterial"])),
        ("viral", str(found["viral"])),
        ("AUROC", with_interval(found, "auroc")),
        ("accuracy at 0.5", shown(found["accuracy"])),
    )
    return (Table("Films of known cause", ("measure", "value"), rows),)


def _named(key: str) -> str:
    words = key.replace("_", " ").replace("auroc", "AUROC")
    return {"ece": "expected calibration error", "loss": "log loss", "brier": "Brier score"}.get(
        key, words
    )


def _drawn(done: Evaluation, *names: str) -> tuple[Markup, ...]:
    """The figures that there are. Their text was escaped when they were drawn."""
    return tuple(Markup(done.figures[name]) for name in names if name in done.figures)
