"""An evaluation's report as lines for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

Report = Mapping[str, Any]
MEASURES = ("accuracy", "auroc", "sensitivity", "specificity", "loss", "brier", "ece")
NOTICE = "Scores for surveillance, never a diagnosis."


def text(report: Report) -> str:
    """Everything that a person wants first; `--json` and `--report` have the rest."""
    return "\n".join([*_main(report), *_more(report), NOTICE])


def shown(value: float | None, digits: int = 3) -> str:
    """A number, or a dash where nothing can be said."""
    return "–" if value is None else f"{value:.{digits}f}"


def with_interval(row: Report, name: str, digits: int = 3) -> str:
    """`0.957 (0.921 to 0.977)`."""
    limits = row.get(f"{name}_interval")
    if limits is None:
        return shown(row[name], digits)
    return f"{shown(row[name], digits)} ({limits[0]:.{digits}f} to {limits[1]:.{digits}f})"


def _main(report: Report) -> Iterator[str]:
    sick = report["positives"]
    yield f"{report['model_version']}: {report['n']} films, {sick} positive"
    yield _line("threshold", f"{report['threshold']:.3f} (surveillance)")
    for name in MEASURES:
        yield _line(name, with_interval(report, name))
    yield _line("confusion", ", ".join(f"{key} {n}" for key, n in report["confusion"].items()))
    for name, point in report["operating_points"].items():
        if name != "surveillance":
            rates = (f"{rate} {with_interval(point, rate)}" for rate in MEASURES[2:4])
            yield _line(name, f"at {point['threshold']:.3f}: " + ", ".join(rates))
    for row in report["predictive_values"]:
        values = f"PPV {with_interval(row, 'ppv')}, NPV {with_interval(row, 'npv')}"
        yield _line(f"at {row['prevalence']:.0%} sick", values)


def _more(report: Report) -> Iterator[str]:
    if "aetiology" in report:
        causes = report["aetiology"]
        yield _line(
            "cause",
            f"bacterial against viral: n {causes['n']}, AUROC {with_interval(causes, 'auroc')}, "
            f"accuracy {shown(causes['accuracy'])}",
        )
    classes = report["multiclass"]
    if len(classes["labels"]) > 2 and classes["macro_auroc"] is not None:
        macro = f"macro AUROC {shown(classes['macro_auroc'])}"
        yield _line("classes", f"n {classes['n']}, accuracy {shown(classes['accuracy'])}, {macro}")
    for grouping, groups in report["subgroups"].items():
        if len(groups) > 1:
            yield f"by {grouping.replace('_', ' ')}"
            yield from (_group(name, row) for name, row in groups.items())
    yield from _matched(report)
    if report["out_of_scope"]:
        refused = f"; {report['refused']} of them would be refused" if report["refused"] else ""
        yield _line("out of scope", f"{report['out_of_scope']} (counted above){refused}")


def _matched(report: Report) -> Iterator[str]:
    for title, rows in (("matched", report["matched"]), ("probes", report.get("probes", {}))):
        if rows:
            yield title
        for name, row in rows.items():
            wanted = f", expected {row['expected']}" if "expected" in row else ""
            what = f"n {row['n']}, AUROC {with_interval(row, 'auroc')}{wanted}"
            yield f"  {name.replace('_', ' '):24}{what}"


def _group(name: str, row: Report) -> str:
    return (
        f"  {name:14.14}n {row['n']}, AUROC {with_interval(row, 'auroc')}, "
        f"sensitivity {shown(row['sensitivity'])}, specificity {shown(row['specificity'])}"
    )


def _line(name: str, content: str) -> str:
    return f"{name:14}{content}"
