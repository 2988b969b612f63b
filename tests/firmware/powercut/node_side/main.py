"""micropython main.py MINUTES PART PARTS EVERY SECOND [FAULT]: play the day and cut its share of it."""

import sys
import time

import life

life.prepare()

from cuts import Cutter  # noqa: E402 - they import the node, which prepare() must come before
from day import Day  # noqa: E402


def main(minutes, part, parts, every, second, broken=""):
    say = life.true_print
    if broken:
        import mutants

        mutants.apply(broken)
    try:
        day = Day(int(minutes)).run()
    except Exception as error:  # noqa: BLE001 - it is the test's first finding
        for line in life.said[-10:]:
            say(line)
        sys.print_exception(error)
        say("total cuts 0")
        say("total violations 1")
        return
    began = time.ticks_ms()
    cutter = Cutter(int(part), int(parts), int(every), int(second), say)
    cutter.day(day.disk.steps, day.ledger)
    seconds = time.ticks_diff(time.ticks_ms(), began) // 1000
    packed = [step for step in day.disk.steps if step.what == "rename" and "-10.seg.new" in step.path]
    say("day: operations", day.disk.operations, "changing", len(day.disk.steps), "thinned", day.thinned)
    say("day: packed", len(packed), "times, set aside", day.life.app.outbox.aside)
    say("part", part, "of", parts, "cuts", cutter.cuts, "again", cutter.again, "in", seconds, "s")
    say("total cuts", cutter.cuts)
    say("total violations", cutter.violations)


main(*sys.argv[1:])
