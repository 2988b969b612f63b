"""The lease's rules, by the test's own clock: several gateways over one topic, words late, lost or odd."""

from __future__ import annotations

import random

import pytest

from gateway.standby.rules import Role, Rules, Word

PATIENCE = 15.0


class Topic:
    """A broker's topic with one retained message, and gateways at it. Time moves by step() only."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.retained: bytes | None = None
        self.gateways: dict[str, Rules] = {}
        self.away: set[str] = set()  # cut off from the broker
        self.stopped: dict[str, list[bytes]] = {}  # SIGSTOP, with what waits to be read
        self.sick: set[str] = set()

    def join(self, name: str) -> Rules:
        self.gateways[name] = Rules(name, PATIENCE, self.now)
        self.connect(name)
        return self.gateways[name]

    def connect(self, name: str) -> None:
        self.away.discard(name)
        self.gateways[name].subscribed(self.now)
        if self.retained is not None:
            self.gateways[name].heard(self.retained, self.now)

    def cut(self, name: str) -> None:
        self.away.add(name)
        self.gateways[name].lost()

    def die(self, name: str) -> None:
        del self.gateways[name]
        self.publish(Word(say="gone", who=name))

    def wake(self, name: str) -> None:
        """It runs again: by its clock first, then it reads what waits."""
        waiting = self.stopped.pop(name)
        word = self.gateways[name].tick(self.now, True)
        if word is not None:
            self.publish(word)
        for payload in waiting:
            self.gateways[name].heard(payload, self.now)

    def publish(self, word: Word) -> None:
        payload = word.model_dump_json().encode()
        if word.retained:
            self.retained = payload
        for name, rules in self.gateways.items():
            if name in self.stopped:
                self.stopped[name].append(payload)
            elif name not in self.away:
                rules.heard(payload, self.now)

    def step(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += 0.1
            for name in list(self.gateways):
                if name not in self.stopped:
                    word = self.gateways[name].tick(self.now, name not in self.sick)
                    if word is not None and name not in self.away:
                        self.publish(word)

    def owners(self) -> list[str]:
        return [name for name, rules in self.gateways.items() if rules.role is Role.OWNER]


@pytest.fixture
def topic() -> Topic:
    return Topic()


def test_first_one_takes_it_soon_and_the_second_stands_by(topic: Topic) -> None:
    topic.join("a")
    topic.step(PATIENCE / 3 - 0.5)
    assert topic.owners() == []  # it listens before it speaks
    topic.step(1)
    assert topic.owners() == ["a"]
    topic.join("b")
    topic.step(1000)
    assert topic.owners() == ["a"]


def test_without_what_is_retained_a_newcomer_hears_the_owner_in_time(topic: Topic) -> None:
    topic.join("a")
    topic.step(10)
    topic.retained = None  # some clusters keep it on one node only
    topic.join("b")
    topic.step(100)
    assert topic.owners() == ["a"]


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_of_two_that_claim_at_once_one_remains(topic: Topic, order: str) -> None:
    for name in ("a", "b"):
        topic.join(name)
    topic.step(PATIENCE / 3 - 0.5)
    topic.now += 1
    claims = {name: rules.tick(topic.now, True) for name, rules in topic.gateways.items()}
    for name in order:  # as the broker got them
        word = claims[name]
        assert word is not None
        topic.publish(word)
    assert topic.owners() == ["b"]
    topic.step(100)
    assert topic.owners() == ["b"]


def test_will_shortens_the_wait_and_silence_takes_all_of_it(topic: Topic) -> None:
    topic.join("a")
    topic.step(10)
    topic.join("b")
    topic.step(10)
    topic.die("a")
    topic.step(PATIENCE / 3 - 0.5)
    assert topic.owners() == []
    topic.step(1)
    assert topic.owners() == ["b"]
    topic.join("c")
    topic.step(10)
    topic.stopped["b"] = []
    topic.step(PATIENCE * 4 / 5 - 0.5)  # its last word may be that young
    assert topic.owners() == ["b"]
    topic.step(PATIENCE / 5 + 1)
    assert topic.gateways["c"].role is Role.OWNER


def test_owner_whose_connection_is_back_within_the_grace_keeps_it(topic: Topic) -> None:
    topic.join("a")
    topic.step(10)
    topic.join("b")
    topic.step(10)
    topic.cut("a")
    topic.publish(Word(say="gone", who="a"))
    topic.step(3)
    topic.connect("a")
    topic.step(100)
    assert topic.owners() == ["a"]


def test_paused_owner_steps_down_and_says_nothing_that_hides_the_new_one(topic: Topic) -> None:
    a = topic.join("a")
    topic.step(10)
    topic.join("b")
    topic.step(10)
    topic.stopped["a"] = []
    topic.step(20)
    assert topic.gateways["b"].role is Role.OWNER
    before = topic.retained
    topic.wake("a")
    assert (a.role, topic.retained) == (Role.STANDBY, before)
    topic.step(100)
    assert topic.owners() == ["b"]


def test_paused_standby_hears_what_waits_before_it_claims(topic: Topic) -> None:
    topic.join("a")
    topic.step(10)
    topic.join("b")
    topic.step(10)
    topic.stopped["b"] = []
    topic.step(100)
    topic.wake("b")
    topic.step(100)
    assert topic.owners() == ["a"]


def test_owner_that_comes_back_from_afar_gives_way(topic: Topic) -> None:
    topic.join("a")
    topic.step(10)
    topic.join("b")
    topic.step(10)
    topic.cut("a")
    topic.step(30)
    assert topic.gateways["b"].role is Role.OWNER
    topic.connect("a")
    topic.step(100)
    assert topic.owners() == ["b"]


@pytest.mark.parametrize("forgets", [False, True], ids=["retained kept", "retained lost"])
def test_restart_of_the_broker_changes_no_owner(topic: Topic, forgets: bool) -> None:
    topic.join("a")
    topic.step(10)
    topic.join("b")
    topic.step(10)
    for name in ("a", "b"):
        topic.cut(name)
    topic.step(300)
    if forgets:
        topic.retained = None
    topic.connect("b")
    topic.step(2.5)  # the longest pause between an owner's attempts
    topic.connect("a")
    topic.step(100)
    assert topic.owners() == ["a"]


def test_given_back_it_is_taken_at_once(topic: Topic) -> None:
    a = topic.join("a")
    topic.step(10)
    topic.join("b")
    topic.step(10)
    word = a.give_back()
    assert word is not None
    del topic.gateways["a"]
    topic.publish(word)
    topic.step(0.2)
    assert topic.owners() == ["b"]


def test_one_that_is_not_alive_neither_keeps_nor_takes_it(topic: Topic) -> None:
    topic.join("a")
    topic.step(10)
    topic.join("b")
    topic.join("c")
    topic.sick = {"a", "b"}
    topic.step(30)
    assert topic.owners() == ["c"]


def test_claim_that_does_not_come_back_is_no_ownership(topic: Topic) -> None:
    a = topic.join("a")
    for _ in range(1000):  # its words are not brought back: no right to write
        topic.now += 0.1
        a.tick(topic.now, True)
        assert a.role is not Role.OWNER


def test_unclear_words_change_nothing(topic: Topic) -> None:
    a = topic.join("a")
    topic.step(10)
    odd = [
        b"", b"{}", b"\xff", b"[1]", b'{"v":2,"say":"have","who":"x","epoch":9}',
        b'{"v":1,"say":"take","who":"x","epoch":9}', b'{"v":1,"say":"have","who":"","epoch":9}',
        b'{"v":1,"say":"have","who":"x","epoch":-1}', b'{"v":1,"say":"have","who":"x","epoch":1e400}',
        b'{"v":1,"say":"have","who":"x","epoch":true}', b"[" * 100000,
    ]  # fmt: skip
    assert [a.heard(payload, topic.now) for payload in odd] == [False] * len(odd)
    assert topic.owners() == ["a"]
    # The highest epoch there can be: whoever comes after it can still claim.
    topic.publish(Word(say="have", who="x", epoch=2**53 - 1))
    assert topic.owners() == []
    topic.step(30)
    assert topic.owners() == ["a"]


def test_whatever_happens_one_owner_remains(topic: Topic) -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    names = [topic.join(name).me for name in ("a", "b", "c")]
    for _ in range(300):
        name = chance.choice(names)
        if name in topic.stopped:
            topic.wake(name)
        elif name in topic.away:
            topic.connect(name)
        elif chance.random() < 0.5:
            topic.cut(name)
            topic.publish(Word(say="gone", who=name))
        else:
            topic.stopped[name] = []
        if chance.random() < 0.1:
            topic.retained = None
        topic.step(chance.uniform(0, 30))
    for name in list(topic.stopped):
        topic.wake(name)
    for name in list(topic.away):
        topic.connect(name)
    topic.step(60)
    assert len(topic.owners()) == 1
    topic.step(60)
    assert len(topic.owners()) == 1
