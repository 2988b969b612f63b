"""Start the node on what a cut left, and hold it to what it promises."""

import simtime
from disk import Disk
from ledger import Gateway, Ledger
from life import Life, said

_IDLE_MS = 3000  # in which a node with a backlog sends at least once
_LONGEST = 400  # of these, in one drain


class Violation(Exception):
    pass


def drain(life, gateway):
    """Let the node send until it has nothing more to offer."""
    life.connect(True)
    life.know_time()
    for _ in range(_LONGEST):
        count = len(gateway.offered)
        simtime.run(_IDLE_MS)
        if life.died:
            raise Violation("the sender died: " + repr(life.died))
        if len(gateway.offered) == count:
            return gateway.offered
    raise Violation("it offers without end")


def begin(disk, ledger, after, utc_ms):
    """A start: (Life, Gateway). It must start, and repeat no boot number under which a reading was begun.
    What it does is noted in the ledger `after`."""
    gateway = Gateway(after)
    try:
        life = Life(disk, gateway.heard, utc_ms)
    except Exception as error:
        raise Violation("it does not start: " + repr(error)) from error
    gateway.life = life
    boot = life.app.outbox.boot
    if boot <= ledger.used:
        raise Violation(f"boot {boot} comes again, readings were born under {ledger.used}")
    return life, gateway


def check_told(life, ledger):
    """What it says of itself."""
    app = life.app
    for boot, last in app.outbox.born:
        if boot != app.outbox.boot and last > ledger.last.get(boot, 0):
            raise Violation(f"it tells {last} readings of boot {boot}, {ledger.last.get(boot, 0)} were born")
    if app.config.version not in ledger.versions:
        raise Violation(f"settings {app.config.version} are in force, not one of {ledger.versions}")
    hours = app.odometer.hours("a", "")
    if hours * 3600 + 1 < ledger.laser:
        raise Violation(f"{hours * 3600} s of laser, {ledger.laser} were kept")
    if app.config.problems:
        raise Violation("its settings are damaged: " + str(app.config.problems))


def check_offered(offered, ledger):
    """Everything that must be offered was, as it was born, and nothing that need not."""
    for identity in ledger.held:
        if identity not in offered:
            raise Violation(f"lost: {identity} was born, is not acked and is not offered")
    for identity, reading in offered.items():
        if identity not in ledger.held and identity not in ledger.limbo:
            was = "acked" if identity in ledger.marks else "never born"
            raise Violation(f"{identity} is offered and was {was}")
        mark, t = ledger.marks[identity]
        if reading["n03"] != mark:
            raise Violation(f"{identity} is another reading: {reading['n03']} for {mark}")
        if reading["t"] is not None and abs(reading["t"] - t) > 2:
            raise Violation(f"{identity} has the time {reading['t']} for {t}, {reading['tq']}")


def record_reading(life, ledger, mark):
    """Measure, as the script of a recovery does. Returns the identity."""
    identity = (life.app.outbox.boot, life.app.outbox.seq + 1)
    ledger.note("measure", identity, mark, life.utc(), ())
    if not life.measure(mark):
        raise Violation("it cannot store a reading: " + str(said[-2:]))
    ledger.note("born", identity)
    return identity


def judge(state, ledger, further, record=None, disk_of=Disk):
    """Raises Violation. `further`: also let it measure, ack and start once more. `record`: a list that is
    given the steps of this recovery, to be cut in their turn. `disk_of`: makes the disk of a state."""
    after = Ledger(ledger)
    utc_ms = (ledger.t + 120) * 1000
    disk = disk_of(state, None if record is None else after.mark)
    if record is not None:
        disk.steps = record
    life, gateway = begin(disk, ledger, after, utc_ms)
    check_told(life, ledger)
    offered = dict(drain(life, gateway))
    check_offered(offered, ledger)
    if further and ledger.command:
        life.ask(ledger.command)
        simtime.run(1000)
        if "done already" not in life.replies.get(ledger.command, ""):
            raise Violation("it does command " + ledger.command + " again")
    if further or record is not None:
        life.report_health()
        record_reading(life, after, 900001)
        simtime.run(2000)
        gateway.spared = (record_reading(life, after, 900002),)
        simtime.run(2000)
        if life.died:
            raise Violation("the sender died: " + repr(life.died))
    if further:
        later = Ledger(after)
        later.events = after.events
        later.take(len(after.events))
        later.limbo = {}  # it offered them and was answered, or has none of them
        again, gateway = begin(disk_of(disk.state), later, Ledger(later), utc_ms + 600000)
        check_offered(drain(again, gateway), later)
    return after
