#!/usr/bin/env python3
"""Drives settled by one of DTM's own SDKs, with the SDK's barriers in a MariaDB.

    interop_test.py go|python|java --settled build/debug/bin/settled --work FOLDER [--store rocksdb] [--only TEXT]

Each SDK has a small program here: a bank that takes part in transactions, and that starts one when it is asked to. This
test starts the database, settled and the bank, has the bank start each case, and compares how it ended: its status, the
balances, and the calls that the bank got. `--settled` may name a DTM server, too (`--store boltdb`).

scripts/setup.sh fetches the SDKs. Where they are not there, the test is skipped (status 77), except under CI=true: there
it fails.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from bank_program import PROGRAMS, BankProgram  # noqa: E402
from cases import CASES  # noqa: E402
from mariadb import MariaDB, missing_commands  # noqa: E402
from settled import API, Settled, free_port  # noqa: E402

SKIPPED = 77
END_DEADLINE_S = 90


class InteropTest:
    def __init__(self, server, database, bank):
        self.server, self.database, self.bank = server, database, bank

    def run(self, number, case):
        payer, payee = "payer-%d" % number, "payee-%d" % number
        self.database.execute("insert into bank.account(name, balance, closed) values ('%s', 100, %d), ('%s', 100, %d)" % (
            payer, case.closed == "payer", payee, case.closed == "payee"))
        gid, error = self.bank.start_transfer(case.kind, {
            "payer": payer, "payee": payee, "amount": 30, "answer_is_lost": case.answer_is_lost, "vanishes": case.vanishes})
        self.expect(case, "the client fails (%s)" % error, bool(error), case.client_fails)
        self.expect(case, "status", self.final_status(gid), "succeed" if case.succeeds else "failed")
        calls = self.database.execute("select concat(branch_id, '-', op) from bank.call_log where gid = '%s' order by id" % gid)
        self.expect(case, "calls", " ".join(call for call, in calls), case.calls)
        balances = self.database.execute("select balance, frozen from bank.account where name in ('%s', '%s') "
                                         "order by name desc" % (payer, payee))
        moved = 30 if case.succeeds else 0
        self.expect(case, "balances", balances, [[str(100 - moved), "0"], [str(100 + moved), "0"]])

    def final_status(self, gid):
        end = time.monotonic() + END_DEADLINE_S
        while True:
            code, answer = self.server.get(API + "query", gid=gid)
            assert code == 200 and answer["transaction"], "query of %s: %d %s" % (gid, code, answer)
            if answer["transaction"]["status"] in ("succeed", "failed"):
                return answer["transaction"]["status"]
            assert time.monotonic() < end, "it does not end: %s" % json.dumps(answer, indent=1)
            time.sleep(0.02)

    @staticmethod
    def expect(case, what, found, expected):
        assert found == expected, "%s: %s: expected %s, found %s" % (case.name, what, expected, found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sdk", choices=sorted(CASES))
    parser.add_argument("--settled", required=True, metavar="PROGRAM")
    parser.add_argument("--store", default="rocksdb")
    parser.add_argument("--prepared", default=os.path.join(HERE, "..", "..", "build", "interop"), metavar="FOLDER",
                        help="where scripts/setup.sh put the SDKs")
    parser.add_argument("--work", required=True, metavar="FOLDER", help="where the bank's program is built, and kept")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the server")
    parser.add_argument("--only", default="", metavar="TEXT", help="only the cases with this text in their names")
    options = parser.parse_args()

    build = PROGRAMS[options.sdk]
    missing = missing_commands() + build.missing(options.prepared)
    if missing:
        print("run scripts/setup.sh: there is no " + ", ".join(missing))
        sys.exit(1 if os.environ.get("CI") == "true" else SKIPPED)
    cases = [case for case in CASES[options.sdk] if options.only in case.name]
    assert cases, "no case has %r in its name" % options.only

    os.makedirs(options.work, exist_ok=True)
    command = build.command(options.prepared, options.work)
    settings = dict(setting.split("=", 1) for setting in options.set)
    with tempfile.TemporaryDirectory(prefix="settle-interop-") as folder, MariaDB(folder) as database:
        with open(os.path.join(HERE, "bank.sql"), encoding="utf-8") as schema:
            database.execute(schema.read())
        server = Settled(options.settled, folder, options.store, {"GRPC_PORT": str(free_port()), **settings})
        bank = BankProgram(command, folder, server.port, database.port)
        try:
            server.start()
            bank.start()
            test = InteropTest(server, database, bank)
            for number, case in enumerate(cases):
                began = time.monotonic()
                test.run(number, case)
                print("ok   %5.1f s  %s" % (time.monotonic() - began, case.name), flush=True)
            server.stop()
        except BaseException:
            for name, tail in ("settled", server.log_tail()), ("bank", bank.log_tail()), ("MariaDB", database.log_tail()):
                print("--- %s says:\n%s" % (name, tail))
            raise
        finally:
            bank.stop()
            server.clean_up()
    print("%d passed, 0 failed" % len(cases))


if __name__ == "__main__":
    main()
