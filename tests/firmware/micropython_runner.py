"""Run one file of plain `test_*` functions on MicroPython: micropython micropython_runner.py FILE.

Prints a line per failing test with its traceback, and a last line `N passed, N failed`.
"""

import gc
import sys


def main(path):
    folder, name = path.rsplit("/", 1)
    sys.path.insert(0, folder)
    module = __import__(name[:-3])
    passed = failed = 0
    for key in sorted(dir(module)):
        if not key.startswith("test_"):
            continue
        gc.collect()
        try:
            getattr(module, key)()
            passed += 1
        except Exception as error:  # noqa: BLE001 - a runner reports every kind of failure and goes on
            failed += 1
            print("FAILED", key)
            sys.print_exception(error)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


main(sys.argv[1])
