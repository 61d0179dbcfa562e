"""What was, before we changed it: one file, whole at every instant.

Each step's `before` is on the disk before the step touches anything, so that wherever a run ends,
by its own failure, a signal or the power, the next one knows how far it came, and can go on or
back. A step that is written down as begun may be done, half done, or not done at all: steps are
made so that applying and restoring work from each of these.
"""

import fcntl
import json
import os
import time

import step
import system as files

# Not below /var/lib/peregrine: that is the appliance's own, and root believes what is here.
FOLDER = "/var/lib/peregrine-provision"
PATH = f"{FOLDER}/state.json"
SCHEMA = 1
APPLYING, APPLIED, ROLLING_BACK = "applying", "applied", "rolling back"
BEGUN, DONE, RESTORED = "begun", "done", "restored"


class Unusable(Exception):
    """A state file that this version cannot read."""


class State:
    def __init__(self, system, data=None):
        self.system = system
        self.there = data is not None
        self.data = data or {"schema": SCHEMA, "phase": APPLYING, "known": {}, "config": {},
                             "steps": []}

    @classmethod
    def load(cls, system):
        raw = system.raw(PATH)
        if raw is None:
            return cls(system)
        try:
            data = json.loads(raw)
            if data["schema"] != SCHEMA:
                raise Unusable(f"{PATH} has schema {data['schema']}, and this version reads "
                               f"{SCHEMA}: use the version that wrote it to roll back")
            for record in data["steps"]:
                step.from_record(record)
        except (ValueError, KeyError, TypeError) as error:
            raise Unusable(f"{PATH} cannot be read ({error!r}); nothing was changed") from None
        return cls(system, data)

    @property
    def phase(self):
        return self.data["phase"]

    @property
    def records(self):
        return self.data["steps"]

    def find(self, identity):
        return next((record for record in self.records if record["id"] == identity), None)

    def broken_off(self):
        """Words on a run that did not come to its end, or nothing."""
        if not self.there or self.phase == APPLIED:
            return ""
        counts = {status: [r for r in self.records if r["status"] == status]
                  for status in (BEGUN, DONE, RESTORED)}
        if self.phase == ROLLING_BACK:
            return (f"an earlier rollback was broken off: {len(counts[RESTORED])} of "
                    f"{len(self.records)} steps are put back")
        told = f"an earlier run was broken off after {len(counts[DONE])} steps"
        if counts[BEGUN]:
            told += f", in the middle of: {counts[BEGUN][-1]['what']}"
        return told

    def save(self):
        self.system.make_dirs(PATH)
        # Not indented: that takes ten times as long, and this is done twice a step.
        self.system.put(PATH, json.dumps(self.data).encode() + b"\n", 0o600)
        self.there = True

    def set_phase(self, phase):
        if self.phase != phase or not self.there:
            self.data["phase"] = phase
            self.save()

    def begin(self, made, before):
        """Written before the step changes anything."""
        record = self.find(made.id)
        if record is None:
            record = made.record()
            record["before"] = before
            self.records.append(record)
        elif record["fields"] != made.fields:
            record["former"] = [*record.get("former", []), record["fields"]]
            record.update(made.record())
        record.update(before=before, status=BEGUN, boot=self.system.boot_id())
        self.save()

    def done(self, made):
        self.find(made.id).update(status=DONE, refused=made.refused)
        self.save()

    def restored(self, record):
        record["status"] = RESTORED
        self.save()

    def drop(self, record):
        self.records.remove(record)
        self.save()

    def delete(self):
        """The last thing of a rollback."""
        self.system.remove(PATH)
        self.clean()

    def clean(self):
        """What is left when the power went between two removals. Without a state, it is nothing."""
        self.system.remove(PATH + files.UNFINISHED)
        if self.system.is_dir(FOLDER):
            self.system.remove_dir(FOLDER)


class Busy(Exception):
    """Another run is under way."""


class Lock:
    """One run at a time. The folder is there on every host, so that nothing needs to be made.

    Another run is waited for as long as `wait_s`.
    """

    def __init__(self, system, wait_s=1):
        self.handle = os.open(system.at("/var/lib"), os.O_RDONLY | os.O_DIRECTORY)
        self.wait_s = wait_s

    def __enter__(self):
        deadline = time.monotonic() + self.wait_s
        while True:
            try:
                fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return self
            except OSError:
                if time.monotonic() > deadline:
                    os.close(self.handle)
                    raise Busy("another run of scripts/provision.sh is under way; "
                               "nothing was changed") from None
                time.sleep(0.1)

    def __exit__(self, *_):
        os.close(self.handle)
