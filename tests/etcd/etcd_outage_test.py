#!/usr/bin/env python3
"""What becomes of settled, registered in an etcd and calling services that are, when that etcd goes away.

    etcd_outage_test.py --settled build/debug/bin/settled [--prepared FOLDER]

Under a steady load of gRPC sagas, the etcd is killed, wiped, paused, and takes a lease back (outages.py). While it is away
the sagas go on, by the addresses known last; when it is back settled is registered again, soon and for good. And: settled
starts without it, tells of a service that nobody has registered, drops an address that has gone, and is taken out when it
stops.

Where there is no etcd, or no Python with grpcio (scripts/setup.sh prepares both), the test is skipped (status 77), except
under CI=true: there it fails.
"""
import argparse
import contextlib
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import prepared_python  # noqa: E402
from etcd import missing_commands  # noqa: E402

SKIPPED = 77


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--settled", required=True, metavar="PROGRAM")
    parser.add_argument("--prepared", default=prepared_python.PREPARED, metavar="FOLDER",
                        help="where scripts/setup.sh put a Python that speaks gRPC")
    options = parser.parse_args()
    python = prepared_python.grpc_python(options.prepared)
    missing = missing_commands() + ([] if python else ["Python with grpcio"])
    if missing:
        print("run scripts/setup.sh: there is no " + ", ".join(missing))
        sys.exit(1 if os.environ.get("CI") == "true" else SKIPPED)
    prepared_python.run_by(python)

    from outages import OutageTest  # needs grpcio
    with tempfile.TemporaryDirectory(prefix="settle-etcd-") as folder, contextlib.ExitStack() as cleanup:
        test = OutageTest(options.settled, folder, cleanup)
        try:
            test.run()
        except BaseException:
            for name, tail in ("settled", test.server.log_tail()), ("etcd", test.etcd.log_tail()):
                print("--- %s says:\n%s" % (name, tail))
            raise


if __name__ == "__main__":
    main()
