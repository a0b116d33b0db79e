"""The command that learns what scores mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from resight.cli.hints import command
from resight.cli.lookup import opened_in, searching
from resight.cli.options import HERE, AsJson, CatalogueFolder, Effort, Quiet, Set, effort_of
from resight.cli.output import Column, Output, stopped, to_stderr
from resight.verdicts import percent

if TYPE_CHECKING:
    from resight.calibration import Calibration


def calibrate(
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Extractor+matcher, such as sift+nearest.", show_default=False
        ),
    ] = "",
    effort: Effort = "",
    limit: Annotated[
        int, typer.Option(metavar="N", min=40, help="Ask about N photos at most.")
    ] = 400,
    plot: Annotated[
        Optional[Path],
        typer.Option(
            metavar="FILE.svg", help="Draw how often probabilities came true.", show_default=False
        ),
    ] = None,
    set_: Set = None,
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Learn from your own catalogue how probable an answer with a certain score is.

    Asks about photos of animals that were seen in two encounters (at least 20 of them),
    each as if it were not in the catalogue, some seconds each. With fewer, but 10
    animals in all, it learns what strangers score, and shrinks what drawn animals
    score to that. Stop it whenever you like: the same command continues. Do it again
    when a fifth has been added.

    Examples:
      resight calibrate
      resight calibrate --effort thorough --plot reliability.svg

    Next: resight identify with a new photo
    """
    from resight.settings import load_settings

    out = Output(quiet=quiet, as_json=as_json)
    if plot and plot.suffix.lower() != ".svg":
        raise typer.BadParameter(f"--plot {plot}: the diagram is an SVG file; name it FILE.svg")
    if plot and not plot.parent.is_dir():
        raise typer.BadParameter(f"--plot {plot}: there is no folder {plot.parent}; make it first")
    chosen = {"method": method, "effort": effort_of(effort)}
    values = load_settings(
        [*(set_ or ()), *(f"{name}={value}" for name, value in chosen.items() if value)],
        catalogue=catalogue,
    )
    with opened_in(catalogue) as opened:
        with out.progress(f"Loading {values.method}"):
            search = searching(opened, values)
        try:
            with out.progress("Asking about known animals") as step:
                learned = search.calibrate(limit=limit, progress=step)
        except KeyboardInterrupt:
            raise stopped("what was asked is kept; the same command continues") from None
    if plot:
        from resight.report.charts import reliability_file

        plot.write_text(reliability_file(learned), encoding="utf-8")
    figures = _figures(learned)
    out.json({"method": learned.trials.method, "effort": learned.trials.effort, **figures})
    _print(out, learned, figures)
    if plot:
        out.note(f"wrote {plot}")
    out.next(command("identify", "PHOTO", catalogue=catalogue))


def _figures(learned: Calibration) -> dict[str, Any]:
    found, trials = learned.predicted, learned.trials
    known = [trial for trial in trials.trials if not trial.novel]
    return {
        "origin": trials.origin,
        "individuals": trials.individuals,
        "known_trials": len(known),
        "novel_trials": len(trials.trials) - len(known),
        "not_listed": sum(trial.right is None for trial in known),
        "new_prior": learned.new_prior,
        "wanted_error": learned.wanted_error,
        "needed": found.needed(learned.wanted_error),
        "ece": found.ece,
        "brier": found.mean_brier,
        "brier_constant": found.constant_brier,
        "novelty_auroc": found.novelty_auroc,
        "accuracy": found.accuracy,
        "digest": trials.digest,
    }


def _print(out: Output, learned: Calibration, figures: dict[str, Any]) -> None:
    from resight.calibration.trials import CATALOGUE, ENOUGH_INDIVIDUALS

    if learned.trials.origin != CATALOGUE:
        out.say(
            f"Probabilities are now {learned.basis()}: fewer than {ENOUGH_INDIVIDUALS} individuals "
            "were seen in two encounters."
        )
        return
    known, missed = figures["known_trials"], figures["not_listed"]
    out.say(f"Learned for {learned.trials.method} at effort {learned.trials.effort}:")
    out.table(
        [Column(""), Column("", right=True)],
        [
            ("Individuals seen in two encounters", str(figures["individuals"])),
            ("Photos asked about as known animals", str(known)),
            ("  of which the search did not list their animal", str(missed)),
            ("Photos asked about as new animals", str(figures["novel_trials"])),
            ("Calibration error (ECE)", f"{figures['ece']:.3f}"),
            ("Brier score", f"{figures['brier']:.3f}"),
            ("  of who never looks", f"{figures['brier_constant']:.3f}"),
            ("Novelty AUROC", f"{figures['novelty_auroc']:.3f}"),
            (
                f"Probability needed to err in {percent(learned.wanted_error)}",
                percent(figures["needed"]) if figures["needed"] < 1 else "none is enough",
            ),
        ],
    )
    if figures["needed"] >= 1:
        to_stderr(f"warning: {_no_verdicts(learned)}")
    out.say(
        "Each animal's figures come from a fit without it. A new animal was taken to be "
        f"{percent(learned.new_prior)} probable before looking (setting new_prior)."
    )


#: Shares of errors that people may put up with, where those they wanted cannot be had.
_LARGER_ERRORS = (0.1, 0.15, 0.2, 0.3)


def _no_verdicts(learned: Calibration) -> str:
    """That answers will all be undecided, and what helps."""
    enough = [each for each in _LARGER_ERRORS if learned.predicted.needed(each) < 1]
    able = f", or accept more errors: --set wanted_error={enough[0]:g}" if enough else ""
    return (
        f"no answer will be a verdict: {learned.trials.individuals} individuals do not show any to "
        f"err in only {percent(learned.wanted_error)}. Ask about more photos and animals{able}"
    )
