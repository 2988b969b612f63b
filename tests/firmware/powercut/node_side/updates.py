"""Cut the power at each program and erasure of an update, on littlefs: micropython updates.py FOLDER SCENARIO
PART PARTS EVERY SECOND

FOLDER has old.fw, new.fw, evil.fw and keys.json. The update's own functions run, as the node's tasks call
them; a start is the first stage's choice and what the node then does at a start. After each cut a start must
find a slot whose file is, byte for byte, a signed version; then everything goes on until it rests, and must
end as the scenario says. At each SECOND-th cut that going on is recorded, and cut at each of its own
operations.
"""

import builtins
import hashlib
import json
import os
import sys

import vfs
from blocks import Blocks, torn

import node

node.forget = lambda name: None  # modules stay loaded: a start is then cheap


class _Watchdog:
    def WDT(self, timeout):
        pass


sys.modules["machine"] = _Watchdog()
true_print = builtins.print
builtins.print = lambda *_, **__: None

import stage  # noqa: E402 - it imports machine

_COUNT = 64  # blocks
_PIECE = 2048
OLD, NEW = "1.0.0", "2.0.0"


class Quiet:
    """Stands for what the update's code talks to and that keeps nothing: link, board, events, settings."""

    trial = None
    boot = acked = 1
    crashes = 0
    safe = None

    def __getattr__(self, name):
        return lambda *_, **__: None

    def rtc_memory(self, data=None):
        return b""


class App(Quiet):
    def __init__(self):
        self.counters = {"flash_errors": 0}
        self.config = self.sender = self.outbox = self.link = self.board = self.health_now = Quiet()
        self.update = None

    async def keep(self, _name, run):
        pass


class Bricked(Exception):
    pass


class Unsigned(Exception):
    pass


class Wrong(Exception):
    pass


class Flash:
    def __init__(self, blocks, record=False):
        self.blocks = Blocks(list(blocks), mark=(lambda: 0) if record else None)

    def use(self):
        os.chdir("/")
        try:  # noqa: SIM105 - MicroPython
            vfs.umount("/flash")
        except OSError:
            pass  # none was mounted yet
        vfs.mount(vfs.VfsLfs2(self.blocks), "/flash")
        os.chdir("/flash")
        return self

    @property
    def state(self):
        return tuple(self.blocks.blocks)


class Play:
    """A scenario's own choices. `bundle`: what the gateway offers; `verdict`: what the trial comes to."""

    def __init__(self, name, files):
        self.name = name
        self.files = files
        self.bundle = files["evil.fw" if name == "unsigned" else "new.fw"]
        self.verdict = {"good": "good", "back": "back", "loop": "loop"}.get(name, "good")
        self.message = {
            "version": NEW,
            "size": len(self.bundle),
            "sha256": hashlib.sha256(self.bundle).digest().hex(),
        }

    def start(self):
        """What runs after power-on, as far as slots are concerned: (app, slots.json). Raises what breaks the
        promise."""
        slot = stage.pick()
        if slot not in ("a", "b"):
            raise Bricked("no slot is found")
        with open(slot + ".fw", "rb") as file:
            content = file.read()
        if content not in (self.files["old.fw"], self.files["new.fw"]):
            raise Unsigned(f"slot {slot} is none of the signed versions")
        app = App()
        node.use_once(".update.begin", "begin", app)
        return app, node.use_once(".update.state", "load")

    def command(self, app):
        return node.use_once(".update.take", "take", app, self.message)

    def rest(self, app, state):
        """Go on from a start until nothing is under way. Returns slots.json."""
        for _ in range(12):
            if state.get("load"):
                self.load(app.update)
            elif state["trial"] is not None:
                trial = sys.modules.get("update.trial") or __import__("update.trial").trial
                if self.verdict == "good":
                    trial._stand(app)
                elif self.verdict == "back":
                    trial._go_back(app, "no reading of it was acked within 600 s")
            else:
                return state
            app, state = self.start()
        raise Wrong("it does not come to rest: " + json.dumps(state))

    def load(self, loader):
        while loader.job:
            size = os.stat(loader.path)[6] if loader.path in os.listdir() else 0
            if size >= loader.job[1]:
                loader.finish(loader.job)
            else:
                loader.keep(self.bundle[size : size + _PIECE])

    def judge(self, state, accepted):
        """Whether it ended as it must."""
        run = state[state["run"]]
        found = (run[1], state["update"] and state["update"][1])
        ends = {"good": (NEW, "good"), "back": (OLD, "fell_back"), "loop": (OLD, "fell_back")}
        end = ends.get(self.name, (OLD, "refused"))
        if found != end and (accepted or found != (OLD, None)):
            raise Wrong(f"it ends as {found} and not as {end}: {json.dumps(state)}")


def mounted(play):
    """A board as it is flashed, after its first start."""
    blocks = Blocks(count=_COUNT)
    vfs.VfsLfs2.mkfs(blocks)
    flash = Flash(blocks.blocks).use()
    for name, content in (("keys.json", "keys.json"), ("a.fw", "old.fw"), ("b.fw", "old.fw")):
        with open(name, "wb") as file:
            file.write(play.files[content])
    play.start()
    return flash.state


def main(folder, name, part, parts, every, second):
    part, parts, every, second = int(part), int(parts), int(every), int(second)
    files = {}
    for path in ("old.fw", "new.fw", "evil.fw", "keys.json"):
        with open(folder + "/" + path, "rb") as file:
            files[path] = file.read()
    play = Play(name, files)
    board = mounted(play)
    flash = Flash(board, record=True).use()
    app, _ = play.start()
    ok, text = play.command(app)
    if not ok:
        raise OSError("the command is not taken: " + text)
    accepted = len(flash.blocks.steps)  # operations, then the command is answered
    cuts = again = 0
    found = {Bricked: 0, Unsigned: 0, Wrong: 0}
    try:
        play.judge(play.rest(app, node.use_once(".update.state", "load")), True)
    except (Bricked, Unsigned, Wrong) as error:
        true_print("update", name, "VIOLATION without any cut:", error)
        found[type(error)] += 1
    for number, step in enumerate(flash.blocks.steps):
        if number % parts != part or number // parts % every:
            continue
        for words, blocks in torn(step):
            deeper = bool(second) and number // parts // every % second == 0
            cuts += 1
            wrong, steps = check(play, blocks, number >= accepted, deeper)
            for inner in steps:
                if wrong:
                    break
                for more, left in torn(inner):
                    cuts += 1
                    again += 1
                    wrong, _ = check(play, left, number >= accepted, False)
                    if wrong:
                        words += ", and then " + more
                        break
            if wrong:
                found[type(wrong)] += 1
                if sum(found.values()) <= 5:
                    kind = "erase" if step[4] is None else "program"
                    true_print("update", name, "VIOLATION:", wrong)
                    true_print("  where: operation", number, kind, "of block", step[2], words)
    true_print(
        "update",
        name,
        len(flash.blocks.steps),
        "programs and erasures;",
        cuts,
        "cuts,",
        again,
        "of them in recovery",
    )
    true_print("total cuts", cuts)
    for kind in (Bricked, Unsigned, Wrong):
        true_print("total", kind.__name__.lower(), found[kind])


def check(play, blocks, accepted, record):
    """(what is wrong or None, the steps of the recovery if they are to be recorded)"""
    flash = Flash(blocks, record)
    try:
        flash.use()
        app, state = play.start()
        play.judge(play.rest(app, state), accepted)
        return None, flash.blocks.steps
    except (Bricked, Unsigned, Wrong) as error:
        return error, ()
    except Exception as error:  # noqa: BLE001 - a node that dies of anything does not start
        return Bricked("it dies: " + repr(error)), ()


if __name__ == "__main__":
    main(*sys.argv[1:])
