"""What a venue must answer, order type by order type; `ouch5.py` runs it.

Each scenario is a function of a `Floor` and starts and ends with nobody's order open. The table at
the end says which feature each of them needs; those that need none are what every venue has.
Prices are around 100 dollars and one cent is a tick.
"""

from ouch5 import DOLLAR, MARKET
from soup_ouch import PeerError

PRICE = 100 * DOLLAR
TICK = 100

IOC, GTT = "3", "6"
# Reject reasons by their numbers in OUCH 5.0.
INVALID_SIDE, INVALID_QUANTITY, INVALID_SYMBOL, INVALID_PRICE = 0x09, 0x13, 0x17, 0x1D
INVALID_DISPLAY, INVALID_MIN_QUANTITY, FIRM_NOT_AUTHORIZED = 0x03, 0x0D, 0x0C
HALTED, EXCEEDS_THRESHOLD, REPLACE_NOT_ALLOWED = 0x07, 0x1E, 0x15
CANCEL_NOT_ALLOWED = 0x10


def enter_and_cancel(floor):
    """An order rests and goes; a second cancel of it is ignored."""
    number = floor.maker.rest("B", 100, PRICE)
    floor.maker.canceled(number, 100)
    floor.maker.cancel(number)
    floor.maker.quiet()


def echo(floor):
    """What was entered comes back: capacity, sweep, time in force and the client's own id."""
    floor.maker.rest("S", 7, PRICE + 3 * TICK, capacity="A", clordid="Hello-1",
                     inter_market_sweep_eligibility="N", cross_type="N", time_in_force="0")


def trade_at_the_resting_price(floor):
    """Who comes later gets the better price; who waited gets its own."""
    floor.maker.rest("S", 100, PRICE)
    number = floor.taker.enter("B", 100, PRICE + 5 * TICK)
    floor.taker.hear("A", user_ref_num=number, price=PRICE + 5 * TICK)
    floor.trade(100, PRICE)


def partial_fills(floor):
    """An order trades with three and what is left rests, then trades as the one that waited."""
    for step in range(3):
        floor.maker.rest("S", 10 * (step + 1), PRICE + step * TICK)
    number = floor.taker.enter("B", 100, PRICE + 2 * TICK)
    floor.taker.hear("A", user_ref_num=number, quantity=100)
    matches = [floor.trade(10 * (step + 1), PRICE + step * TICK) for step in range(3)]
    assert_that(len(set(matches)) == 3, "three executions, three match numbers")
    sold = floor.maker.enter("S", 40, PRICE, time_in_force=IOC)
    floor.maker.hear("A", user_ref_num=sold)
    took = floor.maker.hear("E", user_ref_num=sold, quantity=40, price=PRICE + 2 * TICK,
                            liquidity_flag="R")
    floor.taker.hear("E", user_ref_num=number, quantity=40, liquidity_flag="A",
                     match_number=took["match_number"])


def time_priority(floor):
    """At one price the first to come is the first to trade."""
    first = floor.maker.rest("S", 50, PRICE)
    second = floor.maker.rest("S", 50, PRICE)
    floor.taker.enter("B", 60, PRICE, time_in_force=IOC)
    floor.taker.hear("A")
    for number, quantity in ((first, 50), (second, 10)):
        floor.taker.hear("E", quantity=quantity)
        floor.maker.hear("E", user_ref_num=number, quantity=quantity)


def immediate_or_cancel(floor):
    """What does not trade at once is canceled, and says why."""
    floor.maker.rest("S", 30, PRICE)
    number = floor.taker.enter("B", 100, PRICE, time_in_force=IOC)
    floor.taker.hear("A", user_ref_num=number, time_in_force=IOC)
    floor.trade(30, PRICE)
    floor.taker.hear("C", user_ref_num=number, quantity=70, cancel_order_reason="I")


def market_order(floor):
    """The market price takes whatever there is; and does not wait."""
    floor.maker.rest("B", 20, PRICE)
    floor.maker.rest("B", 20, PRICE - 50 * TICK)
    number = floor.taker.enter("S", 50, MARKET, time_in_force=IOC)
    floor.taker.hear("A", user_ref_num=number, price=MARKET)
    floor.trade(20, PRICE)
    floor.trade(20, PRICE - 50 * TICK)
    floor.taker.hear("C", user_ref_num=number, quantity=10, cancel_order_reason="I")


def reduce_by_cancel(floor):
    """A cancel to a smaller size keeps the order's place; it counts what was executed."""
    first = floor.maker.rest("S", 100, PRICE)
    second = floor.maker.rest("S", 100, PRICE)
    floor.maker.canceled(first, 40, quantity=60)
    floor.taker.enter("B", 30, PRICE, time_in_force=IOC)
    floor.taker.hear("A")
    floor.taker.hear("E", quantity=30)
    floor.maker.hear("E", user_ref_num=first, quantity=30)
    # An intended size of 45, of which 30 are executed, leaves 15.
    floor.maker.canceled(first, 15, quantity=45)
    floor.taker.enter("B", 20, PRICE, time_in_force=IOC)
    floor.taker.hear("A")
    for number, quantity in ((first, 15), (second, 5)):
        floor.taker.hear("E", quantity=quantity)
        floor.maker.hear("E", user_ref_num=number, quantity=quantity)


def replace_price(floor):
    """A replacement counts what was executed, and goes to the back of its new price."""
    number = floor.maker.rest("B", 100, PRICE)
    floor.taker.enter("S", 40, PRICE, time_in_force=IOC)
    floor.taker.hear("A")
    floor.trade(40, PRICE)
    other = floor.maker.rest("B", 10, PRICE + TICK)
    newer = floor.maker.replace(number, 90, PRICE + TICK)
    floor.maker.hear("U", orig_user_ref_num=number, user_ref_num=newer, quantity=50,
                     price=PRICE + TICK, order_state="L")
    floor.taker.enter("S", 20, PRICE + TICK, time_in_force=IOC)
    floor.taker.hear("A")
    for expected in (other, newer):
        floor.taker.hear("E", quantity=10)
        floor.maker.hear("E", user_ref_num=expected, quantity=10)


def replace_that_trades(floor):
    """A replacement whose new price meets another order trades at once."""
    floor.taker.rest("S", 30, PRICE + TICK)
    number = floor.maker.rest("B", 100, PRICE)
    newer = floor.maker.replace(number, 100, PRICE + TICK)
    floor.maker.hear("U", user_ref_num=newer, quantity=100)
    floor.maker.hear("E", user_ref_num=newer, quantity=30, liquidity_flag="R")
    floor.taker.hear("E", quantity=30, liquidity_flag="A")


def replace_of_what_is_gone(floor):
    """A replacement of an order that is no more: Nasdaq ignores it, and its number stays free; or
    it is rejected, and the number is used."""
    number = floor.maker.rest("B", 100, PRICE)
    floor.maker.canceled(number, 100)
    newer = floor.maker.replace(number, 50, PRICE)
    floor.maker.query()
    floor.maker.listen()
    used = floor.maker.inbox[0]["type"] == "J"
    if used:
        floor.maker.hear("J", user_ref_num=newer, rejected_order_reason=REPLACE_NOT_ALLOWED)
    free = floor.maker.hear("Q")["next_user_ref_num"]
    assert_that(free == newer + used, f"the number after {newer} is {free}")
    floor.maker.next_user_ref_num = free


def modify(floor):
    """A modification shrinks an order where it stands, or turns a sale into a short one."""
    first = floor.maker.rest("S", 100, PRICE)
    second = floor.maker.rest("S", 100, PRICE)
    floor.maker.short("M", user_ref_num=first, side="T", quantity=60)
    floor.maker.hear("M", user_ref_num=first, side="T", quantity=60)
    floor.taker.enter("B", 70, PRICE, time_in_force=IOC)
    floor.taker.hear("A")
    for number, quantity in ((first, 60), (second, 10)):
        floor.taker.hear("E", quantity=quantity)
        floor.maker.hear("E", user_ref_num=number, quantity=quantity)


def numbers(floor):
    """A number that was used is ignored, whatever comes with it; a query tells the next one."""
    number = floor.maker.rest("B", 100, PRICE)
    again = floor.maker.next_user_ref_num
    floor.maker.enter("S", 5, PRICE - TICK, user_ref_num=number)
    told = floor.maker.quiet()
    assert_that(told == again, f"the next number is {again}, the venue says {told}")
    # Numbers may be left out.
    late = floor.maker.enter("B", 10, PRICE, user_ref_num=again + 10)
    floor.maker.hear("A", user_ref_num=late, quantity=10)
    told = floor.maker.quiet()
    assert_that(told == late + 1, f"the next number is {late + 1}, the venue says {told}")


def reject_reasons(floor):
    """Orders that no venue takes, each with OUCH's reason for it."""
    for reason, fields in (
            (INVALID_SIDE, {"side": "Z"}), (INVALID_SYMBOL, {"symbol": "NOSUCH"}),
            (INVALID_QUANTITY, {"quantity": 0}), (INVALID_PRICE, {"price": 0}),
            (INVALID_PRICE, {"price": 1 << 40}), (INVALID_DISPLAY, {"display": "?"}),
            (EXCEEDS_THRESHOLD, {"quantity": 1_000_001})):
        values = {"side": "B", "quantity": 100, "price": PRICE, **fields}
        floor.maker.refused(values.pop("side"), values.pop("quantity"), values.pop("price"),
                            reason, **values)


def unknown_option(floor):
    """An option that there is not is skipped; one that is cut short is not an order."""
    plain = {"side": "B", "quantity": 100, "symbol": "AAPL", "price": PRICE}
    number = floor.maker.next_user_ref_num
    floor.maker.command({"do": "enter", **plain, "appendage": "03c80102"})
    floor.maker.hear("A", user_ref_num=number, quantity=100)
    floor.maker.command({"do": "enter", **plain, "appendage": "09c801"})
    floor.maker.query()
    floor.maker.listen()
    if floor.maker.inbox[0]["type"] == "J":
        floor.maker.hear("J")
    floor.maker.next_user_ref_num = floor.maker.hear("Q")["next_user_ref_num"]


def sells_of_all_kinds(floor):
    """Short and short exempt sales trade as sales do."""
    for side in "TE":
        floor.maker.rest(side, 10, PRICE)
        floor.taker.enter("B", 10, PRICE)
        floor.taker.hear("A")
        floor.trade(10, PRICE)


def post_only_rejected(floor):
    """An order that only adds is canceled when it would take."""
    floor.maker.rest("S", 100, PRICE)
    number = floor.taker.enter("B", 50, PRICE, {"post_only": "P"})
    floor.taker.hear("A", user_ref_num=number)
    floor.taker.hear("C", user_ref_num=number, quantity=50, cancel_order_reason="G")
    floor.taker.rest("B", 50, PRICE - TICK, {"post_only": "P"})


def post_only_slides(floor):
    """An order that only adds moves a tick away from the order that it would take."""
    floor.maker.rest("S", 100, PRICE)
    number = floor.taker.enter("B", 50, PRICE + 2 * TICK, {"post_only": "P"})
    floor.taker.hear("A", user_ref_num=number, price=PRICE + 2 * TICK, order_state="L")
    floor.taker.hear("R", user_ref_num=number, order_restated_reason="P", display_quantity=50,
                     display_price=PRICE - TICK)
    floor.maker.enter("S", 10, PRICE - TICK, time_in_force=IOC)
    floor.maker.hear("A")
    floor.maker.hear("E", quantity=10, price=PRICE - TICK)
    floor.taker.hear("E", user_ref_num=number, quantity=10, price=PRICE - TICK)


def minimum_quantity(floor):
    """Less than the minimum does not trade; as much does."""
    floor.maker.rest("S", 100, PRICE)
    number = floor.taker.enter("B", 300, PRICE, {"min_qty": 200}, time_in_force=IOC)
    floor.taker.hear("A", user_ref_num=number, min_qty=200)
    floor.taker.hear("C", user_ref_num=number, quantity=300)
    floor.maker.rest("S", 100, PRICE)
    number = floor.taker.enter("B", 300, PRICE, {"min_qty": 200}, time_in_force=IOC)
    floor.taker.hear("A", user_ref_num=number)
    floor.trade(100, PRICE)
    floor.trade(100, PRICE)
    floor.taker.hear("C", user_ref_num=number, quantity=100, cancel_order_reason="I")


def fill_or_kill(floor):
    """A minimum of the whole size trades wholly or not at all."""
    floor.maker.rest("S", 100, PRICE)
    for quantity, fills in ((101, False), (100, True)):
        number = floor.taker.enter("B", quantity, PRICE, {"min_qty": quantity}, time_in_force=IOC)
        floor.taker.hear("A", user_ref_num=number)
        if fills:
            floor.trade(100, PRICE)
        else:
            floor.taker.hear("C", user_ref_num=number, quantity=quantity)


def minimum_beyond_the_size(floor):
    """A minimum that the order itself cannot meet is refused."""
    floor.maker.refused("B", 100, PRICE, INVALID_MIN_QUANTITY, {"min_qty": 101})


def reserve(floor):
    """A part of the order is shown; a fresh one goes to the back of the queue."""
    shown = floor.maker.rest("S", 300, PRICE, {"max_floor": 100})
    other = floor.maker.rest("S", 100, PRICE)
    for quantity, number in ((100, shown), (100, other), (100, shown)):
        floor.taker.enter("B", quantity, PRICE, time_in_force=IOC)
        floor.taker.hear("A")
        floor.taker.hear("E", quantity=quantity)
        executed = floor.maker.hear("E", quantity=quantity)
        assert_that(executed["user_ref_num"] == number, f"{number} was next: {executed}")
        if number == shown:
            floor.maker.hear("R", user_ref_num=shown, order_restated_reason="R",
                             display_quantity=100)


def hidden(floor):
    """An order that is not shown trades behind those that are."""
    number = floor.maker.rest("S", 100, PRICE, display="N")
    shown = floor.maker.rest("S", 100, PRICE)
    for expected, flag in ((shown, "A"), (number, "J")):
        floor.taker.enter("B", 100, PRICE, time_in_force=IOC)
        floor.taker.hear("A")
        floor.taker.hear("E", quantity=100)
        floor.maker.hear("E", user_ref_num=expected, liquidity_flag=flag)


def midpoint(floor):
    """A midpoint peg trades half-way between the best prices."""
    floor.maker.rest("B", 100, PRICE)
    floor.maker.rest("S", 100, PRICE + 2 * TICK)
    pegged = floor.maker.enter("S", 50, PRICE, {"price_type": "M"}, display="N")
    floor.maker.hear("A", user_ref_num=pegged)
    number = floor.taker.enter("B", 50, PRICE + 2 * TICK, time_in_force=IOC)
    floor.taker.hear("A", user_ref_num=number)
    floor.taker.hear("E", user_ref_num=number, quantity=50, price=PRICE + TICK)
    floor.maker.hear("E", user_ref_num=pegged, quantity=50, price=PRICE + TICK,
                     liquidity_flag="k")


def good_till_time(floor):
    """An order ends at the second it named. The venue's clock is that of its replies."""
    seconds = floor.maker.account.last_time // 1_000_000_000 + 3
    number = floor.maker.enter("B", 100, PRICE, {"expire_time": seconds}, time_in_force=GTT)
    floor.maker.hear("A", user_ref_num=number, expire_time=seconds)
    gone = floor.maker.hear("C", user_ref_num=number, quantity=100, cancel_order_reason="T")
    assert_that(gone["timestamp"] >= seconds * 1_000_000_000, f"before its time: {gone}")


def mass_cancel(floor):
    """All orders of a firm in a symbol go at once, and nobody else's."""
    numbers_open = [floor.maker.rest("B", 10, PRICE - step * TICK) for step in range(5)]
    floor.taker.rest("B", 10, PRICE)
    request = floor.maker.next_user_ref_num
    floor.maker.next_user_ref_num += 1
    floor.maker.short("C", user_ref_num=request, firm="", symbol="AAPL")
    # The answer may come before the cancels or behind them.
    floor.maker.listen()
    answer_first = floor.maker.inbox[0]["type"] == "X"
    if answer_first:
        floor.maker.hear("X", user_ref_num=request, symbol="AAPL")
    gone = [floor.maker.hear("C", quantity=10)["user_ref_num"] for _ in numbers_open]
    if not answer_first:
        floor.maker.hear("X", user_ref_num=request, symbol="AAPL")
    assert_that(sorted(gone) == numbers_open, f"{numbers_open} go, {gone} went")
    assert_that(len(floor.taker.account.open_orders()) == 1, "the other's order stays")


def mass_cancel_of_one_side(floor):
    """The option Side keeps a mass cancel to that side, or has it refused: no more goes."""
    bid, offer = floor.maker.rest("B", 10, PRICE), floor.maker.rest("S", 10, PRICE + TICK)
    request = floor.maker.next_user_ref_num
    floor.maker.next_user_ref_num += 1
    floor.maker.short("C", {"side": "B"}, user_ref_num=request, firm="", symbol="AAPL")
    floor.maker.listen()
    if floor.maker.inbox[0]["type"] == "J":
        floor.maker.hear("J", user_ref_num=request, rejected_order_reason=CANCEL_NOT_ALLOWED)
        assert_that(floor.maker.account.open_orders() == [bid, offer], "both stay")
        return
    floor.maker.hear("X", user_ref_num=request)
    floor.maker.hear("C", user_ref_num=bid, quantity=10)
    assert_that(floor.maker.account.open_orders() == [offer], "the offer stays")


def order_entry_switch(floor):
    """A session switched off takes no order, cancels still work, and it can be switched on."""
    number = floor.maker.rest("B", 10, PRICE)
    for kind, answer in (("D", "G"), ("E", "K")):
        request = floor.maker.next_user_ref_num
        floor.maker.next_user_ref_num += 1
        floor.maker.short(kind, user_ref_num=request, firm="")
        floor.maker.hear(answer, user_ref_num=request)
        if kind == "D":
            floor.maker.refused("B", 10, PRICE, FIRM_NOT_AUTHORIZED)
            floor.maker.canceled(number, 10)
    floor.maker.rest("B", 10, PRICE)


def self_match(floor):
    """An order does not trade with one of the same firm: the newer one is canceled, where the venue
    is set to that."""
    resting = floor.maker.rest("S", 100, PRICE)
    number = floor.maker.enter("B", 40, PRICE)
    floor.maker.hear("A", user_ref_num=number)
    floor.maker.hear("D", user_ref_num=number, decrement_shares=40, order_cancel_reason="Q",
                     quantity_prevented_from_trading=40, execution_price=PRICE)
    floor.maker.quiet()
    assert_that(floor.maker.account.open_orders() == [resting], "the older order stays")


def cross(floor, kind, flags):
    """Orders for a cross wait for it and trade at one price; the one too dear is left."""
    bids = [floor.maker.enter("B", 100, PRICE + step * TICK, cross_type=kind)
            for step in range(3)]
    for number in bids:
        floor.maker.hear("A", user_ref_num=number, cross_type=kind)
    number = floor.taker.enter("S", 200, PRICE + TICK, cross_type=kind)
    floor.taker.hear("A", user_ref_num=number, cross_type=kind)
    floor.operator(op="cross", symbol="AAPL", cross=kind)
    heard = [floor.maker.hear("E") for _ in range(2)]
    prices = {message["price"] for message in heard}
    told = {message["liquidity_flag"] for message in heard}
    assert_that(told <= set(flags), f"a flag of {flags} was due: {told}")
    assert_that(len(prices) == 1, f"a cross has one price: {prices}")
    filled = sum(message["quantity"] for message in heard)
    assert_that(filled == 200, f"as much as can trade does: {filled}")
    sold = 0
    while sold < 200:
        sold += floor.taker.hear("E", price=heard[0]["price"])["quantity"]
    # What was for this cross alone does not outlive it.
    floor.maker.hear("C", user_ref_num=bids[0], quantity=100, cancel_order_reason="C")


def opening_cross(floor):
    """The day opens with a cross."""
    floor.operator(op="phase", symbol="AAPL", phase="preopen")
    cross(floor, "O", "OM")
    floor.operator(op="phase", symbol="AAPL", phase="continuous")


def closing_cross(floor):
    """The day closes with a cross."""
    cross(floor, "C", "CL")
    floor.operator(op="phase", symbol="AAPL", phase="continuous")


def halt(floor):
    """A halted symbol takes no order but cancels; trading resumes."""
    number = floor.maker.rest("B", 100, PRICE)
    floor.operator(op="halt", symbol="AAPL", reason="T1")
    floor.taker.refused("S", 10, PRICE, HALTED, time_in_force=IOC)
    floor.maker.canceled(number, 40, quantity=60)
    floor.operator(op="resume", symbol="AAPL")
    floor.taker.enter("S", 60, PRICE, time_in_force=IOC)
    floor.taker.hear("A")
    floor.trade(60, PRICE)


def broken_trade(floor):
    """A trade that the operator breaks is told to both sides."""
    floor.maker.rest("S", 10, PRICE)
    floor.taker.enter("B", 10, PRICE, time_in_force=IOC)
    floor.taker.hear("A")
    number = floor.trade(10, PRICE)
    floor.operator(op="bust", match=number)
    for trader in (floor.maker, floor.taker):
        trader.hear("B", match_number=number)


def assert_that(holds, what):
    """Fails the scenario with `what` unless it holds."""
    if not holds:
        raise PeerError(what)


# Name: the feature that the venue must have (None: order entry itself), and the scenario.
SCENARIOS = {
    "enter_and_cancel": (None, enter_and_cancel),
    "echo": (None, echo),
    "trade_at_the_resting_price": (None, trade_at_the_resting_price),
    "partial_fills": (None, partial_fills),
    "time_priority": (None, time_priority),
    "immediate_or_cancel": (None, immediate_or_cancel),
    "market_order": (None, market_order),
    "reduce_by_cancel": (None, reduce_by_cancel),
    "replace_price": (None, replace_price),
    "replace_that_trades": (None, replace_that_trades),
    "replace_of_what_is_gone": (None, replace_of_what_is_gone),
    "modify": (None, modify),
    "numbers": (None, numbers),
    "reject_reasons": (None, reject_reasons),
    "unknown_option": (None, unknown_option),
    "sells_of_all_kinds": (None, sells_of_all_kinds),
    "post_only_rejected": ("post_only_reject", post_only_rejected),
    "post_only_slides": ("post_only_slide", post_only_slides),
    "minimum_quantity": ("min_qty", minimum_quantity),
    "fill_or_kill": ("min_qty", fill_or_kill),
    "minimum_beyond_the_size": ("min_qty", minimum_beyond_the_size),
    "reserve": ("reserve", reserve),
    "hidden": ("hidden", hidden),
    "midpoint": ("midpoint", midpoint),
    "good_till_time": ("gtt", good_till_time),
    "mass_cancel": ("mass_cancel", mass_cancel),
    "mass_cancel_of_one_side": ("mass_cancel", mass_cancel_of_one_side),
    "order_entry_switch": ("order_entry", order_entry_switch),
    "self_match": ("aiq", self_match),
    "opening_cross": ("cross", opening_cross),
    "closing_cross": ("cross", closing_cross),
    "halt": ("halt", halt),
    "broken_trade": ("broken_trade", broken_trade),
}
