"""Training from end to end on tiny made images, through the command's own body."""

import argparse
import csv
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from dashboard.commands import evaluate as evaluate_command
from dashboard.commands import train as train_command
from inference import checkpoint, training_run
from inference.augment import augment
from inference.datasets import Film
from inference.engine import score_all
from inference.judging import Judge
from inference.labels import scheme_of
from inference.network import build, load_pretrained
from inference.preprocess import prepare
from inference.recipe import RECIPES, Recipe, SourceRecipe, read_recipe
from inference.resume import Resume
from inference.sampling import batches, shares
from inference.scoring import score
from inference.training import (
    TOLERANCE,
    Epoch,
    chosen_epoch,
    fast_bf16,
    group_loss,
    rate_at,
    train,
)
from inference.training_data import gather
from inference.weights_source import load_initial, named_as
from ingest.errors import PneumoWatchError, UserError
from tests.inference.films import made_film, write_film

OCT = ("CNV", "DME", "DRUSEN", "NORMAL")
RECIPE = """
name = "tiny"
architecture = "small"
initial_weights = ""
size = 32
batch = 16
epochs = 6
steps_per_epoch = 20
learning_rate = 0.01
average = 0.9
validation_share = 0.25
"""


@pytest.fixture(scope="module")
def oct_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four classes in train, validation and test folders, named as the OCT set names them."""
    root = tmp_path_factory.mktemp("oct")
    rng = np.random.default_rng(8)
    for split, patients in (("train", 30), ("validation", 4), ("test", 12)):
        for kind, name in enumerate(OCT):
            for patient in range(patients):
                number = 1000 * len(split) + 100 * kind + patient
                film = made_film(rng, kind, 40 + patient % 3)
                write_film(root / split / name / f"{name}-{number}-1.png", film)
    (root / "train" / "CNV" / "CNV-7-1.png").write_bytes(b"this is no image")
    return root


@pytest.fixture(scope="module")
def trained(oct_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _train(oct_set, tmp_path_factory.mktemp("out"))


def _recipe(folder: Path) -> Path:
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE)
    return recipe


def _train(dataset: Path, out: Path, *more: str) -> Path:
    recipe = _recipe(out)
    parser = argparse.ArgumentParser()
    train_command.add_arguments(parser)
    flags = ["--recipe", str(recipe), "--device", "cpu", "--out", str(out / "model"), *more]
    assert train_command.run(parser.parse_args([str(dataset), *flags])) == 0
    return out / "model"


def _evaluate(*flags: str) -> int:
    parser = argparse.ArgumentParser()
    evaluate_command.add_arguments(parser)
    asked = parser.parse_args([*flags, "--device", "cpu"])
    asked.home = Path("no-home")
    return evaluate_command.run(asked)


def test_a_four_class_model_learns_and_its_card_says_what_it_is(trained: Path) -> None:
    card = checkpoint.read_card(trained)
    assert card.labels == OCT
    assert card.negative_label == "NORMAL"
    assert card.validation["all"]["auroc"] > 0.95  # type: ignore[index]
    assert card.true_positives + card.false_negatives + card.true_negatives > 20
    assert card.training["recipe"]["name"] == "tiny"  # type: ignore[index]
    with (trained / "history.csv").open() as stream:
        history = list(csv.DictReader(stream))
    assert [row["epoch"] for row in history] == ["1", "2", "3", "4", "5", "6"]
    assert float(history[-1]["train_loss"]) < float(history[0]["train_loss"])
    scores = json.loads((trained / "validation_scores.json").read_text())
    assert set(scores) == {"p_pneumonia", "p_bacterial", "label", "source"}
    for name in ("loss.svg", "accuracy.svg", "classes.svg"):
        assert ElementTree.parse(trained / name).getroot().tag.endswith("svg")


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    oct_set: Path, trained: Path, tmp_path: Path
) -> None:
    (tmp_path / "again").mkdir()
    (tmp_path / "other").mkdir()
    again = checkpoint.read_card(_train(oct_set, tmp_path / "again"))
    other = checkpoint.read_card(
        _train(oct_set, tmp_path / "other", "--seed", "2", "--epochs", "1")
    )
    first = checkpoint.read_card(trained)
    assert again.weights_digest == first.weights_digest
    assert again.thresholds == first.thresholds
    assert other.weights_digest != first.weights_digest


def test_evaluate_uses_the_test_folder_alone(
    oct_set: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "figures"
    assert (
        _evaluate(str(oct_set), "--model", str(trained), "--figures", str(figures), "--json") == 0
    )
    result = json.loads(capsys.readouterr().out)
    assert result["n"] == 48
    assert result["out_of_scope"] == 0
    assert sum(result["confusion"].values()) == 48
    assert result["auroc"] > 0.95
    assert set(result["per_class"]) == set(OCT)
    assert min(row["recall"] for row in result["per_class"].values()) > 0.5
    assert "aetiology" not in result
    assert {file.name for file in figures.iterdir()} == {
        "roc.svg",
        "precision_recall.svg",
        "reliability.svg",
        "confusion.svg",
        "confusion_classes.svg",
    }
    assert _evaluate(str(oct_set), "--model", str(trained)) == 0
    assert "never a diagnosis" in capsys.readouterr().out


def test_unreadable_images_are_left_out_and_counted(
    oct_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _train(oct_set, tmp_path, "--epochs", "1")
    assert "1 images were left out" in capsys.readouterr().out


def test_mistakes_are_named(oct_set: Path, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty.*CLASS folders"):
        _train(tmp_path / "empty", tmp_path)
    with pytest.raises(UserError, match="at least two classes"):
        _train(_one_class(tmp_path), tmp_path)
    with pytest.raises(UserError, match="--epochs 0"):
        _train(oct_set, tmp_path, "--epochs", "0")
    with pytest.raises(UserError, match=r"no such folder.*version"):
        _evaluate(str(oct_set), "--model", "pneumonia-9")
    write_film(tmp_path / "pets" / "cat" / "1.png", made_film(np.random.default_rng(0), 0))
    write_film(tmp_path / "pets" / "dog" / "1.png", made_film(np.random.default_rng(1), 1))
    with pytest.raises(UserError, match="the data set holds cat, dog"):
        _evaluate(str(tmp_path / "pets"), "--model", str(trained))
    with pytest.raises(UserError, match="the data set holds cat, dog"):
        _evaluate(str(tmp_path / "pets"))
    (tmp_path / "blocked").mkdir()
    with pytest.raises(UserError, match="cannot write"):
        _train_into_a_file(oct_set, tmp_path / "blocked")


def _one_class(tmp_path: Path) -> Path:
    write_film(tmp_path / "single" / "cat" / "1.png", made_film(np.random.default_rng(0), 0))
    return tmp_path / "single"


def _train_into_a_file(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "model").write_text("in the way")
    _train(dataset, tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("epochs = 0", "1 or more"),
        ("rate = 1", "no setting rate"),
        ('size = "big"', "'big' is not of the type int"),
        ("[[sources]]\nper_batch = 3", "a source has no name"),
        ("epochs = ", "not a TOML file"),
    ],
)
def test_a_wrong_recipe_says_what_is_wrong(tmp_path: Path, line: str, message: str) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(line)
    with pytest.raises(PneumoWatchError, match=message) as caught:
        read_recipe(recipe)
    assert caught.value.exit_code == 2


def test_the_shipped_recipe_trains_on_redistributable_films_only() -> None:
    recipe = read_recipe(RECIPES / "shipped.toml")
    adults = [source for source in recipe.sources if source.name != "kermany224"]
    assert {source.name for source in adults} == {"nih", "rsna_normal"}
    assert all(source.require == {"redistributable": "yes"} for source in adults)
    assert all(source.licence and source.attribution for source in recipe.sources)
    assert sum(source.per_batch for source in recipe.sources) == recipe.batch


def _pneumonia_films() -> list[Film]:
    films = [Film(Path("n"), "NORMAL", f"n{i}", "children") for i in range(30)]
    for cause in ("bacteria", "virus"):
        films += [Film(Path("p"), "PNEUMONIA", f"{cause}{i}", "children", cause) for i in range(99)]
    films += [Film(Path("a"), "normal", f"a{i}", "adults", view="AP") for i in range(20)]
    films += [Film(Path("a"), "pneumonia", f"b{i}", "adults", view="PA") for i in range(5)]
    return films


def test_a_pneumonia_of_unknown_cause_may_be_either() -> None:
    films = _pneumonia_films()
    scheme = scheme_of(films)
    assert scheme.labels == ("normal", "bacteria", "virus")
    allowed = scheme.allowed([films[0], films[31], films[-1]])
    assert allowed.tolist() == [[True, False, False], [False, True, False], [False, True, True]]
    assert scheme.positive([films[0], films[-1]]).tolist() == [False, True]


def test_batches_hold_every_source_and_class_in_equal_measure() -> None:
    films = _pneumonia_films()
    recipe = Recipe(batch=24, sources=(SourceRecipe("children", per_batch=16),))
    assert shares(recipe, ["adults", "children"]) == {"adults": 8, "children": 16}
    endless = batches(films, recipe, np.random.default_rng(0))
    drawn = [films[i] for _ in range(50) for i in next(endless)]
    children = [film for film in drawn if film.source == "children"]
    adults = [film for film in drawn if film.source == "adults"]
    assert len(children) == 2 * len(adults)
    assert sum(film.label == "NORMAL" for film in children) == len(children) / 2
    assert sum(film.aetiology == "virus" for film in children) == len(children) / 4
    assert sum(film.label == "normal" for film in adults) == len(adults) / 2


def test_the_group_loss_is_cross_entropy_where_the_class_is_known() -> None:
    torch.manual_seed(0)
    logits, target = torch.randn(8, 3), torch.arange(8) % 3
    allowed = torch.eye(3, dtype=torch.bool)[target]
    expected = torch.nn.functional.cross_entropy(logits, target, label_smoothing=0.1)
    assert torch.allclose(group_loss(logits, allowed, 0.1), expected)
    either = torch.tensor([[False, True, True]]).expand(8, 3)
    p = logits.softmax(dim=1)[:, 1:].sum(dim=1)
    assert torch.allclose(group_loss(logits, either, 0.0), -p.log().mean())


def test_the_learning_rate_rises_then_falls() -> None:
    rates = [rate_at(step, 100, 0.1) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == 1
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] == pytest.approx(0.01)


def test_augmented_films_differ_repeatably_and_stay_films() -> None:
    rng = np.random.default_rng(3)
    films = torch.as_tensor(np.stack([made_film(rng, i % 4, 64) for i in range(8)]))[:, None]
    first = augment(films.float(), np.random.default_rng(1))
    again = augment(films.float(), np.random.default_rng(1))
    other = augment(films.float(), np.random.default_rng(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == films.shape
    assert 0 <= float(first.min()) < float(first.max()) <= 255
    assert float((first - films).abs().mean()) > 5


def test_recipes_can_be_varied() -> None:
    assert replace(Recipe(), epochs=3).as_dict()["epochs"] == 3


def test_a_run_that_was_cut_off_goes_on_to_the_same_weights(oct_set: Path, tmp_path: Path) -> None:
    recipe = read_recipe(_recipe(tmp_path))
    data = gather([oct_set], recipe)
    whole = train(data, recipe, torch.device("cpu"))

    class KilledError(Exception):
        pass

    def kill(epoch: Epoch) -> None:
        if epoch.epoch == 4:
            raise KilledError

    resume = Resume(tmp_path, recipe, data, torch.device("cpu"))
    with pytest.raises(KilledError):
        train(data, recipe, torch.device("cpu"), kill, resume)
    taken_up = train(data, recipe, torch.device("cpu"), None, resume)

    assert [one.train_loss for one in taken_up.history] == [one.train_loss for one in whole.history]
    assert taken_up.chosen == whole.chosen
    own, other = taken_up.module.state_dict(), whole.module.state_dict()
    assert all(torch.equal(own[name], other[name]) for name in own)
    with pytest.raises(UserError, match="another recipe"):
        Resume(tmp_path, replace(recipe, seed=9), data, torch.device("cpu")).read()
    resume.file.write_bytes(b"torn")
    with pytest.raises(UserError, match="is damaged"):
        resume.read()
    resume.clear()
    assert resume.read() is None


def test_the_last_epoch_that_transfers_as_well_as_the_best_is_kept(
    oct_set: Path, tmp_path: Path
) -> None:
    recipe = read_recipe(_recipe(tmp_path))
    data = gather([oct_set], recipe)
    done = train(data, recipe, torch.device("cpu"))
    kept = done.history[done.chosen - 1]
    assert kept.shifted_auroc >= max(one.shifted_auroc for one in done.history) - 2 * TOLERANCE
    judged = Judge(data, recipe.seed, torch.device("cpu"))(done.module, bf16=fast_bf16())
    assert judged.shifted_auroc == pytest.approx(kept.shifted_auroc)


@pytest.mark.parametrize(
    ("areas", "chosen"),
    [([0.8, 0.9, 0.895], 3), ([0.8, 0.9, 0.88], 2), ([0.9, 0.895, 0.92, 0.6], 3), ([0.7], 1)],
)
def test_which_epoch_is_chosen(areas: list[float], chosen: int) -> None:
    history = [
        Epoch(number, 10 * number, 0.1, 0.5, 0.5, 0.5, 0.5, 0.99, area, 1.0)
        for number, area in enumerate(areas, start=1)
    ]
    assert chosen_epoch(history).epoch == chosen


def test_an_ensemble_is_trained_member_by_member_and_then_joined(
    oct_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    members = "\n[[members]]\nsize = 24\n[[members]]\nsize = 32\nepochs = 7\n"
    recipe = tmp_path / "pair.toml"
    recipe.write_text(RECIPE + members)
    wanted = read_recipe(recipe)
    assert (wanted.member(0).size, wanted.member(1).epochs) == (24, 7)
    out, cpu = tmp_path / "out", torch.device("cpu")
    done = training_run.run([oct_set], out, wanted, cpu)
    assert done.card.architecture == "small@24+small@32"
    assert done.card.input_size == 32
    assert len(done.card.training["members"]) == 2  # type: ignore[arg-type]

    module, _ = checkpoint.load(out)
    parts = [checkpoint.load(out / f"member-{number}")[0] for number in (1, 2)]
    films = np.stack([made_film(np.random.default_rng(5), kind, 32) for kind in range(4)])
    seen = [np.stack([prepare(film, size) for film in films]) for size in (24, 32)]
    expected = np.mean([score(part, view, cpu) for part, view in zip(parts, seen, strict=True)], 0)
    np.testing.assert_allclose(score(module, films, cpu), expected, atol=0.1)
    logits, scope = score_all(out, films, "cpu")
    np.testing.assert_allclose(logits, score(module, films, cpu), atol=1e-4)
    assert np.isfinite(scope).all()

    capsys.readouterr()
    again = training_run.run([oct_set], out, wanted, cpu)
    assert again.card.weights_digest == done.card.weights_digest
    assert "training member" not in capsys.readouterr().err
    with pytest.raises(UserError, match=r"member-1 holds a member that another recipe trained"):
        training_run.run([oct_set], out, replace(wanted, seed=5), cpu)


def test_fewer_epochs_hold_for_every_member(tmp_path: Path) -> None:
    recipe = tmp_path / "pair.toml"
    recipe.write_text(RECIPE + "\n[[members]]\nsize = 24\n[[members]]\nepochs = 7\n")
    short = read_recipe(recipe).shortened(2)
    assert [short.member(position).epochs for position in (0, 1)] == [2, 2]


def test_weights_under_other_names_are_taken_over_in_their_order() -> None:
    module = build("efficientnet_lite0", 3)
    own = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    published = {f"_blocks.{place}": tensor + 1 for place, tensor in enumerate(own.values())}
    stem = next(iter(own.values())).repeat(1, 3, 1, 1)
    published = {"_conv_stem.weight": stem, **dict(list(published.items())[1:])}
    assert load_pretrained(module, named_as(module, published)) == len(own)
    taken = module.state_dict()
    first, *others = own
    assert torch.allclose(taken[first], own[first] * 3)  # summed over three equal channels
    assert all(torch.equal(taken[name], own[name] + 1) for name in others)


def test_a_source_that_is_left_out_judges_and_does_not_train(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    lines = ["file,label,patient_id,source"]
    for number in range(24):
        kind, source = number % 2, ("near", "far")[number // 2 % 2]
        write_film(tmp_path / f"{number}.png", made_film(rng, kind, 40))
        lines.append(f"{number}.png,{('NORMAL', 'PNEUMONIA')[kind]},p{number},{source}")
    (tmp_path / "index.csv").write_text("\n".join(lines))
    recipe = Recipe(size=32, leave_out=("far",), validation_share=0.3)
    data = gather([tmp_path / "index.csv"], recipe)
    assert set(data.train.sources) == {"near"}
    assert (data.validation.sources == "far").sum() == 12


def test_the_shipped_weights_are_a_start_for_their_architecture_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    member = checkpoint.load(checkpoint.shipped_model())[0].networks()[-1]
    module = build("mobilenet_v2", 4)
    taken = load_initial(module, "shipped")
    assert taken == len(member.state_dict()) - 2  # all but the head, which has four classes here
    assert torch.equal(module.features[1].conv[1].weight, member.features[1].conv[1].weight)
    assert capsys.readouterr().err == ""
    assert load_initial(build("small", 3), "shipped") < 5
    assert "begins from random ones" in capsys.readouterr().err
