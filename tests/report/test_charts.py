"""Charts that are files of their own."""

from __future__ import annotations

from tests.calibration.made import of_catalogue, trials

from resight.calibration import Calibration
from resight.report.charts import reliability_file


def test_the_reliability_diagram_has_a_point_for_each_bin() -> None:
    drawn = reliability_file(Calibration(of_catalogue(trials())))
    assert drawn.startswith("<svg xmlns")
    assert drawn.count("<circle") == 10
    assert "30 individuals · 120 trials from catalogue" in drawn
