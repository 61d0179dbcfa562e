"""What a step is: something to read, to set, and to put back exactly.

A step is made from plain values (its `fields`) and writes down a plain value (its `before`), so
that a state file holds all that a rollback needs, whatever has become of plan and configuration.

`restore` must work from wherever `apply` was broken off, and both may run twice.
"""

KINDS = {}

# How a step stands, for plan and verify.
OK, WRONG, REBOOT, ABSENT = "ok", "wrong", "reboot", "not offered here"


class Status:
    def __init__(self, state, found, mend=""):
        self.state, self.found, self.mend = state, found, mend


class Step:
    """`id` is stable over runs; `what` and `why` are for people."""

    kind = ""
    # Whether its effect is gone after a boot, so that the boot-time unit does it again.
    runtime = False
    # Whether what the kernel refuses of it is in order, and only told.
    tolerant = False
    # Whether it is more than something to tell.
    applies = True

    def __init_subclass__(cls, **kinds):
        super().__init_subclass__(**kinds)
        if cls.kind:
            KINDS[cls.kind] = cls

    def __init__(self, identity, what, why="", **fields):
        self.id, self.what, self.why, self.fields = identity, what, why, fields
        # What the kernel refused, by name: known after apply, and kept in the state file.
        self.refused = {}
        # What an earlier run read before its first change.
        self.before = None
        # Its fields in runs before this one, of another configuration.
        self.former = []

    def record(self):
        return {"kind": self.kind, "id": self.id, "what": self.what, "fields": self.fields}

    def wanted(self, system):
        """In words."""
        raise NotImplementedError

    def found(self, system):
        """In words."""
        raise NotImplementedError

    def status(self, system):
        raise NotImplementedError

    def read(self, system):
        """What `restore` needs."""
        raise NotImplementedError

    def merge(self, before, system):
        """`before` of an earlier run, with what has come since. Only grows."""
        return before

    def apply(self, system):
        raise NotImplementedError

    def restore(self, system, before, same_boot):
        """Returns words on what could not be put back, or nothing."""
        raise NotImplementedError


def from_record(record):
    made = KINDS[record["kind"]](record["id"], record["what"], **record["fields"])
    made.refused = dict(record.get("refused", {}))
    made.former = list(record.get("former", []))
    return made
