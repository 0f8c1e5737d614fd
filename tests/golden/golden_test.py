#!/usr/bin/env python3
"""Replays the recorded conversations with a DTM server against settled.

    golden_test.py --settled build/debug/bin/settled --store rocksdb|memory|mysql

The cases and their player lie beside the repository (../shared/golden; SETTLE_GOLDEN_FOLDER names another place). The
player speaks gRPC by the Python that scripts/setup.sh prepares, and mysql is a MariaDB of the test's own. Where one of
them is not there the test is skipped (status 77), except under CI=true: there it fails. A case that the player skips must
be on tests/allowed-skips.txt.
"""
import argparse
import contextlib
import glob
import os
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import mariadb  # noqa: E402
import prepared_python  # noqa: E402
from settled import free_port  # noqa: E402

SKIPPED = 77


def give_up(reason):
    """Ends the test where this machine lacks something that it needs."""
    print(reason)
    sys.exit(1 if os.environ.get("CI") == "true" else SKIPPED)


def allowed_skips():
    with open(os.path.join(ROOT, "tests", "allowed-skips.txt"), encoding="utf-8") as lines:
        return {line.split("#")[0].strip() for line in lines} - {""}


def mysql_settings(database):
    # Others may change topics; the cases wait a second for that.
    return {"STORE_HOST": "127.0.0.1", "STORE_PORT": str(database.port), "TRANS_CRON_INTERVAL": "1",
            "CONFIG_UPDATE_INTERVAL": "1"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--settled", required=True, metavar="PROGRAM")
    parser.add_argument("--store", required=True, choices=["rocksdb", "memory", "mysql"])
    parser.add_argument("--patience", default="4", help="stretches all waiting; sanitizers and busy machines are slow")
    parser.add_argument("--only", action="append", metavar="CASE", help="these alone")
    parser.add_argument("--prepared", default=prepared_python.PREPARED, metavar="FOLDER",
                        help="where scripts/setup.sh put a Python that speaks gRPC")
    options = parser.parse_args()

    golden = os.environ.get("SETTLE_GOLDEN_FOLDER", os.path.join(ROOT, "..", "shared", "golden"))
    player = os.path.join(golden, "replay.py")
    if not os.path.exists(player):
        give_up("no recorded cases in " + golden)
    python = prepared_python.grpc_python(options.prepared)
    if not python:
        give_up("run scripts/setup.sh: there is no Python with grpcio in " + options.prepared)
    cases = {os.path.splitext(os.path.basename(path))[0]: path for path in glob.glob(os.path.join(golden, "cases", "*"))}
    names = sorted(options.only or cases)
    assert names, "no case is chosen from %d in %s" % (len(cases), golden)

    if options.store == "mysql" and mariadb.missing_commands():
        give_up("run scripts/setup.sh: there is no " + ", ".join(mariadb.missing_commands()))

    with tempfile.TemporaryDirectory(prefix="settle-golden-") as folder, contextlib.ExitStack() as started:
        environment = dict(os.environ, STORE_DRIVER=options.store, STORE_PATH=os.path.join(folder, "store"))
        if options.store == "mysql":
            environment.update(mysql_settings(started.enter_context(mariadb.MariaDB(folder))))
        command = [python, player, "--server-cmd", shlex.quote(os.path.abspath(options.settled)) + " --test-clock",
                   "--http", "127.0.0.1:%d" % free_port(), "--grpc", "127.0.0.1:%d" % free_port(),
                   "--participant-port", str(free_port()), "--clock", "--patience", options.patience, "-v",
                   *(cases[name] for name in names)]
        run = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             text=True)
    print(run.stdout)
    skipped = re.findall(r"^skip ([\w-]+): (.*)$", run.stdout, re.MULTILINE)
    forbidden = [skip for skip in skipped if skip[0] not in allowed_skips()]
    if forbidden:
        sys.exit("skipped and not on tests/allowed-skips.txt: %s" % forbidden)
    passed = re.search(r"^(\d+) passed, 0 failed, (\d+) skipped$", run.stdout, re.MULTILINE)
    if run.returncode != 0 or not passed or int(passed[1]) + int(passed[2]) != len(names):
        sys.exit("the replay failed (status %d)" % run.returncode)


if __name__ == "__main__":
    main()
