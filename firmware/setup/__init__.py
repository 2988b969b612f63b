"""Set-up mode: loaded while a node is set up, and for the self-test right after it; never otherwise."""
