"""`pneumowatch evaluate`: judge a model on labelled films."""

import argparse
import json
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "datasets",
        nargs="+",
        type=Path,
        metavar="DATASET",
        help="CLASS folders, train/val/test folders of them, or a CSV index (file,label,…)",
    )
    parser.add_argument(
        "--model", metavar="VERSION|DIR", help="default: the promoted model, or the shipped one"
    )
    parser.add_argument("--figures", type=Path, metavar="DIR", help="write ROC and others as SVG")
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="write it all as a page")
    parser.add_argument(
        "--probes", action="store_true", help="also judge borders alone, coarse films and others"
    )
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    from dashboard.evaluation import html
    from dashboard.evaluation.text import text
    from dashboard.model_choice import choose_model
    from inference import evaluation_run

    if args.report is not None:
        html.check_target(args.report)
    model = choose_model(args.home, args.model)
    done = evaluation_run.evaluate(args.datasets, model, args.device, probes=args.probes)
    if args.figures is not None:
        evaluation_run.write_figures(args.figures, done.figures)
    if args.report is not None:
        html.write(args.report, html.html(done, [path.resolve().name for path in args.datasets]))
    print(json.dumps(done.report, allow_nan=False) if args.json else text(done.report))
    return 0
