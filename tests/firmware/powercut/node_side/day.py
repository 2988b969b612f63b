"""The scripted day of a node: a reading a minute, and all that a day may bring, on a recorded disk."""

import json

import judge
import simtime
from chip import BEGAN_MS
from disk import Disk, State
from ledger import Gateway, Ledger
from life import Life

from node import use_once

CONFIG = {
    "node": "praga-1",
    "network": "warsaw",
    "broker": {"host": "broker.example"},
    "wifi": [{"ssid": "roof", "password": "secret12"}],
    "sensors": [{"slot": "a", "model": "sds011", "uart": 1, "tx": 17, "rx": 16}],
    "outbox_kb": 8,
    "backlog_per_min": 6000,
}
WHOLE = 1440


class Day:
    """run() plays it. `minutes` says how long it is; what happens when is scaled with it."""

    def __init__(self, minutes):
        self.minutes = minutes
        self.ledger = Ledger()
        self.truth = Ledger()  # taken along, for what is thinned
        self.truth.events = self.ledger.events
        config = CONFIG.copy()
        if minutes < WHOLE:
            config["outbox_kb"] = 1
        files = {"config.json": json.dumps(config).encode()}
        self.disk = Disk(State(files, (), {}), self.ledger.mark)
        self.gateway = Gateway(self.ledger)
        self.life = None
        self.utc_ms = BEGAN_MS
        self.thinned = 0

    def at(self, minute, of_a_day):
        """Whether it is that minute of a whole day, scaled."""
        return minute == of_a_day * self.minutes // WHOLE

    def run(self):
        self.start()
        for minute in range(self.minutes):
            self.happen(minute)
            self.measure(minute + 1)
            simtime.run({"late": 35000, "refuse": 50000}.get(self.gateway.mode, 4000))
            simtime.skip(60000 - simtime.now() % 60000)
            if self.life.died:
                raise self.life.died
        return self

    def start(self):
        """Switch on, the first time or again."""
        if self.life:
            self.utc_ms += simtime.now() + 60000
        self.disk.handles = []
        self.gateway.mode = "prompt"
        self.life = self.gateway.life = Life(self.disk, self.gateway.heard, self.utc_ms)

    def measure(self, mark):
        life = self.life
        identity = (life.app.outbox.boot, life.app.outbox.seq + 1)
        thinned = []
        self.ledger.note("measure", identity, mark, life.utc(), thinned)
        before = life.app.outbox.thinned
        if not life.measure(mark):
            raise OSError("the day's node cannot store a reading")
        self.ledger.note("born", identity)
        if life.app.outbox.thinned > before:
            self.thinned += life.app.outbox.thinned - before
            thinned += self.missing(identity, life.app.outbox.thinned - before)

    def missing(self, fresh, most):
        """Who was thinned: ask a node that starts on a copy."""
        truth = Ledger(self.truth)
        truth.events = self.ledger.events
        truth.taken = self.truth.taken
        truth.take(len(truth.events))
        now, loop = simtime.hold()
        copy = Ledger(truth)
        gateway = Gateway(copy)
        life = gateway.life = Life(Disk(self.disk.state), gateway.heard, self.utc_ms + 86400000)
        offered = judge.drain(life, gateway)
        simtime.release(now, loop)
        self.disk.use()
        gone = [identity for identity in truth.held if identity not in offered]
        if len(gone) > most:
            raise judge.Violation(f"{len(gone)} readings are missing after thinning {most}")
        if fresh in gone:
            raise judge.Violation("the newest reading was thinned")
        return gone

    def happen(self, minute):
        """The events of the day."""
        life, gateway, at = self.life, self.gateway, lambda m: self.at(minute, m)
        if at(48):
            life.know_time()  # readings waited for the clock
            life.connect(True)
        elif at(192):
            self.config({"v": 1, "version": 3, "settings": {"window_s": 30, "health_s": 300}})
        elif at(240):
            gateway.mode = "late"
        elif at(264):
            gateway.mode = "gaps"
        elif at(312):
            gateway.mode = "prompt"
        elif at(324):
            life.ask("first")
            simtime.run(1000)
            if "first" not in life.replies:
                raise judge.Violation("a command is not answered")
            self.ledger.note("done", "first")
        elif at(336):
            gateway.mode = "refuse"
        elif at(384):
            gateway.mode = "prompt"
        elif at(432):
            life.connect(False)  # an outage, in which the outbox fills and is thinned
        elif at(816):
            life.connect(True)
        elif at(864):
            self.config({"v": 1, "version": 4, "settings": {"backlog_per_min": 3000}})
        elif at(912):
            self.start()  # a restart with the outbox empty
            self.life.know_time()
            self.life.connect(True)
        elif at(960):
            life.connect(False)
        elif at(984) or at(1008) or at(1032):
            self.start()  # without a network: their small segments are packed
        elif at(1056):
            # And one after a crash, with a backlog, and no network for a while.
            use_once("crash", "note", life.board, ValueError("a crash on purpose"))
            self.start()
        elif at(1104):
            self.life.know_time()
            self.life.connect(True)
        elif at(1152):
            gateway.mode = "lost"
        elif at(1200):
            self.start_from_torn()
            self.life.know_time()
            self.life.connect(True)
        if minute % max(1, self.minutes // 24) == 0:
            self.life.report_health()
        if self.at(minute, 24 + minute // max(1, self.minutes // 8) * 180):
            self.laser()

    def config(self, message):
        self.ledger.note("config", message["version"])
        self.life.hear("config", message)
        self.ledger.note("config_kept", message["version"])

    def laser(self):
        """An hour of the laser is over, and written."""
        odometer = self.life.app.odometer
        odometer.add("a", "", 3600)
        odometer.save()
        self.ledger.note("laser", round(odometer.hours("a", "") * 3600))

    def start_from_torn(self):
        """Cut the power in the middle of the last write, and go on with the day from there."""
        # The reading under way counts as not born: it is measured without its end being noted.
        life = self.life
        identity = (life.app.outbox.boot, life.app.outbox.seq + 1)
        self.ledger.note("measure", identity, 800000, life.utc(), [])
        life.measure(800000)
        torn = [step for step in self.disk.steps if step.writes][-1]
        self.disk.state = torn.state_at(torn.cuts() // 2)[1]
        self.start()
