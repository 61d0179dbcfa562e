"""Every setting against the plan: ok, wrong with what mends it, set for the next boot, or not
offered here. Then what the kernel itself says of the result."""

import dataclasses

import cpus
import step as steps

CPU = "/sys/devices/system/cpu"
FIT, UNFIT, BOOT = 0, 1, 3


@dataclasses.dataclass
class Line:
    id: str
    what: str
    state: str
    found: str
    wanted: str
    mend: str


def of_step(system, made, record, again):
    if record and record["boot"] == system.boot_id():
        made.refused = dict(record.get("refused", {}))
    status = made.status(system)
    mend = status.mend or again if status.state == steps.WRONG else ""
    if status.state == steps.REBOOT:
        mend = "reboot"
    return Line(made.id, made.what, status.state, status.found, made.wanted(system), mend)


def of_kernel(system, identity, what, path, wanted, given, pending):
    """A list of CPUs that the running kernel was given. `pending`: a boot brings it."""
    text = system.text(path)
    if text is None or not given:
        why = "no such file" if text is None else "not asked for"
        return Line(identity, what, steps.ABSENT, why, cpus.to_list(wanted), "")
    try:
        found = cpus.parse_list("" if text == "(null)" else text)
    except cpus.NotCpus:
        found = set()
    # A CPU that is offline is not listed as isolated by every kernel.
    offline = cpus.parse_list(system.text(f"{CPU}/offline") or "")
    if found | offline >= set(wanted) and found <= set(wanted):
        return Line(identity, what, steps.OK, text, cpus.to_list(wanted), "")
    return Line(identity, what, steps.REBOOT if pending else steps.WRONG, text or "none",
                cpus.to_list(wanted), "reboot" if pending else
                "see the line on the kernel command line")


def lines(system, host, placement, plan, state, again):
    """`again` is the command that applies everything."""
    found = [of_step(system, made, state.find(made.id), again) for made in plan]
    boot = next(line for line in found if line.id == "kernel command line")
    pending = boot.state == steps.REBOOT
    for name in ("isolated", "nohz_full"):
        given = name == "isolated" or "nohz_full=" in boot.wanted
        wanted = placement.isolated() if name != "isolated" or "domain," in boot.wanted else []
        found.append(of_kernel(system, f"cpu {name}", f"CPUs that the kernel calls {name}",
                               f"{CPU}/{name}", wanted, given, pending))
    return found


def status(found):
    """The exit status."""
    states = {line.state for line in found}
    if steps.WRONG in states:
        return UNFIT
    return BOOT if steps.REBOOT in states else FIT


def counts(found):
    return {state: sum(line.state == state for line in found)
            for state in (steps.OK, steps.WRONG, steps.REBOOT, steps.ABSENT)}
