"""Look at each part of the node and say how it is, for whoever stands before it. Loaded for a test only, and
what it needs one after the other: selftest_sensors.py and selftest_parts.py look, selftest_en.py and the like
have the words. Sentences are named by number.
"""

from node import use_once


async def results_of(app):
    """What was found, as the contract's `reply` has it."""
    async with app._room:
        # (part, True, False or None for not to be known, number of the sentence, what stands in it), ...
        found = []
        await use_once("selftest_sensors", "look", app, found)
        use_once("selftest_parts", "look", app, found)
        results = [{"part": part, "ok": ok} for part, ok, _, _ in found]
        for words in ("selftest_en", "selftest_en2", "selftest_pl", "selftest_pl2"):
            use_once(words, "say", found, results)
        return results


def failed(part, error):
    """What is found of a part that cannot be looked at."""
    print("selftest:", part, "cannot be looked at:", repr(error))
    return part, False, 44, (repr(error)[:100],)
