"""`dustline reprocess`: the past judged and corrected anew, as a run of its own, beside a gateway.

`runs` has what is known of each, `beside` the connection that writes, `carry_out` does it, `switch` changes
which one is in use, `cli` is the command.
"""
