"""Nasdaq's message layouts, as data: OUCH 5.0, ITCH 5.0, and how to read and write them.

Written from the specifications' tables, not from the Rust codecs: the point of these peers is to
disagree with those codecs when either has misread something. A layout is a text of `name:kind`
words in wire order, the type byte left out. Kinds are a number of bytes for a big-endian unsigned
integer, `a` and a number for ASCII padded on the right, and `*` for an appendage: the field before
it is its length, and it is a run of `length[1] tag[1] value[length - 1]`. `?` is an appendage that
may be left out together with its length, as newer texts of OUCH 5.0 allow behind short messages.
Mass Cancel and the order entry switches are laid out as the crate `slouch` has them.
"""

OUCH_IN = {
    "O": ("enter", "user_ref_num:4 side:a1 quantity:4 symbol:a8 price:8 time_in_force:a1 display:a1"
          " capacity:a1 inter_market_sweep_eligibility:a1 cross_type:a1 clordid:a14"
          " appendage_length:2 appendage:*"),
    "U": ("replace", "orig_user_ref_num:4 user_ref_num:4 quantity:4 price:8 time_in_force:a1"
          " display:a1 inter_market_sweep_eligibility:a1 clordid:a14 appendage_length:2"
          " appendage:*"),
    "X": ("cancel", "user_ref_num:4 quantity:4 appendage:?"),
    "M": ("modify", "user_ref_num:4 side:a1 quantity:4 appendage:?"),
    "C": ("mass_cancel", "user_ref_num:4 firm:a4 symbol:a8 appendage:?"),
    "D": ("disable_order_entry", "user_ref_num:4 firm:a4 appendage:?"),
    "E": ("enable_order_entry", "user_ref_num:4 firm:a4 appendage:?"),
    "Q": ("account_query", "appendage:?"),
}

OUCH_OUT = {
    "S": ("system_event", "timestamp:8 event_code:a1"),
    "A": ("accepted", "timestamp:8 user_ref_num:4 side:a1 quantity:4 symbol:a8 price:8"
          " time_in_force:a1 display:a1 order_reference_number:8 capacity:a1"
          " inter_market_sweep_eligibility:a1 cross_type:a1 order_state:a1 clordid:a14"
          " appendage_length:2 appendage:*"),
    "U": ("replaced", "timestamp:8 orig_user_ref_num:4 user_ref_num:4 side:a1 quantity:4 symbol:a8"
          " price:8 time_in_force:a1 display:a1 order_reference_number:8 capacity:a1"
          " inter_market_sweep_eligibility:a1 cross_type:a1 order_state:a1 clordid:a14"
          " appendage_length:2 appendage:*"),
    "C": ("canceled", "timestamp:8 user_ref_num:4 quantity:4 cancel_order_reason:a1 appendage:?"),
    "D": ("aiq_canceled", "timestamp:8 user_ref_num:4 decrement_shares:4 order_cancel_reason:a1"
          " quantity_prevented_from_trading:4 execution_price:8 liquidity_flag:a1 appendage:?"),
    "E": ("executed", "timestamp:8 user_ref_num:4 quantity:4 price:8 liquidity_flag:a1"
          " match_number:8 appendage_length:2 appendage:*"),
    "B": ("broken_trade", "timestamp:8 user_ref_num:4 match_number:8 broken_trade_reason:a1"
          " clordid:a14 appendage:?"),
    "F": ("trade_correction", "timestamp:8 user_ref_num:4 quantity:4 price:8 liquidity_flag:a1"
          " match_number:8 trade_correction_reason:a1 clordid:a14 appendage:?"),
    "J": ("rejected", "timestamp:8 user_ref_num:4 rejected_order_reason:2 clordid:a14 appendage:?"),
    "P": ("cancel_pending", "timestamp:8 user_ref_num:4 appendage:?"),
    "I": ("cancel_reject", "timestamp:8 user_ref_num:4 appendage:?"),
    "T": ("priority_update", "timestamp:8 user_ref_num:4 price:8 display:a1"
          " order_reference_number:8 appendage:?"),
    "M": ("modified", "timestamp:8 user_ref_num:4 side:a1 quantity:4 appendage:?"),
    "R": ("restated", "timestamp:8 user_ref_num:4 order_restated_reason:a1 appendage_length:2"
          " appendage:*"),
    "Q": ("account_query_response", "timestamp:8 next_user_ref_num:4 appendage:?"),
    "X": ("mass_cancel_response", "timestamp:8 user_ref_num:4 firm:a4 symbol:a8 appendage:?"),
    "G": ("disable_order_entry_response", "timestamp:8 user_ref_num:4 firm:a4 appendage:?"),
    "K": ("enable_order_entry_response", "timestamp:8 user_ref_num:4 firm:a4 appendage:?"),
}

_ITCH_HEAD = "stock_locate:2 tracking_number:2 timestamp:6 "

ITCH = {
    "S": ("system_event", "event_code:a1"),
    "R": ("stock_directory", "stock:a8 market_category:a1 financial_status_indicator:a1"
          " round_lot_size:4 round_lots_only:a1 issue_classification:a1 issue_sub_type:a2"
          " authenticity:a1 short_sale_threshold_indicator:a1 ipo_flag:a1"
          " luld_reference_price_tier:a1 etp_flag:a1 etp_leverage_factor:4 inverse_indicator:a1"),
    "H": ("trading_action", "stock:a8 trading_state:a1 reserved:a1 reason_code:a4"),
    "Y": ("reg_sho_restriction", "stock:a8 reg_sho_action:a1"),
    "L": ("participant_position", "mpid:a4 stock:a8 primary_market_maker:a1 market_maker_mode:a1"
          " market_participant_state:a1"),
    "V": ("mwcb_decline_level", "level_1:8 level_2:8 level_3:8"),
    "W": ("mwcb_status", "breached_level:a1"),
    "K": ("ipo_quoting_period", "stock:a8 ipo_quotation_release_time:4"
          " ipo_quotation_release_qualifier:a1 ipo_price:4"),
    "J": ("luld_auction_collar", "stock:a8 auction_collar_reference_price:4"
          " upper_auction_collar_price:4 lower_auction_collar_price:4 auction_collar_extension:4"),
    "h": ("operational_halt", "stock:a8 market_code:a1 operational_halt_action:a1"),
    "A": ("add_order", "order_reference_number:8 buy_sell_indicator:a1 shares:4 stock:a8 price:4"),
    "F": ("add_order_mpid", "order_reference_number:8 buy_sell_indicator:a1 shares:4 stock:a8"
          " price:4 attribution:a4"),
    "E": ("order_executed", "order_reference_number:8 executed_shares:4 match_number:8"),
    "C": ("order_executed_with_price", "order_reference_number:8 executed_shares:4 match_number:8"
          " printable:a1 execution_price:4"),
    "X": ("order_cancel", "order_reference_number:8 canceled_shares:4"),
    "D": ("order_delete", "order_reference_number:8"),
    "U": ("order_replace", "original_order_reference_number:8 new_order_reference_number:8 shares:4"
          " price:4"),
    "P": ("trade", "order_reference_number:8 buy_sell_indicator:a1 shares:4 stock:a8 price:4"
          " match_number:8"),
    "Q": ("cross_trade", "cross_shares:8 stock:a8 cross_price:4 match_number:8 cross_type:a1"),
    "B": ("broken_trade", "match_number:8"),
    "I": ("net_order_imbalance", "paired_shares:8 imbalance_shares:8 imbalance_direction:a1"
          " stock:a8 far_price:4 near_price:4 current_reference_price:4 cross_type:a1"
          " price_variation_indicator:a1"),
    "N": ("retail_price_improvement", "stock:a8 interest_flag:a1"),
    "O": ("direct_listing", "stock:a8 open_eligibility_status:a1 minimum_allowable_price:4"
          " maximum_allowable_price:4 near_execution_price:4 near_execution_time:8"
          " lower_price_range_collar:4 upper_price_range_collar:4"),
}
ITCH = {kind: (name, _ITCH_HEAD + fields) for kind, (name, fields) in ITCH.items()}

# Appendage tags that carry an integer, and those of them that are signed; the rest are ASCII.
_TAG_SIGNED = {7, 11}
_TAG_TEXT = {2, 4, 6, 10, 12, 14, 16, 17, 18, 20, 25, 26, 27}


class Malformed(ValueError):
    """Bytes that the specification does not allow."""


def fields(layout):
    """The (name, kind) pairs of a layout."""
    return [tuple(word.split(":")) for word in layout.split()]


def fixed_size(layout):
    """Bytes of a message without its appendage, the type byte included."""
    return 1 + sum(int(kind.lstrip("a")) for _, kind in fields(layout) if kind not in "*?")


def read(table, data):
    """Reads one message by `table`; returns a dict of its fields, with its type and its name."""
    if not data:
        raise Malformed("an empty message")
    kind = chr(data[0])
    if kind not in table:
        raise Malformed(f"unknown type {kind!r}")
    name, layout = table[kind]
    if len(data) < fixed_size(layout):
        raise Malformed(f"{name} of {len(data)} bytes, {fixed_size(layout)} expected")
    message = {"type": kind, "name": name}
    at = 1
    for field, shape in fields(layout):
        if shape == "*":
            end = at + message["appendage_length"]
            message[field] = read_appendage(data[at:end], message["appendage_length"])
            at = end
        elif shape == "?":
            message[field], at = read_trailing(data, at)
        elif shape.startswith("a"):
            size = int(shape[1:])
            message[field] = data[at:at + size].decode("ascii").rstrip(" ")
            at += size
        else:
            message[field] = int.from_bytes(data[at:at + int(shape)], "big")
            at += int(shape)
    if at != len(data):
        raise Malformed(f"{name} of {len(data)} bytes, {at} expected")
    return message


def read_trailing(data, at):
    """Reads an appendage that need not be there: its values, and where it ends."""
    if at == len(data):
        return {}, at
    if at + 2 > len(data):
        raise Malformed("half the length of an appendage")
    announced = int.from_bytes(data[at:at + 2], "big")
    end = at + 2 + announced
    return read_appendage(data[at + 2:end], announced), end


def read_appendage(data, announced):
    """Reads an appendage into a dict by tag."""
    if len(data) != announced:
        raise Malformed(f"an appendage of {announced} bytes, {len(data)} are there")
    values = {}
    while data:
        length = data[0]
        if length < 1 or length > len(data) - 1:
            raise Malformed(f"an appendage field of length {length}, {len(data) - 1} bytes left")
        tag, value = data[1], data[2:1 + length]
        if tag in _TAG_TEXT:
            values[tag] = value.decode("ascii").rstrip(" ")
        else:
            values[tag] = int.from_bytes(value, "big", signed=tag in _TAG_SIGNED)
        data = data[1 + length:]
    return values


def write(table, kind, values):
    """Writes a message; fields that are not given are zero or blank. `appendage` is bytes."""
    _, layout = table[kind]
    appendage = values.get("appendage", b"")
    out = bytearray(kind.encode("ascii"))
    known = {field for field, _ in fields(layout)}
    unknown = set(values) - known
    if unknown:
        raise Malformed(f"no such field: {', '.join(sorted(unknown))}")
    for field, shape in fields(layout):
        if shape == "*":
            out += appendage
        elif shape == "?":
            if "appendage" in values:
                out += len(appendage).to_bytes(2, "big") + appendage
        elif field == "appendage_length":
            out += len(appendage).to_bytes(2, "big")
        elif shape.startswith("a"):
            size = int(shape[1:])
            text = str(values.get(field, "")).encode("ascii")
            if len(text) > size:
                raise Malformed(f"{field} has {size} bytes at most")
            out += text.ljust(size)
        else:
            out += int(values.get(field, 0)).to_bytes(int(shape), "big")
    return bytes(out)
