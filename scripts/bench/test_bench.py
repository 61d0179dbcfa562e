"""The runner: statistics, parsing, runs in turn, and a page that hostile names cannot break."""

import contextlib
import html.parser
import io
import json
import os
import pathlib
import runpy
import sys
import tempfile
import unittest

import catalogue
import lines
import measure
import page
import peers
import pmd
import results
import stats
from model import OURS, Benchmark, Contender, Figure, absolute, at_most, times

HOSTILE = '</script><img src=x onerror=alert(1)>"\'&\u202e'


class Statistics(unittest.TestCase):
    def test_median(self):
        self.assertEqual(stats.median([3, 1, 2]), 2)
        self.assertEqual(stats.median([4, 1, 3, 2]), 2.5)
        with self.assertRaises(ValueError):
            stats.median([])

    def test_a_ratio_is_of_the_same_round(self):
        # The second round was disturbed: both sides took twice as long, the ratio is the same.
        spread = stats.in_turn([30, 60, 30], [10, 20, 10])
        self.assertEqual((spread.median, spread.low, spread.high), (3, 3, 3))

    def test_a_ratio_skips_what_is_missing(self):
        self.assertEqual(stats.in_turn([None, 4], [1, 2]).runs, (2,))
        self.assertIsNone(stats.in_turn([1], [0]))

    def test_verdicts(self):
        def verdict(runs, bound, at_least):
            return stats.judge(stats.Spread.of(runs), bound, at_least).text

        self.assertEqual(verdict([3.1, 3.2], 3, True), "met")
        self.assertEqual(verdict([2.9, 3.2, 3.3], 3, True), "met, within the noise")
        self.assertEqual(verdict([1, 2], 3, True), "missed")
        self.assertEqual(verdict([1.0, 1.2, 1.4], 1.15, False), "missed, within the noise")


class Lines(unittest.TestCase):
    def test_figures_and_checks_among_other_words(self):
        figures, checks = lines.parse("hello\nFIGURE a-b 1.5 ns\nCHECK trades 17\nFIGURES\n")
        self.assertEqual(figures, {"a-b": (1.5, "ns")})
        self.assertEqual(checks, {"trades": "17"})

    def test_what_cannot_be_read_is_named(self):
        for line in ("FIGURE a 1", "FIGURE a nan ns", "FIGURE a inf ns", "FIGURE a -1 ns",
                     "FIGURE a x ns", "FIGURE a 1 ns more", "CHECK a"):
            with self.assertRaises(lines.Unreadable, msg=line) as caught:
                lines.parse(line)
            self.assertIn(line, str(caught.exception) + " ")
        with self.assertRaises(lines.Unreadable):
            lines.parse("FIGURE a 1 ns\nFIGURE a 2 ns")


class Peers(unittest.TestCase):
    def test_cpptrader(self):
        output = ("ITCH processing...Done!\n\nErrors: 0\n\nProcessing time: 1.391 s\n"
                  "Total ITCH messages: 9195605\nITCH message throughput: 8000000 msg/s\n")
        figures, checks = peers.itch_figure("books")(output)
        self.assertEqual(figures, {"books": (125.0, "ns")})
        self.assertEqual(checks, {"messages": "9195605"})
        with self.assertRaises(lines.Unreadable):
            peers.itch_figure("books")(output.replace("Errors: 0", "Errors: 3"))
        with self.assertRaises(lines.Unreadable):
            peers.itch_figure("books")("Segmentation fault")

    def test_itch_order_book(self):
        output = "917504\n9195402 packets in 386206884 nanos , 42.00 nanos per packet \n"
        self.assertEqual(peers.itch_order_book(output)[0], {"books": (42.0, "ns")})
        with self.assertRaises(lines.Unreadable):
            peers.itch_order_book("")

    def test_liquibook(self):
        output = ("3 sec performance test of order book\ntesting order book with depth\n"
                  "trying run of 375000 orders - not enough orders\n"
                  "trying run of 12000000 orders - complete!\n"
                  "Inserted 3000000 orders in 3 seconds, or 1000000 insertions per sec\n"
                  "Inserted 6000000 orders in 3 seconds, or 2000000 insertions per sec\n")
        self.assertEqual(peers.liquibook(output)[0], {"insert": (500.0, "ns")})
        with self.assertRaises(lines.Unreadable):
            peers.liquibook("3 sec performance test of order book\n")

    def test_our_report(self):
        report = {"roles": [{"latencies": []}, {"latencies": [
            {"name": "tick_to_trade", "p50_ns": 4200, "p99_ns": 51000}]}]}
        figures, _ = peers.quickstart(json.dumps(report))
        self.assertEqual(figures["tick-to-trade-p50"], (4.2, "us"))
        for torn in ("", "{}", '{"roles": [1]}', '{"roles": [{"latencies": [{"name": 1}]}]}'):
            with self.assertRaises(lines.Unreadable):
                peers.quickstart(torn)

    def test_a_path_without_the_programs_is_refused(self):
        with tempfile.TemporaryDirectory() as empty:
            self.assertIn("pt_order_book", peers.GIVEN["liquibook"].lacks(empty))


def python(code):
    """A contender's command that runs some Python."""
    return f"{sys.executable} -c '{code}'"


def benchmark(*contenders, figure=Figure("f", "ns", aim=times(2))):
    return Benchmark("b", "G", "what", (figure,), contenders, timeout_s=300)


def measured(subject, rounds=3):
    courses = measure.measure(subject, {}, rounds, False, {})
    result = results.benchmark_result(subject, courses, 0.0)
    result["again"], result["failed"] = "x", []
    return courses, result


class Measuring(unittest.TestCase):
    def test_in_turn_and_judged(self):
        with tempfile.TemporaryDirectory() as directory:
            log = os.path.join(directory, "log")
            code = 'open("{}","a").write("{}"); print("FIGURE f {} ns")'
            subject = benchmark(
                Contender(OURS, python(code.format(log, "a", 10))),
                Contender("peer", python(code.format(log, "b", 25))),
            )
            _, result = measured(subject)
            with open(log, encoding="utf-8") as order:
                self.assertEqual(order.read(), "ababab")
        figure = result["figures"][0]
        self.assertEqual(figure["contenders"][1]["ratio"]["median"], 2.5)
        self.assertEqual(figure["aim"]["verdict"], "met")
        self.assertEqual(figure["aim"]["best"], "peer")

    def test_failures_are_told_and_stop_nobody_else(self):
        subject = benchmark(
            Contender(OURS, python('print("FIGURE f 1 ns")')),
            Contender("ends", python('print("no"); exit(3)')),
            Contender("silent", python('print("nothing")')),
            Contender("unit", python('print("FIGURE f 1 us")')),
            Contender("gone", "/nowhere/at/all"),
            Contender("path", "x", given="cpptrader"),
        )
        courses, result = measured(subject)
        told = {course.contender.name: course.failed or course.skipped for course in courses}
        self.assertEqual(told[OURS], "")
        self.assertIn("ended with 3: no", told["ends"])
        self.assertIn("no figure", told["silent"])
        self.assertIn("comes in us, not in ns", told["unit"])
        self.assertIn("/nowhere/at/all", told["gone"])
        self.assertIn("--peer cpptrader=PATH", told["path"])
        self.assertEqual(result["figures"][0]["aim"]["verdict"], "no peer measured")

    def test_time_on_the_wall_is_taken_times_the_share(self):
        code = 'import time; time.sleep(0.3); print("FIGURE f 1000 ns")'
        subject = benchmark(Contender(OURS, python(code), wall=True))
        courses, _ = measured(subject, rounds=1)
        run = courses[0].runs[0]
        self.assertLess(run.share, 0.9)
        self.assertAlmostEqual(run.figures["f"], 1000 * run.share)

    def test_too_slow_is_ended_with_what_it_started(self):
        with self.assertRaises(measure.Failed) as caught:
            measure.run([sys.executable, "-c", "import time; time.sleep(60)"], 1, 0.2)
        self.assertIn("not done after 0.2 s", str(caught.exception))

    def test_other_work_is_no_comparison(self):
        subject = benchmark(
            Contender(OURS, python('print("FIGURE f 1 ns\\nCHECK trades 5")')),
            Contender("skips", python('print("FIGURE f 0.1 ns\\nCHECK trades 4")')),
        )
        courses, result = measured(subject)
        self.assertIn("did other work: trades 4, but peregrine 5", courses[1].failed)
        self.assertNotIn("ratio", result["figures"][0]["contenders"][1])

    def test_one_run_may_measure_two(self):
        subject = benchmark(
            Contender(OURS, python('print("FIGURE f 1 ns\\nFIGURE other-f 3 ns")')),
            Contender("other", names={"f": "other-f"}),
        )
        _, result = measured(subject)
        self.assertEqual(result["figures"][0]["contenders"][1]["ratio"]["median"], 3)

    def test_costs_and_bounds(self):
        ours = Contender(OURS, python('print("FIGURE f 11 ns")'))
        floor = Contender("floor", python('print("FIGURE f 10 ns")'))
        _, result = measured(benchmark(ours, floor, figure=Figure("f", "ns", aim=at_most(1.15))))
        self.assertEqual(result["figures"][0]["aim"]["met"], True)
        _, result = measured(benchmark(ours, figure=Figure("f", "ns", aim=absolute(2))))
        self.assertEqual(result["figures"][0]["aim"]["met"], False)

    def test_paths_with_odd_characters_stay_one_word(self):
        words = measure.words("{a}/x --input {b}", {"a": "/a b", "b": "c'd {e} $f"})
        self.assertEqual(words, ["/a b/x", "--input", "c'd {e} $f"])


class Tags(html.parser.HTMLParser):
    """The tags of a page, and whether each that is opened is closed in turn."""

    VOID = {"meta", "line", "circle", "rect", "img", "br"}

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open and self.open[-1] == tag, f"</{tag}> within {self.open}"
            self.open.pop()


class Page(unittest.TestCase):
    def report(self, low=1.0, high=2.0):
        contenders = [
            {"name": HOSTILE, "judged": True, **stats.Spread.of([low, high]).to_json(),
             "peak_mb": 1.0, "wall_s": 0.5, "share": 0.5},
            {"name": HOSTILE * 2, "judged": True, **stats.Spread.of([low, high]).to_json(),
             "ratio": stats.Spread.of([1.0]).to_json(),
             "peak_mb": 1.0, "wall_s": 0.5, "share": 0.5},
            {"name": "none", "judged": True, "missing": HOSTILE},
        ]
        figure = {"name": HOSTILE, "unit": HOSTILE, "what": HOSTILE, "better": "lower",
                  "contenders": contenders,
                  "aim": {"text": HOSTILE, "kind": "times", "bound": 1, "met": True,
                          "verdict": HOSTILE, "best": HOSTILE * 2}}
        result = {"id": HOSTILE, "group": HOSTILE, "what": HOSTILE, "load": 1.0,
                  "commands": {HOSTILE: HOSTILE}, "figures": [figure], "again": HOSTILE}
        return {"machine": {HOSTILE: HOSTILE}, "command": HOSTILE, "benchmarks": [result]}

    def test_hostile_names(self):
        text = page.page(self.report())
        tags = Tags()
        tags.feed(text)
        self.assertEqual(tags.open, ["html"][:len(tags.open)])
        self.assertFalse(tags.seen & {"script", "img"})
        self.assertNotIn("http", text)

    def test_figures_of_any_size(self):
        for low, high in ((0.0, 0.0), (0.0, 5.0), (1e-9, 1e9), (3.0, 3.0), (999.999, 1e6)):
            tags = Tags()
            tags.feed(page.page(self.report(low, high)))
            self.assertIn("svg", tags.seen)

    def test_numbers(self):
        shown = [page.number(v) for v in (0, 0.0123, 9.876, 123.4, 12345.6, 999.99)]
        self.assertEqual(shown, ["0", "0.0123", "9.88", "123", "12,346", "1,000"])


class Processes(unittest.TestCase):
    """Those with ports. What went wrong is told with the process's own last words."""

    def test_how_it_ended_and_what_it_said_last(self):
        said = r"printf '\033[31mprobe failed\033[0m\n\none\ntwo\nthree\nfour\nfive\n'; exit 3"
        process = pmd.Process(["sh", "-c", said])
        process.child.wait()
        words = process.last_words()
        last = "probe failed | two | three | four | five"
        self.assertEqual(words, f"sh ended with 3 and said last: {last}")
        self.assertEqual(process.last_words(), words)

    def test_who_does_not_say_what_is_waited_for(self):
        process = pmd.Process(["sh", "-c", "echo out of hugepages; exit 1"])
        with self.assertRaises(pmd.Trouble) as caught:
            process.until("testpmd>")
        self.assertIn("sh ended with 1 and said last: out of hugepages", str(caught.exception))

    def test_who_still_runs_and_says_nothing(self):
        process = pmd.Process(["sleep", "60"])
        self.assertEqual(process.last_words(), "sleep still runs and said last: nothing")
        process.end()


class Catalogue(unittest.TestCase):
    def test_everything_is_told_apart(self):
        ids = [b.id for b in catalogue.BENCHMARKS]
        self.assertEqual(len(ids), len(set(ids)))
        for each in catalogue.BENCHMARKS:
            names = [c.name for c in each.contenders]
            self.assertEqual(len(names), len(set(names)), each.id)
            self.assertEqual(names[0], OURS, each.id)
            for contender in each.contenders:
                self.assertTrue(contender.given is None or contender.given in peers.GIVEN)

    def test_choice(self):
        runner = runpy.run_path(os.path.join(os.path.dirname(__file__), "__main__.py"))
        chosen = runner["chosen"](catalogue.BENCHMARKS, "books, feed,BOOKS", False)
        self.assertEqual([b.id for b in chosen], ["books", "decode", "market"])
        said = io.StringIO()
        with self.assertRaises(SystemExit) as caught, contextlib.redirect_stderr(said):
            runner["chosen"](catalogue.BENCHMARKS, "bokks", False)
        self.assertEqual(caught.exception.code, 2)
        self.assertIn("did you mean books?", said.getvalue())

    def test_variants_are_ourselves_as_another_build_has_us(self):
        runner = runpy.run_path(os.path.join(os.path.dirname(__file__), "__main__.py"))
        subject = next(b for b in catalogue.BENCHMARKS if b.id == "engine-mixed")
        with tempfile.TemporaryDirectory() as folder:
            target = pathlib.Path(folder)
            (target / "variants" / "lto" / "release" / "examples").mkdir(parents=True)
            told = runner["variants"](subject, ["lto"], target)
            said = io.StringIO()
            with self.assertRaises(SystemExit), contextlib.redirect_stderr(said):
                runner["variants"](subject, ["pgo"], target)
            self.assertIn("scripts/build.sh --benches pgo", said.getvalue())
        self.assertEqual([c.name for c in told.contenders], [OURS, f"{OURS}, lto"])
        default, lto = (c.command.format_map({"target": folder}) for c in told.contenders)
        self.assertEqual(lto, default.replace("/release", "/variants/lto/release"))
        self.assertNotIn(catalogue.PEERS, told.build)
        self.assertIsNone(told.figures[0].aim)

    def test_a_result_is_json(self):
        subject = benchmark(Contender(OURS, python('print("FIGURE f 1 ns")')))
        json.dumps(measured(subject, rounds=1)[1])


if __name__ == "__main__":
    unittest.main()
