"""`gc` where the heap is large and not the subject: collecting each 8 KB is half of a node's work."""

import sys


class _Gc(type(sys.modules["gc"])):
    def threshold(self, *_bytes):
        pass

    def collect(self):
        pass


sys.modules["gc"] = _Gc()
