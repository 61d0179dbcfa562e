"""Tests of the judges: `ouch5` and `itch5` find what is wrong, and only that."""

import contextlib
import io
import json
import pathlib
import tempfile
import unittest

import itch5
import nasdaq
import ouch5
import ouch5_scenarios

PRICE = 1_000_000


def reply(kind, **values):
    """An OUCH reply, as a trader reads it."""
    fields = {"timestamp": 1, "user_ref_num": 1, **values}
    return nasdaq.read(nasdaq.OUCH_OUT, nasdaq.write(nasdaq.OUCH_OUT, kind, fields))


def accepted(number, side, quantity, reference, **values):
    """An order that was accepted."""
    return reply("A", user_ref_num=number, side=side, quantity=quantity, symbol="AAPL",
                 price=PRICE, display="Y", order_state="L", time_in_force="0", cross_type="N",
                 order_reference_number=reference, **values)


def executed(number, quantity, flag, match):
    """An execution."""
    return reply("E", user_ref_num=number, quantity=quantity, price=PRICE, liquidity_flag=flag,
                 match_number=match)


class Accounts(unittest.TestCase):
    """What a trader takes from the venue, and what it does not."""

    def test_options_are_read_as_they_are_written(self):
        options = {"min_qty": 7, "peg_offset": -5, "post_only": "P", "firm": "ABCD",
                   "expire_time": 57_600, "group_id": 9, "side": "B", "user_ref_index": 3}
        data = ouch5.appendage(options)
        message = {"appendage": nasdaq.read_appendage(data, len(data))}
        self.assertEqual(ouch5.told(message), options)

    def test_an_account_follows_an_order_to_its_end(self):
        account = ouch5.Account()
        for message in (accepted(1, "B", 100, 5), executed(1, 40, "A", 1),
                        reply("U", orig_user_ref_num=1, user_ref_num=2, side="B", quantity=50,
                              symbol="AAPL", price=PRICE, display="Y", order_state="L",
                              order_reference_number=6),
                        reply("M", user_ref_num=2, side="B", quantity=30),
                        reply("C", user_ref_num=2, quantity=30)):
            account.on_message(message)
        self.assertEqual(account.open_orders(), [])
        self.assertEqual(account.orders[2].executed, 40)

    def test_an_account_finds_what_cannot_be(self):
        for wrong in (executed(1, 101, "A", 1), executed(2, 1, "A", 1),
                      reply("C", quantity=101), accepted(1, "B", 1, 6),
                      reply("C", quantity=1, timestamp=0), reply("B", match_number=9),
                      reply("E", quantity=1, price=PRICE + 1, liquidity_flag="A"),
                      reply("U", orig_user_ref_num=3, user_ref_num=4)):
            account = ouch5.Account()
            account.on_message(accepted(1, "B", 100, 5))
            with self.subTest(wrong=wrong), self.assertRaises(ouch5.Broken):
                account.on_message(wrong)

    def test_every_scenario_says_what_it_is(self):
        for name, (_, scenario) in ouch5_scenarios.SCENARIOS.items():
            self.assertTrue(scenario.__doc__, name)


class Tape(unittest.TestCase):
    """A tape and a transcript of one trade: 100 rest, 40 trade, 20 are canceled, 40 stay."""

    HEARD = [("M", accepted(1, "S", 100, 5)), ("T", accepted(1, "B", 40, 6)),
             ("T", executed(1, 40, "R", 1)), ("M", executed(1, 40, "A", 1)),
             ("M", reply("C", quantity=20, cancel_order_reason="U"))]
    TAPE = [("A", {"order_reference_number": 5, "buy_sell_indicator": "S", "shares": 100,
                   "stock": "AAPL", "price": PRICE}),
            ("E", {"order_reference_number": 5, "executed_shares": 40, "match_number": 1}),
            ("X", {"order_reference_number": 5, "canceled_shares": 20})]

    def judge(self, heard, tape):
        """Runs the comparison as a program; returns its status and what it found wrong."""
        with tempfile.TemporaryDirectory() as folder:
            messages, transcript = pathlib.Path(folder, "tape"), pathlib.Path(folder, "heard")
            raw = [nasdaq.write(nasdaq.ITCH, "S", {"event_code": "Q"})]
            raw += [nasdaq.write(nasdaq.ITCH, kind, {"timestamp": 1, **values})
                    for kind, values in tape]
            messages.write_bytes(b"".join(len(m).to_bytes(2, "big") + m for m in raw))
            lines = [json.dumps({"user": user, "event": "message", **message})
                     for user, message in heard]
            transcript.write_text("\n".join(lines), encoding="utf-8")
            out = io.StringIO()
            with contextlib.redirect_stderr(out):
                status = itch5.main([str(messages), "--transcript", str(transcript)], out)
        return status, json.loads(out.getvalue())["wrong"]

    def test_what_is_right_is_right(self):
        self.assertEqual(self.judge(self.HEARD, self.TAPE), (0, []))

    def test_any_change_of_the_tape_is_found(self):
        for at, (kind, values) in enumerate(self.TAPE):
            for field, value in values.items():
                other = {"stock": "MSFT", "buy_sell_indicator": "B"}.get(field)
                changed = {**values, field: value + 1 if other is None else other}
                tape = self.TAPE[:at] + [(kind, changed)] + self.TAPE[at + 1:]
                with self.subTest(type=kind, field=field):
                    self.assertEqual(self.judge(self.HEARD, tape)[0], 1)
            with self.subTest(type=kind, lost=True):
                self.assertEqual(self.judge(self.HEARD, self.TAPE[:at] + self.TAPE[at + 1:])[0], 1)

    def test_any_reply_that_is_lost_is_found(self):
        # The taker's acceptance alone leaves no trace but its execution.
        for at in (2, 3, 4):
            heard = self.HEARD[:at] + self.HEARD[at + 1:]
            with self.subTest(at=at):
                self.assertEqual(self.judge(heard, self.TAPE)[0], 1)

    def test_a_crossed_book_is_found(self):
        bid = ("A", {"order_reference_number": 7, "buy_sell_indicator": "B", "shares": 1,
                     "stock": "AAPL", "price": PRICE})
        heard = self.HEARD + [("T", accepted(2, "B", 1, 7))]
        status, wrong = self.judge(heard, self.TAPE + [bid])
        self.assertEqual(status, 1)
        self.assertTrue(any("crossed" in what for what in wrong), wrong)


if __name__ == "__main__":
    unittest.main()
