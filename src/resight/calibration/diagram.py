"""The reliability diagram: how often what was called so probable came true, as SVG."""

from __future__ import annotations

from html import escape

from resight.calibration.judging import Calibration

_SIDE, _LEFT, _TOP = 360, 64, 56


def reliability_svg(calibration: Calibration) -> str:
    """One point for each tenth of the cross-validated trials; on the diagonal, all is well."""
    found = calibration.predicted
    width, height = _SIDE + _LEFT + 24, _SIDE + _TOP + 60
    trials = calibration.trials
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        _text(_LEFT, 22, f"{trials.method}, effort {trials.effort}", "start", 14),
        _text(
            _LEFT,
            40,
            f"ECE {found.ece:.3f} · {trials.individuals} individuals · {len(trials.trials)} trials "
            f"from {trials.origin}",
        ),
    ]
    for tick in range(0, 11, 2):
        x, y = _at(tick / 10, tick / 10)
        parts += [
            f'<path d="M{x:.1f} {_TOP}V{_TOP + _SIDE}M{_LEFT} {y:.1f}H{_LEFT + _SIDE}" '
            'stroke="#e4e4e4"/>',
            _text(x, _TOP + _SIDE + 18, f"{10 * tick} %", "middle"),
            _text(_LEFT - 8, y + 4, f"{10 * tick} %", "end"),
        ]
    (x0, y0), (x1, y1) = _at(0, 0), _at(1, 1)
    parts.append(
        f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" stroke="#888" stroke-dasharray="5 4"/>'
    )
    points = [(*_at(each.predicted, each.held), each.share) for each in found.reliability]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    parts.append(f'<polyline points="{path}" fill="none" stroke="#0b6e99" stroke-width="2"/>')
    parts += [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{3 + 8 * share**0.5:.1f}" '
        'fill="#0b6e99" fill-opacity="0.8"/>'
        for x, y, share in points
    ]
    middle = _TOP + _SIDE / 2
    parts += [
        _text(_LEFT + _SIDE / 2, _TOP + _SIDE + 42, "probability given", "middle"),
        f'<g transform="rotate(-90 16 {middle})">{_text(16, middle, "came true", "middle")}</g>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _at(said: float, was: float) -> tuple[float, float]:
    return _LEFT + _SIDE * said, _TOP + _SIDE * (1 - was)


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 12) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
    return f"<text {place}>{escape(text)}</text>"
