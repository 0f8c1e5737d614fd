#!/usr/bin/env python3
"""Drives settled by one of DTM's own SDKs, with the SDK's barriers in a MariaDB.

    interop_test.py go|go_grpc|go_etcd|python|java --settled build/debug/bin/settled --work FOLDER [--only TEXT]

Each SDK has a small program here: a bank that takes part in transactions, and that starts one when it is asked to. This
test starts the database, settled and the bank, has the bank start each case, and compares how it ended: its status, the
balances, and the calls that the bank got. The Go SDK is driven over HTTP, over gRPC, and over gRPC with settled and the
bank registered in an etcd, where they find each other. `--settled` may name a DTM server, too (`--dtm --store boltdb`).

scripts/setup.sh fetches the SDKs. Where they are not there, the test is skipped (status 77), except under CI=true: there
it fails.
"""
import argparse
import contextlib
import json
import os
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import etcd  # noqa: E402
import mariadb  # noqa: E402
from bank_program import PROGRAMS, BankProgram  # noqa: E402
from cases import CASES  # noqa: E402
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
        if case.stuck_on:
            self.stop_stuck(case, gid)
        self.expect(case, "status", self.final_status(gid), "succeed" if case.succeeds else "failed")
        calls = self.database.execute("select concat(branch_id, '-', op) from bank.call_log where gid = '%s' order by id" % gid)
        self.expect(case, "calls", " ".join(call for call, in calls), case.calls)
        balances = self.database.execute("select balance, frozen from bank.account where name in ('%s', '%s') "
                                         "order by name desc" % (payer, payee))
        moved = 30 if case.succeeds else 0
        self.expect(case, "balances", balances, [[str(100 - moved), "0"], [str(100 + moved), "0"]])

    def stop_stuck(self, case, gid):
        """Waits for the second attempt at its first step, and stops it. The error did not make it fail."""
        answer = self.query_until(gid, lambda found: found.get("waits_for", {}).get("attempts", 0) >= 2)
        self.expect(case, "status of the stuck one", answer["transaction"]["status"], "submitted")
        waits_for = answer["waits_for"]
        self.expect(case, "stuck at", (waits_for["branch_id"], waits_for["op"]), ("01", "action"))
        assert case.stuck_on in waits_for["last_error"], "%s: last_error: %s" % (case.name, waits_for["last_error"])
        code, stopped = self.server.request("POST", API + "forceStop", {"gid": gid})
        assert code == 200, "forceStop of %s: %d %s" % (gid, code, stopped)

    def final_status(self, gid):
        return self.query_until(gid, lambda found: found["transaction"]["status"] in ("succeed", "failed"))["transaction"][
            "status"]

    def query_until(self, gid, is_wanted):
        end = time.monotonic() + END_DEADLINE_S
        while True:
            code, answer = self.server.get(API + "query", gid=gid)
            assert code == 200 and answer["transaction"], "query of %s: %d %s" % (gid, code, answer)
            if is_wanted(answer):
                return answer
            assert time.monotonic() < end, "this does not change: %s" % json.dumps(answer, indent=1)
            time.sleep(0.02)

    @staticmethod
    def expect(case, what, found, expected):
        assert found == expected, "%s: %s: expected %s, found %s" % (case.name, what, expected, found)


def wait_for_registration(registry, key, address):
    end = time.monotonic() + END_DEADLINE_S
    while list(registry.registered(key).values()) != [address]:
        assert time.monotonic() < end, "registered under %s: %s instead of %s" % (key, registry.registered(key), address)
        time.sleep(0.02)


def run_cases(options, cases, command, folder, started):
    """Whatever is started is handed to `started`, which ends it."""
    database = started.enter_context(mariadb.MariaDB(folder))
    with open(os.path.join(HERE, "bank.sql"), encoding="utf-8") as schema:
        database.execute(schema.read())
    grpc_address = "127.0.0.1:%d" % free_port()
    settings = {"GRPC_PORT": grpc_address.split(":")[1], **dict(setting.split("=", 1) for setting in options.set)}
    if options.store == "mysql":
        settings.update(STORE_HOST="127.0.0.1", STORE_PORT=str(database.port), TRANS_CRON_INTERVAL="1")
    registry = started.enter_context(etcd.Etcd(folder)) if options.sdk == "go_etcd" else None
    if registry:
        settings.update(MICRO_SERVICE_DRIVER="dtm-driver-gozero", MICRO_SERVICE_TARGET=registry.target("dtmservice"),
                        MICRO_SERVICE_END_POINT=grpc_address)
    server = Settled(options.settled, folder, options.store, settings)
    bank = BankProgram(command, folder, server.port, database.port)
    if registry:
        bank.use_grpc(registry.target("dtmservice"), registry.target("bank"))
    elif options.sdk == "go_grpc":
        bank.use_grpc(grpc_address)
    started.callback(server.clean_up)
    started.callback(bank.stop)
    try:
        server.start()
        if registry:
            wait_for_registration(registry, "dtmservice", grpc_address)
        bank.start()
        test = InteropTest(server, database, bank)
        for number, case in enumerate(cases):
            began = time.monotonic()
            test.run(number, case)
            print("ok   %5.1f s  %s" % (time.monotonic() - began, case.name), flush=True)
        server.stop()
    except BaseException:
        for name, program in ("settled", server), ("bank", bank), ("MariaDB", database), ("etcd", registry):
            if program:
                print("--- %s says:\n%s" % (name, program.log_tail()))
        raise


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sdk", choices=sorted(CASES))
    parser.add_argument("--settled", required=True, metavar="PROGRAM")
    parser.add_argument("--store", default="rocksdb", help="mysql: in the bank's MariaDB, beside its own database")
    parser.add_argument("--dtm", action="store_true", help="the server is DTM itself: leave out what it does otherwise")
    parser.add_argument("--prepared", default=os.path.join(HERE, "..", "..", "build", "interop"), metavar="FOLDER",
                        help="where scripts/setup.sh put the SDKs")
    parser.add_argument("--work", required=True, metavar="FOLDER", help="where the bank's program is built, and kept")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the server")
    parser.add_argument("--only", default="", metavar="TEXT", help="only the cases with this text in their names")
    options = parser.parse_args()

    build = PROGRAMS[options.sdk]
    missing = mariadb.missing_commands() + build.missing(options.prepared)
    if options.sdk == "go_etcd":
        missing += etcd.missing_commands()
    if missing:
        print("run scripts/setup.sh: there is no " + ", ".join(missing))
        sys.exit(1 if os.environ.get("CI") == "true" else SKIPPED)
    cases = [case for case in CASES[options.sdk] if options.only in case.name and not (options.dtm and case.beyond_dtm)]
    assert cases, "no case has %r in its name" % options.only

    os.makedirs(options.work, exist_ok=True)
    command = build.command(options.prepared, options.work)
    with tempfile.TemporaryDirectory(prefix="settle-interop-") as folder, contextlib.ExitStack() as started:
        run_cases(options, cases, command, folder, started)
    print("%d passed, 0 failed" % len(cases))


if __name__ == "__main__":
    main()
