"""Applies steps and rolls them back, each told with before and after."""

import contextlib

import state as states
import step as steps
import system as files


MARKS = {steps.ABSENT: "n/a", steps.OK: "same", steps.REBOOT: "boot", steps.WRONG: "not us"}


class Stopped(Exception):
    """A step failed; the message says what was and what was not changed."""


def shorten(text, width=60):
    return text if len(text) <= width else text[:width - 3] + "..."


class Runner:
    """`tell` is called with (mark, what, words) for each step."""

    def __init__(self, system, state, tell, dry_run=False):
        self.system, self.state, self.tell, self.dry_run = system, state, tell, dry_run
        self.changed = 0
        # What the kernel refused, and what is only to be known.
        self.refused, self.told = [], []

    # ---- apply ---------------------------------------------------------------------------------

    def _judge(self, made):
        """How a step stands, what the state file has of it, and whether it must be applied."""
        record = self.state.find(made.id)
        same_boot = record is not None and record["boot"] == self.system.boot_id()
        if record:
            made.former, made.before = record.get("former", []), record["before"]
            # What was refused before a boot may be possible after it.
            made.refused = dict(record.get("refused", {})) if same_boot else {}
        status = made.status(self.system)
        broken = record is not None and record["status"] != states.DONE
        broken = broken or record is not None and record["fields"] != made.record()["fields"]
        must = broken or status.state == steps.WRONG or (
            status.state == steps.REBOOT and not same_boot)
        return status, record, must and made.applies and status.state != steps.ABSENT

    def _apply_one(self, made):
        status, record, must = self._judge(made)
        if not must:
            self.tell(MARKS[status.state], made.what, shorten(status.found))
            if not made.applies and status.mend:
                self.told.append(f"{made.what}: {status.mend}")
            return
        before, wanted = made.found(self.system), made.wanted(self.system)
        if self.dry_run:
            self.changed += 1
            self.tell("would", made.what, f"{shorten(before)} -> {shorten(wanted)}")
            return
        was = made.merge(record["before"], self.system) if record else made.read(self.system)
        self.state.begin(made, was)
        made.former = self.state.find(made.id).get("former", [])
        made.apply(self.system)
        self.state.done(made)
        self.changed += 1
        self.tell("set", made.what, f"{shorten(before)} -> {shorten(made.found(self.system))}")
        for name, reason in made.refused.items():
            (self.told if made.tolerant else self.refused).append(
                f"{made.what}: {name}: {reason}")

    def _dropped(self, plan):
        """What an earlier configuration wanted and this one does not."""
        wanted = {(made.id, made.kind) for made in plan}
        return [r for r in self.state.records if (r["id"], r["kind"]) not in wanted]

    def _put_back(self, dropped):
        for record in reversed(dropped):
            if self.dry_run:
                self.tell("would", record["what"], "put back: no longer wanted")
                continue
            self._restore_one(record)
            self.state.drop(record)
            self.changed += 1
            self.tell("back", record["what"], "no longer wanted")

    def apply(self, plan, runtime_only, known, config):
        """`known` and `config` are what the state file keeps of host and configuration.

        A step that fails ends the run, but for the boot-time unit: there nobody is to go on.
        """
        before, failed = len(self.state.records), []
        plan = [made for made in plan if made.runtime or not runtime_only]
        dropped = [] if runtime_only else self._dropped(plan)
        what = "writing down what is"
        try:
            if not self.dry_run:
                self.state.data.update(known=known, config=config)
                self._begin_phase(plan, dropped)
            what = "putting back what is no longer wanted"
            self._put_back(dropped)
            for made in plan:
                what = made.what
                try:
                    self._apply_one(made)
                except (files.Failed, OSError) as error:
                    if not runtime_only:
                        raise
                    failed.append(f"{what}: {error}")
            what = "writing down that all is done"
            if not self.dry_run and self.state.there and not failed:
                self.state.set_phase(states.APPLIED)
        except (files.Failed, OSError) as error:
            raise Stopped(
                f"{what}: {error}\n"
                f"{self.changed} step(s) were changed before it, and {before} by earlier runs; "
                "what follows it was not. The host runs and boots as it is: provision.sh apply "
                "goes on from here, provision.sh rollback puts everything back") from None
        if failed:
            raise Stopped(f"{len(failed)} step(s) failed, and all others were taken: "
                          + "; ".join(failed))

    def _begin_phase(self, plan, dropped):
        """Only a run that changes something leaves a mark: a second apply writes nothing."""
        if dropped or any(self._judge(made)[2] for made in plan):
            self.state.data["phase"] = states.APPLYING
            self.state.save()

    # ---- rollback ------------------------------------------------------------------------------

    def _restore_one(self, record):
        made = steps.from_record(record)
        same_boot = record["boot"] == self.system.boot_id()
        return made.restore(self.system, record["before"], same_boot)

    def _roll_back_one(self, record):
        """Words on what could not be done, or nothing."""
        before = steps.from_record(record).found(self.system)
        try:
            told = self._restore_one(record)
        except (files.Failed, OSError) as error:
            self.tell("FAILED", record["what"], str(error))
            return f"{record['what']}: {error}"
        # On a full disk this cannot be written down; a step may be put back twice.
        with contextlib.suppress(OSError):
            self.state.restored(record)
        self.changed += 1
        after = steps.from_record(record).found(self.system)
        self.tell("back", record["what"], f"{shorten(before)} -> {shorten(after)}")
        if told:
            self.told.append(f"{record['what']}: {told}")
        return ""

    def rollback(self):
        """Puts back every step, the last first. One that fails does not keep the others."""
        failed = []
        for record in reversed(self.state.records):
            if record["status"] == states.RESTORED:
                continue
            if self.dry_run:
                self.tell("would", record["what"], "put back")
                continue
            self.state.data["phase"] = states.ROLLING_BACK
            failed.append(self._roll_back_one(record))
        failed = list(filter(None, failed))
        if failed:
            raise Stopped(f"{len(failed)} step(s) could not be put back, and "
                          f"{self.changed} were: " + "; ".join(failed)
                          + "\nprovision.sh rollback tries these again")
        if not self.dry_run:
            self.state.delete()
