"""The ratios as a bar chart in SVG: one bar per scenario, a line where SQLAlchemy's ORM stands."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from report import Line

LABELS, BARS, MARGIN, STEP = 300, 460, 16, 24
"""Widths of the two columns, the space around them, and the height of one line, in pixels."""

FONT = 'font-family="sans-serif" font-size="13" fill="#222"'


def text(x: float, y: float, content: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">{escape(content)}</text>'


def bar(index: int, line: Line, scale: float) -> list[str]:
    """Label, bar, whisker from the smallest to the largest round, and the median of one scenario."""
    y = 3 * STEP + index * STEP
    left = MARGIN + LABELS
    parts = [text(left - 8, y + 15, line.scenario.title, anchor="end")]
    if line.to_orm is None or line.absent:
        return [*parts, text(left + 6, y + 15, line.absent or "not compared")]
    width = min(line.to_orm.median * scale, BARS)
    low, high = (left + min(value * scale, BARS) for value in (line.to_orm.low, line.to_orm.high))
    color = "#2a7f62" if line.to_orm.median <= 1 else "#b3452c"
    return [
        *parts,
        f'<rect x="{left}" y="{y + 4}" width="{width:.1f}" height="{STEP - 8}" rx="2" fill="{color}"/>',
        f'<path d="M{low:.1f} {y + STEP / 2:.1f} H{high:.1f}" stroke="#222" stroke-width="1.5"/>',
        text(max(left + width, high) + 6, y + 15, f"{line.to_orm.median:.2f}", weight="bold"),
    ]


def svg(lines: Sequence[Line], title: str) -> str:
    """The chart as the text of an SVG file."""
    longest = max([1.0, *(line.to_orm.median for line in lines if line.to_orm)])
    scale = BARS / min(longest * 1.05, 2.0)
    height = (len(lines) + 4) * STEP
    width = 2 * MARGIN + LABELS + BARS + 60
    at_one = MARGIN + LABELS + scale
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" {FONT}>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        text(MARGIN, 22, title, weight="bold"),
        text(MARGIN, 42, "Ratio of ormsession to SQLAlchemy's ORM in time (last line: memory); shorter is better"),
    ]
    for index, line in enumerate(lines):
        parts += bar(index, line, scale)
    parts += [
        f'<path d="M{at_one:.1f} {2.6 * STEP:.1f} V{height - STEP:.1f}" stroke="#666" stroke-dasharray="4 3"/>',
        text(at_one, height - 8, "SQLAlchemy ORM = 1", anchor="middle"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
