"""The page: one HTML file that needs nothing besides itself. Everything that is not ours to
choose, such as names of files and what a failed command said, is escaped."""

import math
from html import escape

STYLE = """
:root { color-scheme: light dark; --back: #fcfcfd; --ink: #1c2330; --soft: #5d6778;
  --line: #d9dee7; --card: #ffffff;
  --ours: #1f6feb; --peer: #8a94a6; --good: #137a3e; --bad: #b3261e; --open: #8a6100; }
@media (prefers-color-scheme: dark) {
  :root { --back: #11151c; --ink: #e4e8ef; --soft: #98a2b3; --line: #2b3340; --card: #181d26;
    --ours: #6aa6ff; --peer: #7d8798; --good: #5bd28a; --bad: #ff8a80; --open: #e5b94e; } }
* { box-sizing: border-box; } a { color: var(--ours); }
body { margin: 0; background: var(--back); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 20px 60px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 20px; margin: 40px 0 12px; }
h3 { font-size: 16px; margin: 0 0 2px; } p { margin: 4px 0 10px; }
.soft { color: var(--soft); } .good { color: var(--good); } .bad { color: var(--bad); }
.open { color: var(--open); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 14px 16px; margin: 0 0 16px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: 13px; }
th, td { padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; white-space: nowrap; }
tr.ours td:first-child { color: var(--ours); font-weight: 600; }
code { font: 13px/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }
details { margin-top: 8px; } summary { cursor: pointer; color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 12px 0; }
dt { color: var(--soft); } dd { margin: 0; }
svg { display: block; max-width: 100%; height: auto; margin: 8px 0; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg .tick { fill: var(--soft); } svg .grid { stroke: var(--line); }
svg .ours { fill: var(--ours); } svg .peer { fill: var(--peer); }
svg .bar { opacity: .28; } svg .mid { stroke: var(--ink); stroke-width: 2; }
"""

LEFT, WIDTH, ROW, DOT = 190, 960, 26, 3.5


def number(value):
    """Three significant digits or the whole number, with thousands marked."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def span(contender):
    """The least and the greatest run."""
    return f"{number(contender['low'])} to {number(contender['high'])}"


def steps(top):
    """Round numbers from 0 to a bit beyond `top`, some four to six of them."""
    raw = top / 5
    unit = 10 ** math.floor(math.log10(raw))
    step = next(unit * n for n in (1, 2, 2.5, 5, 10) if unit * n >= raw)
    return [step * n for n in range(math.ceil(top / step) + 1)]


def decades(low, high):
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0**n for n in range(first, max(last, first + 1) + 1)]


def axis(low, high):
    """Marks, and a function from value to x: by decades where bars would be lost otherwise."""
    room = WIDTH - LEFT - 90
    if low > 0 and high / low > 30:
        marks = decades(low, high)
        first, last = math.log10(marks[0]), math.log10(marks[-1])
        scale = lambda v: LEFT + room * (math.log10(max(v, marks[0])) - first) / (last - first)
        return marks, scale, " (by decades)"
    marks = steps(high or 1)
    return marks, lambda v: LEFT + room * v / marks[-1], ""


def chart(figure):
    """A bar to the median and a dot a run, for each who has runs."""
    rows = [contender for contender in figure["contenders"] if "runs" in contender]
    if not rows:
        return ""
    values = [value for row in rows for value in row["runs"]]
    marks, x, how = axis(min(values), max(values))
    height = ROW * len(rows) + 30
    better = "more" if figure["better"] == "higher" else "less"
    label = escape(f"{better} is better{how}")
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">',
        f'<text class="tick" x="0" y="{height - 8}">{label}</text>',
    ]
    for mark in marks:
        at = f"{x(mark):.1f}"
        parts.append(f'<line class="grid" x1="{at}" x2="{at}" y1="0" y2="{height - 24}"/>')
        place = f'x="{at}" y="{height - 8}" text-anchor="middle"'
        parts.append(f'<text class="tick" {place}>{number(mark)}</text>')
    for at, row in enumerate(rows):
        parts += bar(row, figure["contenders"][0] is row, ROW * at + ROW / 2, x)
    parts.append("</svg>")
    return "".join(parts)


def bar(row, is_ours, middle, x):
    """One row of a chart."""
    who = "ours" if is_ours else "peer"
    name = escape(row["name"])
    yield f'<text x="{LEFT - 10}" y="{middle + 4}" text-anchor="end">{name}</text>'
    width = max(x(row["median"]) - LEFT, 1)
    yield f'<rect class="{who} bar" x="{LEFT}" y="{middle - 8}" width="{width:.1f}" height="16"/>'
    for value in row["runs"]:
        tip = escape(number(value))
        yield (
            f'<circle class="{who}" cx="{x(value):.1f}" cy="{middle}" r="{DOT}">'
            f"<title>{tip}</title></circle>"
        )
    at = f"{x(row['median']):.1f}"
    yield f'<line class="mid" x1="{at}" x2="{at}" y1="{middle - 8}" y2="{middle + 8}"/>'
    after = x(max(row["high"], row["median"])) + 10
    yield f'<text x="{after:.1f}" y="{middle + 4}">{number(row["median"])}</text>'


def mark_of(aim):
    """A verdict with its colour; words besides the colour, for those who do not see it."""
    kind = {True: "good", False: "bad", None: "open"}[aim["met"]]
    return f'<span class="{kind}">{escape(aim["verdict"])}</span>'


def ratio_text(spread):
    return f"{number(spread['median'])} ({span(spread)})"


def figure_rows(figure):
    for at, row in enumerate(figure["contenders"]):
        name = escape(row["name"])
        if "runs" not in row:
            why = f'<td colspan="6" class="soft">{escape(row["missing"])}</td>'
            yield f"<tr><td>{name}</td>{why}</tr>"
            continue
        ratio = ratio_text(row["ratio"]) if "ratio" in row else ""
        yield (
            f'<tr class="{"ours" if at == 0 else "peer"}"><td>{name}</td>'
            f'<td class="n">{number(row["median"])}</td><td class="n">{span(row)}</td>'
            f'<td class="n">{ratio}</td><td class="n">{number(row["peak_mb"])}</td>'
            f'<td class="n">{number(row["wall_s"])}</td><td class="n">{row["share"]:.0%}</td></tr>'
        )


def ratio_head(figure):
    """What the column of ratios says, in the sense of the aim."""
    aim = figure["aim"]
    if aim is not None and aim["kind"] == "at-most":
        return "ours ÷ theirs"
    return "we are so many times as good"


def figure_part(figure):
    unit, what = escape(figure["unit"]), escape(figure["what"] or figure["name"])
    aim = figure["aim"]
    aimed = f"<p>Aim: {escape(aim['text'])} — {mark_of(aim)}</p>" if aim else ""
    return (
        f"<h3>{what}, {unit}</h3>{aimed}{chart(figure)}"
        '<div class="wide"><table><tr><th></th><th class="n">median</th>'
        f'<th class="n">runs</th><th class="n">{ratio_head(figure)}</th>'
        '<th class="n">peak MB</th><th class="n">whole run s</th><th class="n">of a core</th></tr>'
        f"{''.join(figure_rows(figure))}</table></div>"
    )


def benchmark_part(result):
    commands = "".join(
        f"<dt>{escape(name)}</dt><dd><code>{escape(command)}</code></dd>"
        for name, command in result["commands"].items()
    )
    again = escape(result["again"])
    return (
        f'<section class="card" id="{escape(result["id"], quote=True)}">'
        f'<p><b>{escape(result["id"])}</b>: {escape(result["what"])}</p>'
        f"{''.join(map(figure_part, result['figures']))}"
        f"<details><summary>commands; load {result['load']}</summary>"
        f"<p><code>{again}</code></p><dl>{commands}</dl></details></section>"
    )


def summary_rows(results):
    """Every figure that has an aim, in one table."""
    for result in results:
        for figure in result["figures"]:
            aim, ours = figure["aim"], figure["contenders"][0]
            if aim is None:
                continue
            best = next((p for p in figure["contenders"] if p["name"] == aim.get("best")), None)
            ratio = ratio_text(best["ratio"]) if best else ""
            measured = ""
            if "runs" in ours:
                measured = f"{number(ours['median'])} {escape(figure['unit'])}"
            link = escape(result["id"], quote=True)
            yield (
                f'<tr><td><a href="#{link}">{link}</a>: '
                f"{escape(figure['what'] or figure['name'])}</td>"
                f'<td class="n">{measured}</td><td>{escape(aim.get("best", ""))}</td>'
                f'<td class="n">{ratio}</td><td>{escape(aim["text"])}</td>'
                f"<td>{mark_of(aim)}</td></tr>"
            )


def summary(results):
    rows = "".join(summary_rows(results))
    if not rows:
        return ""
    return (
        '<h2>Aims</h2><div class="card wide"><table><tr><th>figure</th><th class="n">ours</th>'
        '<th>best peer</th><th class="n">ratio</th><th>aim</th><th></th></tr>'
        f"{rows}</table></div>"
    )


def page(report):
    """The whole page of a report, as `results` and `__main__` put it together."""
    facts = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>"
        for name, value in report["machine"].items()
    )
    groups = dict.fromkeys(result["group"] for result in report["benchmarks"])
    parts = []
    for group in groups:
        parts.append(f"<h2>{escape(group)}</h2>")
        parts += [benchmark_part(r) for r in report["benchmarks"] if r["group"] == group]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Peregrine: benchmarks</title><style>{STYLE}</style><main>"
        "<h1>Peregrine: benchmarks</h1>"
        '<p class="soft">Medians over runs that take turns, ours and the peers\' one after the '
        "other, round by round. A dot is a run. A ratio is that of each round, then their median, "
        "the least and the greatest in brackets: what disturbs a round disturbs both sides.</p>"
        f'<dl>{facts}<dt>command</dt><dd><code>{escape(report["command"])}</code></dd></dl>'
        f"{summary(report['benchmarks'])}{''.join(parts)}</main></html>\n"
    )
