#!/usr/bin/env python3
"""Reads an Autobahn report and says whether it is good enough.

Every case has to be OK, in its behaviour and in how the connection was closed. NON-STRICT (right, but late or in another
order) is not good enough. INFORMATIONAL is, for the three cases in which RFC 6455 leaves the server free.
"""

import json
import sys

# Cases 1 to 7, 9 and 10 of Autobahn 25.10. Fewer means that the suite or the server stopped on the way.
EXPECTED_CASES = 301
GOOD = ("OK", "INFORMATIONAL")
# Data after a close frame, and close codes outside every registered range: any answer is lawful.
FREE = {"7.1.6", "7.13.1", "7.13.2"}


def main(path):
    with open(path, encoding="utf-8") as report:
        cases = next(iter(json.load(report).values()), {})
    bad = []
    for case, result in cases.items():
        verdicts = (result["behavior"], result["behaviorClose"])
        if any(verdict not in GOOD for verdict in verdicts) or ("INFORMATIONAL" in verdicts and case not in FREE):
            bad.append(f"{case}: {verdicts[0]}, closing {verdicts[1]} (close code {result['remoteCloseCode']})")
    for line in bad:
        print(f"not ok {line}")
    if len(cases) != EXPECTED_CASES:
        print(f"not ok: {len(cases)} cases ran, {EXPECTED_CASES} were expected")
    passed = len(cases) - len(bad)
    missing = max(0, EXPECTED_CASES - len(cases))
    print(f"{passed} passed, {len(bad) + missing} failed")
    return 1 if bad or len(cases) != EXPECTED_CASES else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
