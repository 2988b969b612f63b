"""The outbox against a simple model of it, over random steps: what is born stays until it is acked, what was
acked never comes again, each boot's backlog comes in order, and `depth` is what waits."""

import random

from outbox_bench import READING, Board, T, clean, fresh, keeping, let_go, opened, seqs

from node import outbox_ack, outbox_read, outbox_write, record
from node.outbox import STRIDE

MODULES = (outbox_write, outbox_read, outbox_ack)
MOST = 80  # readings that wait: the model has to fit into a small heap too


class Model:
    def __init__(self, rng, folder, board):
        self.rng = rng
        self.folder = folder
        self.board = board
        self.waits = set()  # (boot, seq)
        self.outbox = opened(folder, board=board)
        self.boot = self.outbox.boot

    def append(self):
        for _ in range(self.rng.randint(1, 12)):
            seq = outbox_write.append(self.outbox, record.encode(self.outbox.seq + 1, T, "ntp", READING))
            assert (self.outbox.boot, seq) not in self.waits
            self.waits.add((self.outbox.boot, seq))

    def jump(self):
        """As the sender does when too many fresh readings wait."""
        self.outbox.live = self.outbox.seq
        self.outbox.freshest = self.outbox.tail

    def batch(self):
        """Ask for a batch and ack none, some or all of it."""
        live = self.rng.random() < 0.5
        batch = outbox_read.batch(self.outbox, self.rng.randint(1, 20), 10000, live)
        if live:
            expected = [(b, s) for b, s in self.waits if b == self.outbox.boot and s >= self.outbox.live]
        else:
            expected = list(self.waits)
        if batch is None:
            assert not expected, expected
            return
        boot = batch[0]
        expected = sorted([(b, s) for b, s in expected if b == boot])
        assert boot == min(b for b, _ in self.waits) or live
        given = [(boot, seq) for seq in seqs(batch)]
        assert given == expected[: len(given)], (given, expected)
        dice = self.rng.random()
        if dice < 0.2:
            return
        done = [pair for pair in given if dice > 0.5 or self.rng.random() < 0.5]
        if self.rng.random() < 0.3:
            self.append()  # readings are born while a batch is on its way
        outbox_ack.acked(self.outbox, boot, [seq for _, seq in done])
        self.waits.difference_update(done)
        # Acks that would make too many ranges are not taken: such readings wait on.
        if len(self.outbox.ranges) >= 24:
            self.waits.update([pair for pair in done if not self._is_done(pair)])

    def _is_done(self, pair):
        held = any(self.outbox.holds(at, pair[0]) for at in range(0, len(self.outbox.index), STRIDE))
        return not held or outbox_read.is_done(self.outbox, *pair)

    def restart(self):
        if self.rng.random() < 0.5:
            self.outbox.close()
        resume = (self.outbox.boot, self.outbox.seq) if self.rng.random() < 0.3 else None
        self.outbox = opened(self.folder, resume, board=self.board)
        assert self.outbox.boot == self.boot + (0 if resume else 1)
        self.boot = self.outbox.boot


def run(seed, steps, restarts=0.05):
    rng = random.Random(seed) if hasattr(random, "Random") else seeded(seed)
    folder = fresh("model")
    for module in MODULES:
        module.use_once = keeping
    model = Model(rng, folder, Board())
    try:
        for _ in range(steps):
            dice = rng.random()
            if dice < 0.4 and len(model.waits) < MOST:
                model.append()
            elif dice < 0.95 - restarts:
                model.batch()
            elif dice < 1 - restarts:
                model.jump()
            else:
                model.restart()
            assert model.outbox.depth == len(model.waits), (model.outbox.depth, len(model.waits))
        model.outbox.close()
        model.restart()
        assert model.outbox.depth == len(model.waits)
        while model.waits:
            batch = outbox_read.batch(model.outbox, 60, 10000, False)
            given = [(batch[0], seq) for seq in seqs(batch)]
            assert given == sorted(model.waits)[: len(given)]
            outbox_ack.acked(model.outbox, batch[0], seqs(batch))
            model.waits.difference_update(given)
        assert model.outbox.batch(60, 10000) is None
        assert model.outbox.depth == 0
    finally:
        let_go()
    model.outbox.close()
    clean(folder)


def seeded(seed):
    """MicroPython has one generator, and no Random."""
    random.seed(seed)
    return random


def test_random_steps():
    for seed in range(6):
        print("seed", seed)
        run(seed, 150)


def test_random_steps_with_many_starts():
    """So that their segments become packs."""
    for seed in range(6):
        print("seed", seed)
        run(seed, 150, 0.3)
