"""Who has the shard: the rules of its lease. No I/O, and no clock but the one that is handed in.

All words go over one topic. The owner says `have` again and again, with a growing count: a lease lives by
change seen, so no two clocks are compared. Whoever has seen no change for `patience_s` claims it, which is a
`have` with a higher epoch, and owns it once the broker has brought that word back. Of two claims the higher
(epoch, who) wins, in whatever order they come; who hears of a higher one than its own steps down.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

# Parts of the patience: between two words of the owner; and how long a gateway that is told or finds that
# there is no owner still listens for one. The second must be longer than the first.
RENEW, GRACE = 1 / 5, 1 / 3
_MOST = 2**53 - 1


class Word(BaseModel):
    """One message. `have` is retained, `free` too: it is said at an orderly end. `gone` is the last will.
    `look` comes back to who said it, behind everything that was said before."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    v: Literal[1] = 1
    say: Literal["have", "free", "gone", "look"]
    who: str = Field(min_length=1, max_length=100)
    epoch: int = Field(default=0, ge=0, le=_MOST)
    count: int = Field(default=0, ge=0, le=_MOST)

    @property
    def retained(self) -> bool:
        return self.say in ("have", "free")


class Role(StrEnum):
    STANDBY = "standby"
    CLAIMING = "claiming"
    OWNER = "owner"


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """Ordered: the higher one wins."""

    epoch: int
    who: str


class Rules:
    """One gateway's view. heard() and tick() change the role; tick() says what is to be said.

    Times are seconds of one monotonic clock.
    """

    def __init__(self, me: str, patience_s: float, now: float) -> None:
        self.me = me
        self.patience_s = patience_s
        self.role = Role.STANDBY
        # The highest claim of another, and the count of its last word.
        self.known: Claim | None = None
        self._count: int = 0
        # When the last change of it was seen.
        self.changed = now
        self._mine = Claim(0, me)
        self._said = 0
        self._listening = False
        # STANDBY: when to claim. CLAIMING: when to give up. OWNER: when to say the next word.
        self._due = now
        self._ticked = now
        # When the broker last brought a word of our own back.
        self.echoed = now
        # Whether the last claim did not come back: no right to write there, or a connection that was lost.
        self.in_vain = False
        self._looks = self._looked = self._must_look = 0

    @property
    def renew_s(self) -> float:
        return self.patience_s * RENEW

    @property
    def grace_s(self) -> float:
        return self.patience_s * GRACE

    def subscribed(self, now: float) -> None:
        """The connection listens from now on. What was said meanwhile nobody has heard."""
        self._listening = True
        self.echoed = now
        if self.role is Role.OWNER:
            self._look_first(now)
            return
        self._give_up_claim()
        self._due = now + (self.patience_s if self.known is not None else self.grace_s)

    def lost(self) -> None:
        """The connection is gone. An owner stays one: on its way back it looks first."""
        self._listening = False

    def heard(self, payload: bytes, now: float) -> bool:
        """Take a word in; False when it is none."""
        try:
            word = Word.model_validate_json(payload)
        except ValidationError:
            return False
        if word.who == self.me:
            self._own(word, now)
        elif word.say == "gone":
            if self.role is Role.STANDBY and self.known is not None and self.known.who == word.who:
                # Perhaps only its connection is: it is heard again within the grace then.
                self._due = min(self._due, now + self.grace_s)
        elif word.say != "look":
            self._others(Claim(word.epoch, word.who), word, now)
        return True

    def _own(self, word: Word, now: float) -> None:
        self.echoed = now
        if word.say == "look":
            if self.role is Role.OWNER and self._looked < self._must_look <= word.count:
                self._due = now  # nobody has claimed it: say so, before one does
            self._looked = max(self._looked, word.count)
        elif word.say == "have" and self.role is Role.CLAIMING and word.epoch == self._mine.epoch:
            self.role, self.in_vain = Role.OWNER, False
            self._due = now + self.renew_s

    def _others(self, claim: Claim, word: Word, now: float) -> None:
        if self.role is not Role.STANDBY:
            if claim < self._mine:
                return  # one that was paused and has not heard yet
            self.role = Role.STANDBY
        elif self.known is not None and claim < self.known:
            return
        elif claim == self.known and word.count == self._count and word.say == "have":
            return  # the broker's copy of what is known
        self.known, self._count, self.changed, self.in_vain = claim, word.count, now, False
        self._due = now if word.say == "free" else now + self.patience_s

    def tick(self, now: float, alive: bool) -> Word | None:
        """To be called often; what is to be said now. One that is not `alive` claims and renews nothing."""
        asleep = now - self._ticked > self.renew_s
        self._ticked = now
        if not self._listening:
            return None
        if asleep:
            # This process was stopped: what came meanwhile is still to be heard.
            self._woke(now)
        if now < self._due:
            return None
        if self.role is Role.OWNER:
            return self._tick_owner(now, alive)
        if self.role is Role.CLAIMING:
            self._give_up_claim()
            self._due = now + self.patience_s
            return None
        return self._claim(now) if alive else None

    def _give_up_claim(self) -> None:
        self.in_vain = self.in_vain or self.role is Role.CLAIMING
        self.role = Role.STANDBY

    def _woke(self, now: float) -> None:
        self.echoed = now
        if self.role is Role.OWNER:
            self._look_first(now)
        else:
            self._due = max(self._due, now + self.grace_s)

    def _look_first(self, now: float) -> None:
        self._must_look = self._looks + 1
        self._due = now

    def _tick_owner(self, now: float, alive: bool) -> Word | None:
        if self._looked < self._must_look:
            self._due = now + self.renew_s
            return self.look()
        if not alive:
            return None
        self._due = now + self.renew_s
        return self._have()

    def _claim(self, now: float) -> Word:
        self.role = Role.CLAIMING
        self._mine = Claim(min(_MOST, (self.known.epoch if self.known is not None else 0) + 1), self.me)
        self._due = now + self.grace_s
        self.echoed = now
        return self._have()

    def _have(self) -> Word:
        self._said += 1
        return Word(say="have", who=self.me, epoch=self._mine.epoch, count=self._said)

    def look(self) -> Word:
        """A word to send; seen_through() of its count tells when all said before it was heard."""
        self._looks += 1
        return Word(say="look", who=self.me, count=self._looks)

    def seen_through(self, count: int) -> bool:
        return self._looked >= count

    def give_back(self) -> Word | None:
        """What an owner says last."""
        if self.role is not Role.OWNER:
            return None
        self.role = Role.STANDBY
        return Word(say="free", who=self.me, epoch=self._mine.epoch, count=self._said + 1)

    def unheard_s(self, now: float) -> float:
        """How long an owner or claimant has had no word of its own back on a connection that listens."""
        if not self._listening or self.role is Role.STANDBY:
            return 0.0
        return now - self.echoed
