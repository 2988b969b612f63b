"""Readings that the gateway refuses by themselves, out of the way. Loaded for it, then dropped."""

from micropython import const

from node import forget, use_once

_MOST_BYTES = const(16384)


def set_aside(outbox, boot, bodies):
    """See Outbox.set_aside. The file is written as a pack whose first boot is 0."""
    seqs = []
    try:
        from node.outbox_write import frame
        from node.record import seq_of

        with open(outbox.path("aside"), "ab") as file:
            room = _MOST_BYTES - file.seek(0, 2)
            for body in bodies:
                data = frame(body, boot)
                if len(data) > room:
                    print("outbox: no more room for what the gateway refuses, it waits on")
                    break
                room -= len(data)
                outbox.written += file.write(data)
                seqs.append(seq_of(body))
            file.flush()
    except OSError as error:
        print("outbox: no file for what the gateway refuses, it waits on:", error)
        seqs = []
    finally:
        forget("outbox_write")
        forget("record")
    if seqs:
        outbox.aside += len(seqs)
        use_once("outbox_ack", "acked", outbox, boot, seqs)
    return len(seqs) == len(bodies)
