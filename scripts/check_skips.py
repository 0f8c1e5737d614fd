#!/usr/bin/env python3
"""Fails where a test did not run, or a test case is switched off, and tests/allowed-skips.txt does not name it.

    scripts/check_skips.py RESULTS.xml…      (as ctest --output-junit writes them)
"""
import os
import re
import subprocess
import sys
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SWITCHED_OFF = re.compile(r'TEST_CASE.*"([^"]*)".*doctest::(skip|may_fail|should_fail|expected_failures)')


def main():
    with open(os.path.join(ROOT, "tests", "allowed-skips.txt"), encoding="utf-8") as lines:
        allowed = {line.split("#")[0].strip() for line in lines} - {""}
    skipped = []
    for path in sys.argv[1:]:
        for test in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
            if test.get("status") not in ("run", "fail"):
                skipped.append((test.get("name"), test.get("status")))
    sources = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*_test.cpp"], cwd=ROOT, check=True, text=True,
                             stdout=subprocess.PIPE).stdout.split()
    for source in sources:
        with open(os.path.join(ROOT, source), encoding="utf-8") as file:
            skipped += [(found[1], "%s in %s" % (found[2], source)) for found in SWITCHED_OFF.finditer(file.read())]
    for name, why in skipped:
        print("skipped: %s (%s)%s" % (name, why, "" if name in allowed else ": not on tests/allowed-skips.txt"))
    sys.exit(1 if {name for name, _ in skipped} - allowed else 0)


if __name__ == "__main__":
    main()
