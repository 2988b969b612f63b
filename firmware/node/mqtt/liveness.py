"""Is the peer still there? Sans-I/O: told of traffic and time, says when to ping and when to give up.

A half-open connection is never closed by anyone and takes what is sent to it for minutes, so only what comes
from the peer counts as a sign of life. Times are ms of a growing clock.
"""


class Liveness:
    def __init__(self, keepalive_s, now):
        self.half = keepalive_s * 500
        self.limit = min(self.half, 15000)  # for the answer to a ping, and for writing one piece
        self.pause = max(20, min(1000, keepalive_s * 60))  # between two judgements
        self.judged_at = now
        self.got_at = now
        self.sent_at = now
        self.writing_at = None  # since when one piece is being written
        self.pinging = False  # a PINGREQ is queued or unanswered
        self.ping_at = None  # when the unanswered PINGREQ was written

    def pong(self):
        self.pinging = False
        self.ping_at = None

    def written(self, now, is_ping):
        self.writing_at = None
        self.sent_at = now
        if is_ping:
            self.ping_at = now

    def judge(self, now):
        """None, "ping" (send a PINGREQ now), "blocked" (the peer takes nothing), "silent" (nothing comes)."""
        late = now - self.judged_at > 3 * self.pause + 100
        self.judged_at = now
        if late:
            return None  # something blocked us: let the reader see first what has come meanwhile
        if self.writing_at is not None and now - self.writing_at > self.limit:
            return "blocked"
        quiet = now - self.got_at
        unanswered = now - self.ping_at if self.ping_at is not None else 0
        # Any byte since the ping is a sign of life: the answer may wait behind a long message. But a peer
        # that talks and never answers is out of order too.
        if min(unanswered, quiet) > self.limit or max(unanswered, quiet) > 3 * self.half:
            return "silent"
        # Also when only the other side is quiet: that we send proves nothing about the peer.
        if not self.pinging and max(quiet, now - self.sent_at) >= self.half:
            self.pinging = True
            return "ping"
        return None
