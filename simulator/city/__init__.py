"""The simulated city: a true field of PM and weather over Warsaw, what sensors see of it, and light nodes.

    scenario  field  weather  events  warsaw  clock   the truth
    models  units  seen  faults  breakage             what sensors see
    station                                           what reference stations report
    fleet  light  disagree  readings  record  publish  light nodes' messages
    stable                                            numbers that are the same everywhere

It needs numpy (the extra `city`), which nothing else of Dustline does. docs/simulated-city.md says what is
modelled.
"""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("numpy") is None:
    raise ImportError("the simulated city needs numpy: pip install 'dustline[city]'")
