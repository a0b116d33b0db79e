"""Measure how well methods identify, on a protocol of known animals.

protocol = read_protocol(Path("turtles.csv"))
report = evaluate(protocol, Path("photos"), [build_method("sift+nearest", settings)], settings)
"""

from resight.evaluate.protocol import EvaluationProtocol, read_protocol
from resight.evaluate.report import MethodReport, Report, Unreadable
from resight.evaluate.run import evaluate

__all__ = [
    "EvaluationProtocol",
    "MethodReport",
    "Report",
    "Unreadable",
    "evaluate",
    "read_protocol",
]
