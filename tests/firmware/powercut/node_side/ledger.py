"""What the script did, kept apart from the node: born, acked, set. A cut point names how far it had got."""

import asyncio


class Ledger:
    """The truth at one point. `events` are what was done since `start`; take(n) moves on to the n-th."""

    def __init__(self, like=None):
        self.events = []
        self.taken = 0
        self.marks = like.marks if like else {}  # (boot, seq) -> (mark, true t) of all that was ever begun
        self.held = dict(like.held) if like else {}  # what must be offered: (boot, seq) -> None
        self.limbo = dict(like.limbo) if like else {}  # what may be offered or not
        self.t = like.t if like else 1764000000  # of the last reading
        self.used = like.used if like else 0  # highest boot under which a reading was begun
        self.last = dict(like.last) if like else {}  # boot -> highest seq begun
        self.versions = list(like.versions) if like else [0]  # remote settings that may be in force
        self.command = like.command if like else None  # the last that was done: not to be done again
        self.laser = like.laser if like else 0  # seconds that the laser's file must hold at least

    def note(self, what, *values):
        self.events.append((what, values))

    def mark(self):
        return len(self.events)

    def take(self, count):
        while self.taken < count:
            what, values = self.events[self.taken]
            self.taken += 1
            getattr(self, "_" + what)(*values)

    def _measure(self, identity, mark, t, thinned):
        """A reading is being stored, and for its sake `thinned` ones are let go."""
        self.marks[identity] = (mark, t)
        self.limbo[identity] = None
        boot, seq = identity
        self.t = t
        self.used = max(boot, self.used)
        self.last[boot] = max(seq, self.last.get(boot, 0))
        for old in thinned:
            if self.held.pop(old, 0) is None:
                self.limbo[old] = None

    def _born(self, identity):
        self.held[identity] = self.limbo.pop(identity)

    def _ack(self, identities):
        """The node is being told that these are durable."""
        for identity in identities:
            if self.held.pop(identity, 0) is None:
                self.limbo[identity] = None

    def _kept(self, identities):
        """It has taken that in."""
        for identity in identities:
            self.limbo.pop(identity, None)

    def _config(self, version):
        self.versions.append(version)

    def _config_kept(self, version):
        self.versions = [version]

    def _done(self, command):
        self.command = command

    def _laser(self, seconds):
        self.laser = seconds


class Gateway:
    """Answers a node's readings, and notes in the ledger what it said. `mode`: prompt, late (after 25 s),
    lost (never), gaps (every third is left out), refuse (batches with every fifth)."""

    def __init__(self, ledger):
        self.ledger = ledger
        self.life = None
        self.mode = "prompt"
        self.spared = ()  # identities that are not acked
        self.offered = {}  # (boot, seq) -> reading as last offered
        self._task = None

    def heard(self, boot, readings):
        for reading in readings:
            self.offered[(boot, reading["seq"])] = reading
        if self.mode != "lost":
            self._task = asyncio.create_task(self._answer(self.mode, boot, [r["seq"] for r in readings]))

    async def _answer(self, mode, boot, seqs):
        if mode == "late":
            await asyncio.sleep_ms(25000)
        bad = [(boot, seq) for seq in seqs if mode == "refuse" and seq % 5 == 0]
        if bad:
            # The third refusal of one alone sets it aside: it is then out of the way, as if acked.
            last = self.life.app.sender.refused.get(bad[0], 0) == 2 and len(seqs) == 1
            if last:
                self.ledger.note("ack", bad)
            self.life.hear("ack", {"v": 1, "refused": "a test"})
            if last:
                self.ledger.note("kept", bad)
            return
        left = [seq for seq in seqs if (boot, seq) in self.spared]
        if mode == "gaps":
            left += [seq for seq in seqs if seq % 3 == 0]
        done = [seq for seq in seqs if seq not in left]
        if not done:
            return
        identities = [(boot, seq) for seq in done]
        self.ledger.note("ack", identities)
        message = {"v": 1, "boot": boot, "from": seqs[0], "upto": seqs[-1]}
        # All between that is not of this message is none of this answer's business.
        gaps = [seq for seq in range(seqs[0], seqs[-1]) if seq not in done]
        if gaps:
            message["except"] = gaps
        self.life.hear("ack", message)
        self.ledger.note("kept", identities)
