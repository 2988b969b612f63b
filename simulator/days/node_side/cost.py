"""Print the bytes of heap that the stand-ins take: what a chip has in ROM or in C."""

import gc

gc.collect()
before = gc.mem_alloc()
import time  # noqa: E402, F401 - what it takes is measured

gc.collect()
print(gc.mem_alloc() - before)
