#!/usr/bin/env python3
"""A SoupBinTCP session by the package `nasdaq-protocols`, and OUCH 5.0 on its OUCH layer.

    soup_client.py HOST PORT

Logs in, trades with itself, leaves, and comes back from every sequence number there is; sits still
long enough to need heartbeats; and waits for the end of the session, which whoever started this
brings about after {"event": "waiting"}. Prints JSON objects, one a line, the last a summary.

What to know of nasdaq-protocols 1.3.0 (read before it was trusted): it has no OUCH 5.0 messages of
its own, only fields and records to state them with, as below, and no appendages. It writes the
sequence number of a login left-justified, where SoupBinTCP says right-justified. It sends
heartbeats when nothing was sent for one to two intervals, so that the interval must be half of
what the protocol grants. It ends a session at "Z" without passing that on; and at a message that
it cannot read its reader dies in silence.
"""

import asyncio
import json
import sys
import time

from nasdaq_protocols import ouch, soup
from nasdaq_protocols.common.message import (
    CharAscii, Field, FixedAsciiString, Record, UnsignedIntBE, UnsignedLongBE, UnsignedShortBE)

MAKER, TAKER = ("MAKER", "maker-pass"), ("TAKER", "taker-pass")
PRICE = 1_000_000


class Message(ouch.Message, app_name="venue"):
    """OUCH 5.0, as the package wants messages stated."""

    def __init_subclass__(cls, **kwargs):
        kwargs["app_name"] = "venue"
        super().__init_subclass__(**kwargs)


class EnterOrder(Message, indicator=ord("O"), direction="incoming"):
    """An order without an appendage."""
    class BodyRecord(Record):
        Fields = [
            Field("user_ref_num", UnsignedIntBE), Field("side", CharAscii),
            Field("quantity", UnsignedIntBE), Field("symbol", FixedAsciiString(8)),
            Field("price", UnsignedLongBE), Field("time_in_force", CharAscii, default_value="0"),
            Field("display", CharAscii, default_value="Y"),
            Field("capacity", CharAscii, default_value="P"),
            Field("sweep", CharAscii, default_value="N"),
            Field("cross_type", CharAscii, default_value="N"),
            Field("clordid", FixedAsciiString(14)), Field("appendage_length", UnsignedShortBE)]


class CancelOrder(Message, indicator=ord("X"), direction="incoming"):
    """A cancel."""
    class BodyRecord(Record):
        Fields = [Field("user_ref_num", UnsignedIntBE), Field("quantity", UnsignedIntBE)]


class Accepted(Message, indicator=ord("A"), direction="outgoing"):
    """An order was accepted."""
    class BodyRecord(Record):
        Fields = [
            Field("timestamp", UnsignedLongBE), Field("user_ref_num", UnsignedIntBE),
            Field("side", CharAscii), Field("quantity", UnsignedIntBE),
            Field("symbol", FixedAsciiString(8)), Field("price", UnsignedLongBE),
            Field("time_in_force", CharAscii), Field("display", CharAscii),
            Field("order_reference_number", UnsignedLongBE), Field("capacity", CharAscii),
            Field("sweep", CharAscii), Field("cross_type", CharAscii),
            Field("order_state", CharAscii), Field("clordid", FixedAsciiString(14)),
            Field("appendage_length", UnsignedShortBE)]


class Canceled(Message, indicator=ord("C"), direction="outgoing"):
    """Shares were canceled."""
    class BodyRecord(Record):
        Fields = [Field("timestamp", UnsignedLongBE), Field("user_ref_num", UnsignedIntBE),
                  Field("quantity", UnsignedIntBE), Field("reason", CharAscii)]


class Executed(Message, indicator=ord("E"), direction="outgoing"):
    """Shares were executed."""
    class BodyRecord(Record):
        Fields = [
            Field("timestamp", UnsignedLongBE), Field("user_ref_num", UnsignedIntBE),
            Field("quantity", UnsignedIntBE), Field("price", UnsignedLongBE),
            Field("liquidity_flag", CharAscii), Field("match_number", UnsignedLongBE),
            Field("appendage_length", UnsignedShortBE)]


class SystemEvent(Message, indicator=ord("S"), direction="outgoing"):
    """The day begins or ends."""
    class BodyRecord(Record):
        Fields = [Field("timestamp", UnsignedLongBE), Field("event_code", CharAscii)]


class Session(ouch.ClientSession):
    """Reads what it hears by the messages above."""

    def decode(self, bytes_):
        return Message.from_bytes(bytes_)


def emit(**values):
    """Tells something."""
    print(json.dumps(values), flush=True)


async def log_in(remote, account, sequence=1, session="", **intervals):
    """An OUCH session of the package."""
    intervals = {"client_heartbeat_interval": 1, "server_heartbeat_interval": 2, **intervals}
    return await ouch.connect_async(remote, *account, session,
                                    sequence=sequence, session_factory=Session,
                                    **intervals)


async def hear(session, kind, **expected):
    """The next message."""
    message = await asyncio.wait_for(session.receive_message(), 10)
    assert isinstance(message, kind), message
    told = {name: getattr(message, name) for name in expected}
    assert told == expected, (told, expected)
    return message


def enter(session, number, side, quantity):
    """Sends an order."""
    order = EnterOrder()
    order.user_ref_num, order.side, order.quantity = number, side, quantity
    order.symbol, order.price, order.clordid = "AAPL", PRICE, f"N{number}"
    session.send_message(order)


async def trade(maker, taker):
    """Some orders; returns how many messages the maker heard."""
    for session in (maker, taker):
        await hear(session, SystemEvent, event_code="S")
    for number in range(1, 6):
        enter(maker, number, "B", 100)
        await hear(maker, Accepted, user_ref_num=number, symbol="AAPL", price=PRICE,
                   order_state="L", clordid=f"N{number}")
    enter(taker, 1, "S", 150)
    await hear(taker, Accepted, user_ref_num=1, side="S", quantity=150)
    for number, quantity in ((1, 100), (2, 50)):
        took = await hear(taker, Executed, quantity=quantity, liquidity_flag="R", price=PRICE)
        await hear(maker, Executed, user_ref_num=number, quantity=quantity, liquidity_flag="A",
                   match_number=took.match_number)
    for number, left in ((2, 50), (3, 100), (4, 100), (5, 100)):
        cancel = CancelOrder()
        cancel.user_ref_num, cancel.quantity = number, 0
        maker.send_message(cancel)
        await hear(maker, Canceled, user_ref_num=number, quantity=left, reason="U")
    return 1 + 5 + 2 + 4


async def replay(remote, messages):
    """From every sequence number comes what came after it then, and no more."""
    whole, name = [], ""
    for sequence in range(1, messages + 2):
        session = await soup.connect_async(remote, *MAKER, name,
                                           sequence=sequence,
                                           client_heartbeat_interval=1,
                                           server_heartbeat_interval=2)
        name = session.session_id.session
        heard = [(await asyncio.wait_for(session.receive_msg(), 10)).data
                 for _ in range(messages + 1 - sequence)]
        if sequence == 1:
            whole = heard
        assert heard == whole[sequence - 1:], sequence
        assert session.sequence == messages, session.sequence
        session.logout()
        while not session.is_closed():
            await asyncio.sleep(0.001)
    emit(event="replayed", session=name, messages=len(whole))


async def refused(remote):
    """Logins that must not succeed."""
    for account, name, reason in ((("MAKER", "wrong"), "", "NOT_AUTHORIZED"),
                                  (("NOBODY", "x"), "", "NOT_AUTHORIZED"),
                                  (MAKER, "ANOTHER", "SESSION_NOT_AVAILABLE")):
        try:
            await soup.connect_async(remote, *account, name, sequence=1)
        except ConnectionRefusedError as refusal:
            assert reason in str(refusal), refusal
        else:
            raise AssertionError(f"{account} was let in")
    emit(event="refused")


async def sit_still(remote):
    """With heartbeats a session lives; without them the venue ends it after 15 seconds."""
    closed = asyncio.Event()

    async def on_close():
        closed.set()

    alive = await log_in(remote, MAKER, sequence=0)
    silent = await soup.connect_async(remote, *TAKER, sequence=0,
                                      on_close_coro=on_close,
                                      client_heartbeat_interval=1000,
                                      server_heartbeat_interval=2)
    started = time.monotonic()
    await asyncio.wait_for(closed.wait(), 30)
    took = time.monotonic() - started
    assert silent.is_closed()
    assert not alive.closed, "the session with heartbeats was ended"
    emit(event="sat_still", silent_seconds=took)
    return alive


async def main(remote):
    """All of it."""
    await refused(remote)
    maker, taker = await log_in(remote, MAKER), await log_in(remote, TAKER)
    messages = await trade(maker, taker)
    for session in (maker, taker):
        session.soup_session.logout()
        while not session.closed:
            await asyncio.sleep(0.001)
    await replay(remote, messages)
    alive = await sit_still(remote)
    # From "only new ones" on, nothing old came.
    enter(alive, 6, "B", 100)
    await hear(alive, Accepted, user_ref_num=6)
    emit(event="waiting")
    await hear(alive, SystemEvent, event_code="E")
    # Not `alive.closed`: at an end of session the package's OUCH layer does not always set it.
    while not alive.soup_session.is_closed():
        await asyncio.sleep(0.01)
    emit(event="summary", messages=messages, ended=True)


if __name__ == "__main__":
    asyncio.run(main((sys.argv[1], int(sys.argv[2]))))
