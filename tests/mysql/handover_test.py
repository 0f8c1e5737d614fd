#!/usr/bin/env python3
"""One server leaves transactions behind in every state, another one on the same database finishes them.

    handover_test.py --settled build/debug/bin/settled [--only TEXT]

The first is killed, or stopped; the second is of the other kind: DTM after settled, settled after DTM, and settled after
settled. The participant that both call keeps the books: a transaction ends all or nothing, what was written as done is not
called again, and what never ran is not undone.

Where there is no MariaDB, no Go or no Python with pymysql, the test is skipped (status 77), except under CI=true: there it
fails.
"""
import argparse
import contextlib
import os
import tempfile
import threading

import servers
from left_cases import FAILED, SUCCEED, cases, options_of
from participant import REFUSED, Participant

DEADLINE_S = 120
API = "/api/dtmsvr/"


class Client:
    """What the clients of the transactions do, at one server."""

    def __init__(self, server, url):
        self.server, self.url = server, url

    def post(self, operation, message):
        code, answer = self.server.request("POST", API + operation, message)
        assert code == 200, "%s of %s at %s: %d %s" % (operation, message.get("gid"), self.server.name, code, answer)
        return answer


class Handover:
    def __init__(self, tables, first, second):
        self.tables, self.first, self.second = tables, first, second
        self.cases = cases()
        self.case_of = {case.gid: case for case in self.cases}
        self.in_trouble = True
        self.participant = Participant(self.decide)
        self.workflows = []  # threads

    def decide(self, call):
        case = self.case_of[call.gid]
        answer = case.decide(call, self.in_trouble)
        if call.op == "wf" and not self.in_trouble:
            thread = threading.Thread(target=self.finish_workflow, args=(call.gid,))
            self.workflows.append(thread)
            thread.start()
        return answer

    def finish_workflow(self, gid):
        """What the client of a workflow does where it is called back: asks how far it had come, and goes on from there."""
        client = Client(self.second, self.participant.url)
        found = client.post("prepareWorkflow", {"gid": gid, "trans_type": "workflow"})
        if found["transaction"]["status"] != "prepared":
            return
        results = [(each["branch_id"], each["op"], each["status"]) for each in found["progresses"]]
        assert results == [("01", "action", "succeed")], "the progress of %s: %s" % (gid, found)
        client.post("submit", {"gid": gid, "trans_type": "workflow", "req_extra": {"status": "succeed"}})

    def is_left(self, case):
        counts = {}
        for call in self.participant.calls_of(case.gid):
            counts[call.row] = counts.get(call.row, 0) + 1
        return all(counts.get(row, 0) >= count for row, count in case.left.items())

    def run(self, end_first):
        from rows import wait_until
        self.first.start()
        client = Client(self.first, self.participant.url)
        for case in self.cases:
            case.begin(client, case.gid, options_of(case, self.first.name))
        for case in self.cases:
            wait_until("%s had left '%s'" % (self.first.name, case.name), lambda case=case: self.is_left(case), DEADLINE_S)
        end_first(self.first)

        written = {case.gid: self.tables.branches(case.gid) for case in self.cases}
        before = {case.gid: len(self.participant.calls_of(case.gid)) for case in self.cases}
        self.in_trouble = False
        for case in self.cases:
            if case.aged:
                self.tables.query("update trans_global set create_time = create_time - interval 2 hour, next_cron_time = "
                                  "create_time where gid = %s", case.gid)
        self.second.start()
        client = Client(self.second, self.participant.url)
        for case in self.cases:
            if case.go_on:
                case.go_on(client, case.gid, options_of(case, self.first.name))
            elif case.is_held and self.first.name == "dtm":
                # Nobody can tell that it was in flight: it would wait for its retry.
                client.post("resetNextCronTime", {"gid": case.gid})
        try:
            wait_until("all was finished", lambda: not self.tables.unfinished(), DEADLINE_S, 0.1)
        except AssertionError as failure:
            raise AssertionError("%s: %s" % (failure, self.tables.unfinished())) from None
        for thread in self.workflows:
            thread.join()
        self.second.stop()
        wrong = [fault for case in self.cases for fault in self.faults_of(case, written[case.gid], before[case.gid])]
        wrong += ["called twice at once: %s %s" % (call.gid, call) for call in self.participant.twice_at_once]
        assert not wrong, "\n".join(wrong)

    def faults_of(self, case, written, before):
        calls = self.participant.calls_of(case.gid)
        status = self.tables.status(case.gid)
        told = "%s: calls %s, then %s; rows at the handover %s" % (case.name, calls[:before], calls[before:], written)
        if status != case.ends:
            yield "ended as %s: %s" % (status, told)
        again = [call for call in calls[before:] if written.get(call.row) in ("succeed", "failed")]
        if again:
            yield "was done and is called again: %s: %s" % (again, told)
        called = {call.row for call in calls}
        for fault in self.faults_of_kind(case, calls, called):
            yield "%s: %s" % (fault, told)

    def faults_of_kind(self, case, calls, called):
        branches = ["%02d" % number for number in range(1, case.steps + 1)]
        if case.name.startswith(("saga", "orders")):
            yield from self.faults_of_saga(case, calls, called, branches)
        elif case.name.startswith("msg"):
            done = [self.participant.is_done(case.gid, branch) for branch in branches]
            if done != [case.ends == SUCCEED] * len(branches):
                yield "not all or nothing"
        elif case.name.startswith(("tcc", "xa")):
            good, bad = ("confirm", "cancel") if case.name.startswith("tcc") else ("commit", "rollback")
            wanted, unwanted = (good, bad) if case.ends == SUCCEED else (bad, good)
            registered = {branch for branch, _ in self.tables.branches(case.gid)}
            if {branch for branch, op in called if op == wanted} != registered or any(op == unwanted for _, op in called):
                yield "not every %s, or a %s" % (wanted, unwanted)

    def faults_of_saga(self, case, calls, called, branches):
        done = [self.participant.is_done(case.gid, branch) for branch in branches]
        if done != [case.ends == SUCCEED] * len(branches):
            yield "not all or nothing"
        undone = [call.branch_id for call in calls if call.op == "compensate" and call.status == 200]
        if case.ends == SUCCEED and any(op == "compensate" for _, op in called):
            yield "it succeeds and is compensated"
        for branch in branches:
            ran = any(call.row == (branch, "action") for call in calls)
            if case.ends == FAILED and ran and branch not in undone:
                yield "branch %s ran and is not compensated" % branch
        if not case.sequential:
            return
        if undone != sorted(undone, reverse=True):
            yield "not compensated backwards"
        # The step that was next may have been under way when its server was killed.
        not_called = [branch for branch in branches if (branch, "action") not in called]
        if any(branch in undone for branch in not_called[1:]):
            yield "a step that never ran is compensated"
        refused = next((call.branch_id for call in calls if call.status == REFUSED), None)
        if refused and any(branch in undone for branch in not_called):
            yield "a step behind the refused one is compensated"


def run_handovers(options, folder, started):
    from rows import Tables
    dtm = servers.build_dtm(options)
    database = servers.start_database(folder, started, flush="0")
    handovers = [("dtm", "kill", "settled"), ("settled", "kill", "dtm"), ("settled", "stop", "dtm"),
                 ("settled", "kill", "settled")]
    for number, (first, how, second) in enumerate(handovers):
        name = "%s, %s, %s" % (first, how, second)
        if options.only not in name:
            continue
        database.execute("drop database if exists dtm;")
        if "dtm" in (first, second):
            database.execute(servers.dtm_tables(options))
        place = os.path.join(folder, str(number))

        def make(kind, label, place=place):
            settings = {"RETRY_INTERVAL": "10"}
            if kind == "dtm":
                return servers.dtm_on(dtm, place, label, database.port, settings)
            return servers.settled_on(options, place, label, database.port, settings)
        former, latter = make(first, first), make(second, second if second != first else "second")
        started.callback(former.clean_up)
        started.callback(latter.clean_up)
        handover = Handover(Tables(database.port), former, latter)
        try:
            handover.run(lambda server, how=how: getattr(server, how)())
        except BaseException:
            servers.print_logs(former, latter, database)
            raise
        finally:
            handover.participant.stop()
        print("ok   %s: %d transactions, %d calls" % (name, len(handover.cases), handover.participant.count()), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    servers.add_options(parser)
    parser.add_argument("--only", default="", metavar="TEXT", help="only the handovers with this text, as `dtm, kill`")
    options = parser.parse_args()
    servers.prepare(options, needs_dtm=True)
    with tempfile.TemporaryDirectory(prefix="settle-handover-") as folder, contextlib.ExitStack() as started:
        run_handovers(options, folder, started)


if __name__ == "__main__":
    main()
