"""Cut a node's power at every operation and byte of a scripted day. See docs/node/powercut.md."""
