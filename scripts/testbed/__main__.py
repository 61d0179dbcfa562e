"""scripts/testbed.sh calls this: FOLDER up|run|reboot|cut|put|down."""

import os
import shlex
import sys

import bed


def up(guest):
    seconds = guest.up()
    guest.settle()
    print(f"testbed: root can log in after {seconds:.0f} s: scripts/testbed.sh run", file=sys.stderr)


def run(guest, words):
    """In place of this process, so that a terminal and the exit status are the guest's."""
    if not guest.pid():
        raise bed.Failed("no guest runs: scripts/testbed.sh up")
    command = guest.ssh(*([] if words else ["-t"]))
    # One word is a line for the guest's shell; several are a command and its arguments.
    os.execvp(command[0], command + (words if len(words) == 1 else [shlex.join(words)] * bool(words)))


def main(arguments):
    folder, verb, *words = arguments
    guest = bed.Bed(folder)
    try:
        if verb == "up":
            up(guest)
        elif verb == "run":
            run(guest, words)
        elif verb == "reboot":
            print(f"testbed: back after {guest.reboot():.0f} s", file=sys.stderr)
        elif verb == "cut":
            print(f"testbed: back after {guest.cut_power():.0f} s", file=sys.stderr)
        elif verb == "put":
            guest.put_tree()
        else:
            guest.down()
    except bed.Failed as error:
        print(f"testbed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
