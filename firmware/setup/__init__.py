"""Set-up mode: loaded while a node is set up, and for the self-test right after it; never otherwise."""

if __file__.endswith(".mpy"):
    # Through what unpacks it, as the package node.
    __path__ = __import__("node").__path__[:-4] + "setup"  # pyright: ignore[reportAssignmentType]
