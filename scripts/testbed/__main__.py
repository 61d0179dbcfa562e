"""scripts/testbed.sh calls this: FOLDER up|run|reboot|cut|put|down."""

import os
import shlex
import sys

import bed


def tell(words):
    print(f"testbed: {words}", file=sys.stderr)


def up(guest):
    seconds = guest.up()
    guest.settle()
    tell(f"root can log in after {seconds:.0f} s: scripts/testbed.sh run")


def run(guest, words):
    """In place of this process, so that a terminal and the exit status are the guest's."""
    if not guest.pid():
        raise bed.Failed("no guest runs: scripts/testbed.sh up")
    command = guest.ssh(*([] if words else ["-t"]))
    if words:
        # One word is a line for the guest's shell; several are a command and its arguments.
        command.append(words[0] if len(words) == 1 else shlex.join(words))
    os.execvp(command[0], command)


def main(arguments):
    folder, verb, *words = arguments
    guest = bed.Bed(folder)
    try:
        if verb == "up":
            up(guest)
        elif verb == "run":
            run(guest, words)
        elif verb == "reboot":
            tell(f"back after {guest.reboot():.0f} s")
        elif verb == "cut":
            tell(f"back after {guest.cut_power():.0f} s")
        elif verb == "put":
            guest.put_tree()
        else:
            guest.down()
    except bed.Failed as error:
        tell(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
