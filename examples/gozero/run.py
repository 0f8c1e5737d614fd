#!/usr/bin/env python3
"""Runs a shop of go-zero services with a coordinator, and shows how orders end: taken, refused and undone, waiting.

    run.py [--server build/release/bin/settled] [--work build/gozero] [--keep]

Starts a MariaDB, an etcd, the coordinator (with -c conf.yml), an order service, a stock service and the API in front of
them, on free ports of loopback and in a temporary folder, and ends them all. Exits with 0 only if everything was as it
must be. docs/go-zero.md explains what one sees. `--server` may name a DTM server, too.

Where Go, etcd or MariaDB are not installed it exits with 77, which tests take for skipped; with CI=true, with 1.
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from acts import Acts
from stage import ROOT, Stage, build, missing_commands

SKIPPED = 77


def is_settled(server):
    """Whether the program is settled. A DTM server does not tell why a transaction is not finished, and leaves its
    registration to its lease."""
    version = subprocess.run([server, "-v"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True)
    return version.stdout.startswith("settled ")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--server", default=os.path.join(ROOT, "build", "release", "bin", "settled"), metavar="PROGRAM")
    parser.add_argument("--work", default=os.path.join(ROOT, "build", "gozero"), metavar="FOLDER",
                        help="where the services are built, and kept")
    parser.add_argument("--keep", action="store_true", help="keep the temporary folder, with every log and conf.yml")
    options = parser.parse_args()
    server = os.path.abspath(options.server)
    if not os.access(server, os.X_OK):
        sys.exit("there is no program %s: build it first, or name one with --server" % server)
    missing = missing_commands()
    if missing:
        print("run scripts/setup.sh: there is no " + ", ".join(missing))
        sys.exit(1 if os.environ.get("CI") == "true" else SKIPPED)

    # What ends this script ends what it started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    print("building the services (the first time takes a few minutes)", flush=True)
    build(options.work)
    folder = tempfile.mkdtemp(prefix="settle-gozero-")
    stage = Stage(server, options.work, folder)
    try:
        with stage:
            Acts(stage, tells_why=is_settled(server)).run()
            stage.end(deregisters=is_settled(server))
    except Exception:
        print(stage.log_tails(), flush=True)
        raise
    finally:
        if options.keep:
            print("the logs are in " + folder)
        else:
            shutil.rmtree(folder)
    print("everything ended as it must")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
