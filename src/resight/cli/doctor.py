"""The command that looks whether everything needed is here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from resight.cli.options import HERE, AsJson, CatalogueFolder, Quiet
from resight.cli.output import Column, ExitCode, Output, count, file_size, to_stderr

if TYPE_CHECKING:
    from resight.doctor import CatalogueFacts, Facts


def doctor(
    catalogue: CatalogueFolder = HERE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Look whether engines, weights, settings and the catalogue are in order.

    Paste what it prints into reports of problems; nothing leaves this computer by
    itself. Exit code 3 if something is to be put right.

    Examples:
      resight doctor
      resight doctor -c turtles-bonaire --json

    Next: what its last lines advise; resight check, for a full check of the catalogue
    """
    from resight.doctor import examine

    out = Output(quiet=quiet, as_json=as_json)
    with out.progress("Looking around"):
        facts = examine(catalogue)
    out.json({**asdict(facts), "advice": facts.advice})
    out.table([Column(""), Column("", fold=True)], list(_lines(facts)))
    for advice in facts.advice:
        to_stderr(f"{advice.severity}: {advice.message}")
    out.say("" if facts.advice else "All is well")
    if any(advice.severity == "error" for advice in facts.advice):
        raise typer.Exit(ExitCode.PARTLY)


def _lines(facts: Facts) -> Iterator[tuple[str, str]]:
    about = facts.machine
    yield "resight", facts.version
    yield "versions", ", ".join(f"{name} {text}" for name, text in about["versions"].items())
    yield "system", about["os"]
    yield (
        "processor",
        f"{about['cpu']}; {count(about['cores'], 'usable core')}, "
        f"{count(facts.threads, 'thread')} used; {about['memory_gb']} GB memory",
    )
    for engine in facts.engines:
        state = f"precision auto gives {engine.precision}" if engine.precision else engine.problem
        if engine.device == "cpu":
            yield f"engine {engine.name}", state
        else:
            yield f"  on {engine.device}", f"untested: no GPU was there; {state}"
    yield "weights in", facts.models_folder
    for model in facts.models:
        yield f"  {model.name}", model.state + (f": {model.problem}" if model.problem else "")
    yield "settings files", ", ".join(facts.settings_files) or "none; defaults and RESIGHT_… hold"
    if facts.catalogue is None:
        yield "catalogue", "none in this folder (resight init makes one; -c names one)"
    else:
        yield from _catalogue_lines(facts.catalogue)


def _catalogue_lines(facts: CatalogueFacts) -> Iterator[tuple[str, str]]:
    yield "catalogue", facts.folder
    if facts.problem:
        return
    yield (
        "  holds",
        f"{count(facts.photos, 'photo')} of {count(facts.individuals, 'individual')}, "
        f"{file_size(facts.originals_bytes)}",
    )
    per_photo = facts.features_bytes_per_photo
    yield (
        "  features",
        file_size(facts.features_bytes)
        + (f", {file_size(per_photo)} per photo" if per_photo else ""),
    )
    errors = sum(finding.severity == "error" for finding in facts.findings)
    yield "  quick check", count(errors, "error") if facts.findings else "nothing found"
