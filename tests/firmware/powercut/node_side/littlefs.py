"""The same on littlefs itself: VfsLfs2 on blocks in memory, cut at each of its programs and erasures.

micropython littlefs.py MINUTES
"""

import os
import sys

import life
import vfs
from blocks import Blocks, torn

life.prepare()

from day import CONFIG  # noqa: E402 - it imports the node, which prepare() must come before
from judge import Violation, judge  # noqa: E402
from ledger import Gateway, Ledger  # noqa: E402


class Flash:
    """In the place of disk.Disk: littlefs on Blocks, and NVS."""

    def __init__(self, state, mark=None):
        blocks, nvs = state
        self.blocks = Blocks(list(blocks), mark=mark)
        self.nvs = dict(nvs)
        self.kept = [(0, dict(nvs))]  # NVS from that block operation on

    def use(self):
        os.chdir("/")
        try:  # noqa: SIM105 - MicroPython
            vfs.umount("/flash")
        except OSError:
            pass  # none was mounted yet
        vfs.mount(vfs.VfsLfs2(self.blocks), "/flash")
        os.chdir("/flash")

    @property
    def state(self):
        return tuple(self.blocks.blocks), self.nvs

    def nvs_get(self, key):
        return self.nvs.get(key)

    def nvs_set(self, key, value):
        self.nvs[key] = value
        self.kept.append((len(self.blocks.steps), dict(self.nvs)))

    def nvs_at(self, number):
        return [nvs for since, nvs in self.kept if since <= number][-1]


def script(minutes, flash, ledger):
    """A shorter day: readings, acks, settings, laser hours, an outage with thinning."""
    import simtime

    gateway = Gateway(ledger)
    one = gateway.life = life.Life(flash, gateway.heard)
    one.know_time()
    for minute in range(minutes):
        one.connect(not minutes // 4 <= minute < minutes * 3 // 4)
        identity = (one.app.outbox.boot, one.app.outbox.seq + 1)
        ledger.note("measure", identity, minute + 1, one.utc(), ())
        if not one.measure(minute + 1):
            raise OSError("the script's node cannot store a reading")
        ledger.note("born", identity)
        if minute == 3:
            ledger.note("config", 2)
            one.hear("config", {"v": 1, "version": 2, "settings": {"window_s": 30}})
            ledger.note("config_kept", 2)
        if minute % 10 == 5:
            one.app.odometer.add("a", "", 3600)
            one.app.odometer.save()
        simtime.run(4000)
        simtime.skip(56000)


def main(minutes):
    import json

    say = life.true_print
    blocks = Blocks()
    vfs.VfsLfs2.mkfs(blocks)
    made = Flash((tuple(blocks.blocks), {}))
    made.use()
    with open("config.json", "w") as file:
        json.dump(CONFIG, file)
    ledger = Ledger()
    flash = Flash(made.state, ledger.mark)
    script(int(minutes), flash, ledger)
    truth = Ledger()
    truth.events = ledger.events
    cuts = violations = 0
    for number, step in enumerate(flash.blocks.steps):
        truth.take(step[0])
        for words, blocks in torn(step):
            cuts += 1
            try:
                judge((blocks, flash.nvs_at(number)), truth, True, disk_of=Flash)
                continue
            except Violation as violation:
                what = str(violation)
            except Exception as error:  # noqa: BLE001 - a node that dies of anything breaks the promise
                what = "it dies: " + repr(error)
            violations += 1
            if violations <= 10:
                kind = "program" if step[4] else "erase"
                say("littlefs violation:", what)
                say("  where: block operation", number, kind, step[2], "at", step[3], words)
                say("  said:", life.said[-4:])
    say("littlefs:", len(flash.blocks.steps), "programs and erasures,", cuts, "cuts")
    say("total cuts", cuts)
    say("total violations", violations)


if __name__ == "__main__":
    main(*sys.argv[1:])
