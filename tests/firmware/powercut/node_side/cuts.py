"""Cut the recorded day at every point, and the recoveries from cuts again."""

from judge import Violation, judge
from ledger import Ledger
from life import said


class Cutter:
    """Counts what it cut and what was wrong. `part` of `parts` shares the points among processes: each takes
    every parts-th. `every` N judges only each N-th byte of a write, and its first and last: the reduced form.
    `second` N cuts the recovery from each N-th operation again at every point, `thorough` = False only at its
    operations."""

    def __init__(self, part, parts, every, second, report):
        self.part = part
        self.parts = parts
        self.every = every
        self.second = second
        self.report = report
        self.cuts = self.again = self.violations = 0
        self._point = 0

    def day(self, steps, ledger):
        """Every cut point of a recorded run. `ledger` has its events."""
        truth = Ledger()
        truth.events = ledger.events
        for number, step in enumerate(steps):
            truth.take(step.mark)
            for cut in self._chosen(step):
                self._point += 1
                if self._point % self.parts != self.part:
                    continue
                twice = self.second and not cut and number % self.second == 0
                record = [] if twice else None
                where, state = step.state_at(cut)
                where = f"operation {number} {step.what} {step.path}, {where}"
                after = self._judge(state, truth, where, cut % 16 == 0, record)
                if twice and after:
                    self._recovery(record, truth, after, where)

    def _chosen(self, step):
        count = step.cuts()
        return [cut for cut in range(count) if cut % self.every == 0 or cut < 2 or cut >= count - 2]

    def _recovery(self, steps, truth, after, where):
        """Cut a recovery: what was true at the first cut, and what the recovery did since."""
        then = Ledger(truth)
        then.events = after.events
        for number, step in enumerate(steps):
            then.take(step.mark)
            for cut in self._chosen(step):
                words, state = step.state_at(cut)
                words = f"{where}; then its recovery's operation {number} {step.what} {step.path}, {words}"
                self.again += 1
                self._judge(state, then, words, not cut, None)

    def _judge(self, state, truth, where, further, record):
        self.cuts += 1
        try:
            return judge(state, truth, further, record)
        except Violation as violation:
            what = str(violation)
        except Exception as error:  # noqa: BLE001 - a node that dies of anything breaks the promise
            what = "it dies: " + repr(error)
        self.violations += 1
        if self.violations <= 20:
            self.report("violation:", what)
            self.report("  where:", where)
            self.report(
                "  files:", {path: len(data) for path, data in state.files.items()}, "nvs:", state.nvs
            )
            for path in state.files:
                if len(state.files[path]) < 200 and path != "config.json":
                    self.report("   ", path, state.files[path])
            for line in said[-4:]:
                self.report("  said:", line)
        return None
