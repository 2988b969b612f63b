"""When to ping and when to give a peer up; time is played through in steps."""

from node.mqtt.liveness import Liveness


def play(life, until, start=0, got=(), sent=(), step=100, answer=False):
    """Judge every `step` ms, with traffic at the given times; returns [(ms, verdict)] up to the first end."""
    said = []
    for now in range(start + step, until + 1, step):
        if now in got:
            life.got_at = now
        if now in sent:
            life.written(now, False)
        verdict = life.judge(now)
        if verdict:
            said.append((now, verdict))
        if verdict == "ping":
            life.written(now, True)
            if answer:
                life.got_at = now
                life.pong()
        elif verdict:
            break
    return said


def test_an_idle_connection_is_pinged_every_half_keepalive():
    assert play(Liveness(4, 0), 8000, answer=True) == [
        (2000, "ping"),
        (4000, "ping"),
        (6000, "ping"),
        (8000, "ping"),
    ]


def test_a_silent_peer_is_given_up_within_one_and_a_half_keepalives():
    for keepalive in (1, 2, 4, 10, 60, 300):
        said = play(Liveness(keepalive, 0), keepalive * 2000)
        assert [verdict for _, verdict in said] == ["ping", "silent"]
        assert said[1][0] <= keepalive * 1500, said
        assert said[1][0] <= keepalive * 500 + 15200, said


def test_what_we_send_does_not_hide_a_silent_peer():
    said = play(Liveness(4, 0), 10000, sent=range(0, 10000, 500))
    assert [verdict for _, verdict in said] == ["ping", "silent"]
    assert said[1][0] <= 6000


def test_a_peer_that_talks_is_alive_but_must_answer_in_the_end():
    said = play(Liveness(4, 0), 60000, got=range(0, 60000, 100))
    assert [verdict for _, verdict in said] == ["ping", "silent"]
    assert said[1][0] - said[0][0] > 6000


def test_a_peer_that_takes_nothing_is_given_up():
    life = Liveness(4, 0)
    verdicts = []
    for now in range(100, 2800, 100):
        life.got_at = now
        if now == 500:
            life.writing_at = now
        verdicts.append(life.judge(now))
    # The PINGREQ of 2000 ms waits behind the piece that nobody takes.
    assert [verdict for verdict in verdicts if verdict] == ["ping", "blocked", "blocked"]
    assert verdicts.index("blocked") == 25  # at 2600 ms


def test_late_judgement_is_put_off_until_the_reader_has_run():
    life = Liveness(4, 0)
    assert life.judge(9000) is None
    life.got_at = 9050  # was waiting in the socket all the time
    assert life.judge(9100) == "ping"


def test_an_answer_ends_the_wait():
    life = Liveness(4, 0)
    assert play(life, 3000) == [(2000, "ping")]
    life.got_at = 3000
    life.pong()
    assert play(life, 4900, start=3000) == [(4000, "ping")]
