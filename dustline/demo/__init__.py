"""`dustline demo`: the whole network on one machine; a broker restarts and a node loses power on the way."""

from dustline.demo.command import demo

__all__ = ["demo"]
