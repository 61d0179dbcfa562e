"""From runs to what is told of them: one dictionary, which is the JSON and which the page draws."""

import shlex

import stats


def shown(course):
    """The command as somebody would type it."""
    text = shlex.join(course.command)
    return f"{text} < {shlex.quote(course.stdin)}" if course.contender.stdin else text


def contender_result(course, figure):
    """One contender's part in one figure, or None where it takes none."""
    runs = [run.figures.get(figure.name) for run in course.runs]
    result = {"name": course.contender.name, "judged": course.contender.judged}
    if course.failed or course.skipped:
        result["missing"] = course.failed or course.skipped
        return result
    if any(run is None for run in runs) or not runs:
        return None
    result.update(stats.Spread.of(runs).to_json())
    result["peak_mb"] = stats.median([run.peak_mb for run in course.runs])
    result["wall_s"] = stats.median([run.wall_s for run in course.runs])
    result["share"] = stats.median([run.share for run in course.runs])
    return result


def goodness(figure, ours, peer):
    """How many times as good we are, round by round."""
    if figure.higher_is_better:
        return stats.in_turn(ours, peer)
    return stats.in_turn(peer, ours)


def ratio(figure, ours, peer):
    """The ratio in the sense of the aim: as good (at least), or as dear (at most)."""
    if figure.aim is not None and figure.aim.kind == "at-most":
        return stats.in_turn(ours, peer)
    return goodness(figure, ours, peer)


def add_ratios(figure, contenders):
    ours = contenders[0].get("runs")
    for peer in contenders[1:]:
        if ours and "runs" in peer:
            spread = ratio(figure, ours, peer["runs"])
            if spread is not None:
                peer["ratio"] = spread.to_json()


def verdict(figure, contenders):
    """The aim and how we stand to it; who is the best of the peers where it takes one."""
    aim = figure.aim
    if aim is None:
        return None
    told = {"text": aim.text(figure.unit), "kind": aim.kind, "bound": aim.bound, "met": None}
    ours = contenders[0]
    if "runs" not in ours:
        return {**told, "verdict": "not measured"}
    if aim.kind == "absolute":
        judged = stats.judge(stats.Spread.of(ours["runs"]), aim.bound, at_least=False)
        return {**told, "verdict": judged.text, "met": judged.met}
    peers = [peer for peer in contenders[1:] if peer["judged"] and "ratio" in peer]
    if not peers:
        return {**told, "verdict": "no peer measured"}
    pick = max if aim.kind == "at-most" else min
    best = pick(peers, key=lambda peer: peer["ratio"]["median"])
    judged = stats.judge(
        stats.Spread.of(best["ratio"]["runs"]), aim.bound, at_least=aim.kind == "times"
    )
    return {**told, "verdict": judged.text, "met": judged.met, "best": best["name"]}


def figure_result(figure, courses):
    contenders = [contender_result(course, figure) for course in courses]
    if contenders[0] is None:
        contenders[0] = {"name": courses[0].contender.name, "missing": "not in its output"}
        contenders[0]["judged"] = True
    contenders = [contender for contender in contenders if contender is not None]
    add_ratios(figure, contenders)
    return {
        "name": figure.name,
        "unit": figure.unit,
        "what": figure.what,
        "better": "higher" if figure.higher_is_better else "lower",
        "contenders": contenders,
        "aim": verdict(figure, contenders),
    }


def benchmark_result(benchmark, courses, load):
    """One benchmark as it is written."""
    return {
        "id": benchmark.id,
        "group": benchmark.group,
        "what": benchmark.what,
        "load": round(load, 2),
        "commands": {
            course.contender.name: shown(course)
            for course in courses
            if course.command
        },
        "figures": [figure_result(figure, courses) for figure in benchmark.figures],
    }


def failures(results):
    """What ran and failed: (benchmark, contender, why), each once."""
    return list(dict.fromkeys((r["id"], name, why) for r in results for name, why in r["failed"]))
