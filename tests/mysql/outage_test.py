#!/usr/bin/env python3
"""What becomes of settled, under load, when its database goes away or does not write.

    outage_test.py --settled build/debug/bin/settled [--only TEXT] [--seed N]

The database is stopped, killed, paused; its connections are cut; it is read-only; it answers as it does on a full disk;
others hold locks on the rows, and provoke deadlocks. Each request is answered in time, with 503 where it cannot be done; nothing is half done; settled goes on
by itself when the database is well, and its log and its metrics say what was wrong.

Skipped (status 77) as servers_test.py is.
"""
import argparse
import asyncio
import contextlib
import json
import os
import random
import tempfile
import time

import servers
from http_peer import Asking
from load import ANSWER_DEADLINE_S, Load
from participant import Participant
from settled import API

CLIENTS = 6
DEADLINE_S = 60
# From the moment on at which the database is well again.
RECOVERY_DEADLINE_S = 20
LOG_BYTES = 1 << 22


class OutageTest:
    def __init__(self, options, folder, started):
        import pymysql
        from rows import Tables
        self.options = options
        self.errors = pymysql.err.MySQLError
        self.database = servers.start_database(folder, started)
        self.tables = Tables(self.database.port)
        self.server = servers.settled_on(options, folder, "settled", self.database.port)
        self.server.up, self.server.may_hang = True, False
        started.callback(self.server.clean_up)
        self.load = Load(options.seed, None, [self.server])
        self.participant = Participant(self.load.decide)
        started.callback(self.participant.stop)
        self.load.url = self.participant.url
        self.probes = {}  # gid: HTTP status of its submit
        self.told = 0  # bytes of the log that belong to what came before

    async def wait_until(self, what, is_so, deadline_s=DEADLINE_S):
        end = time.monotonic() + deadline_s
        while not (found := await asyncio.to_thread(is_so)):
            assert time.monotonic() < end, "in vain waited %d s until %s" % (deadline_s, what)
            assert self.server.process.poll() is None, "settled ended by itself"
            await asyncio.sleep(0.05)
        return found

    async def ask(self, method, operation, message=None):
        """(status, body), within the deadline of any request."""
        connection = await Asking.connect(self.server.port)
        body = b"" if message is None else json.dumps(message).encode()
        found = await asyncio.wait_for(connection.ask(method, API + operation, body), ANSWER_DEADLINE_S)
        connection.close()
        return found

    async def submit_probe(self):
        """A saga without steps: what became of it is known when it is answered."""
        gid = "probe-%d" % len(self.probes)
        status, body = await self.ask("POST", "submit", {"gid": gid, "trans_type": "saga", "steps": [], "payloads": []})
        self.probes[gid] = status
        return status, body.decode(errors="replace")

    def log_since(self):
        return self.server.log_tail(LOG_BYTES)[self.told:]

    async def go_on(self, more=50):
        """The load gets this many done, and in time: settled has recovered."""
        wanted, end = self.load.acknowledged + more, time.monotonic() + DEADLINE_S
        while self.load.acknowledged < wanted:
            assert time.monotonic() < end, "only %d of %d were acknowledged in %d s" % (
                more - wanted + self.load.acknowledged, more, DEADLINE_S)
            assert not self.load.violations, self.load.violations[0]
            await asyncio.sleep(0.02)

    async def expect_refusals(self):
        """Writes are refused, clearly and in time; and so it is told."""
        status, text = await self.submit_probe()
        while status == 200:  # a write that was under way
            status, text = await self.submit_probe()
        assert status == 503 and json.loads(text)["message"], "a submit without a database: %d %s" % (status, text)
        assert "FAILURE" not in text, text
        await self.wait_until("the metrics told of it",
                              lambda: self.server.metrics()["settle_store_writable"] == 0)
        log = self.log_since()
        assert any(level in log for level in ("level=error", "level=warning")), "the log does not tell: " + log[-2000:]

    async def expect_recovery(self):
        began = time.monotonic()
        await self.wait_until("the metrics told that it is over",
                              lambda: self.server.metrics()["settle_store_writable"] == 1, RECOVERY_DEADLINE_S)
        await self.wait_for_probe(RECOVERY_DEADLINE_S - (time.monotonic() - began))
        await self.go_on()

    async def wait_for_probe(self, deadline_s):
        end = time.monotonic() + deadline_s
        while (found := await self.submit_probe())[0] != 200:
            assert time.monotonic() < end, "submits are refused still: %d %s" % found

    # ---- the outages ----

    async def test_the_database_is_stopped(self):
        await asyncio.to_thread(self.database.stop)
        await self.expect_refusals()
        status, body = await self.ask("GET", "query?gid=probe-0")
        assert status == 503, "a query without a database: %d %s" % (status, body)
        await asyncio.to_thread(self.database.start)
        await self.expect_recovery()

    async def test_the_database_is_killed(self):
        await asyncio.to_thread(self.database.kill)
        await self.expect_refusals()
        await asyncio.to_thread(self.database.start)
        await self.expect_recovery()

    async def test_the_database_comes_back_before_anybody_gives_up(self):
        refused = self.load.refusals
        await asyncio.to_thread(self.database.kill)
        await asyncio.to_thread(self.database.start)
        await self.expect_recovery()
        print("     %d requests refused by a short restart" % (self.load.refusals - refused))

    async def test_the_database_is_paused(self):
        self.database.pause()
        try:
            await self.expect_refusals()
        finally:
            self.database.resume()
        await self.expect_recovery()

    async def test_all_connections_are_cut_again_and_again(self):
        for _ in range(20):
            ids = await asyncio.to_thread(
                self.database.execute, "select id from information_schema.processlist where user = '%s';" % servers.USER)
            kills = "".join("kill %s;" % each for each, in ids)
            # One that has ended meanwhile is an error of no interest.
            await asyncio.to_thread(self.database.client, kills)
            await self.go_on(3)
        await self.expect_recovery()

    async def test_the_database_is_read_only(self):
        self.database.execute("set global read_only = 1;")
        try:
            await self.expect_refusals()
            status, body = await self.ask("GET", "query?gid=probe-0")
            assert status == 200, "a query of a database that is read-only: %d %s" % (status, body)
        finally:
            self.database.execute("set global read_only = 0;")
        await self.expect_recovery()

    async def test_the_disk_is_full(self):
        """As the database answers where a table cannot grow: each statement that writes fails, and reads work."""
        writes = [(table, event) for table in ("trans_global", "trans_branch_op", "kv") for event in ("insert", "update")]
        for table, event in writes:
            self.database.execute(
                "create trigger dtm.full_{0}_{1} before {1} on dtm.{0} for each row signal sqlstate 'HY000'"
                " set mysql_errno = 1114, message_text = 'The table ''{0}'' is full';".format(table, event))
        try:
            await self.expect_refusals()
            status, body = await self.ask("GET", "query?gid=probe-0")
            assert status == 200, "a query on a full disk: %d %s" % (status, body)
            assert "is full" in self.log_since(), "the log does not say why: " + self.log_since()[-2000:]
        finally:
            for table, event in writes:
                self.database.execute("drop trigger dtm.full_%s_%s;" % (table, event))
        await self.expect_recovery()

    async def test_another_one_holds_a_row(self):
        """Whoever needs that row waits, or is refused in time; and gets it in the end."""
        gid = "held"
        status, body = await self.ask("POST", "prepare", {"gid": gid, "trans_type": "tcc", "timeout_to_fail": 600})
        assert status == 200, body
        other = self.tables.connect()
        other.begin()
        with other.cursor() as cursor:
            cursor.execute("select * from trans_global where gid = %s for update", [gid])
        submitted = asyncio.create_task(self.ask("POST", "submit", {"gid": gid, "trans_type": "tcc"}))
        await self.go_on(20)
        status = None
        if submitted.done():
            status, body = submitted.result()
            assert status == 503, "a submit of a row that another one holds: %d %s" % (status, body)
        other.rollback()
        other.close()
        if status is None:
            status, body = await submitted
        while status == 503:
            status, body = await self.ask("POST", "submit", {"gid": gid, "trans_type": "tcc"})
        assert status in (200, 409), "%d %s" % (status, body)
        await self.wait_until("it had ended", lambda: self.tables.status(gid) == "succeed")

    async def test_another_one_provokes_deadlocks(self):
        """It locks the newest rows in any order, until there were some."""
        def deadlocks():
            return int(self.database.execute("show global status like 'Innodb_deadlocks';")[0][1])

        def provoke(moments):
            other = self.tables.connect()
            for _ in range(100):
                gids = [gid for gid, in self.tables.query("select gid from trans_global order by id desc limit 8")]
                moments.shuffle(gids)
                try:
                    with other.cursor() as cursor:
                        other.begin()
                        for gid in gids:
                            cursor.execute("update trans_branch_op set update_time = now() where gid = %s", [gid])
                            cursor.execute("select id from trans_global where gid = %s for update", [gid])
                        other.commit()
                except self.errors:
                    other.rollback()
            other.close()
        before, end = deadlocks(), time.monotonic() + DEADLINE_S
        while deadlocks() < before + 20:
            assert time.monotonic() < end, "only %d deadlocks in %d s" % (deadlocks() - before, DEADLINE_S)
            await asyncio.gather(*(
                asyncio.to_thread(provoke, random.Random(self.options.seed + each)) for each in range(2)))
        await self.expect_recovery()

    async def test_another_one_locks_the_table_for_a_while(self):
        other = self.tables.connect()
        with other.cursor() as cursor:
            cursor.execute("lock tables trans_global write")
            probe = asyncio.create_task(self.submit_probe())
            done, _ = await asyncio.wait([probe], timeout=2)
            assert not done or probe.result()[0] == 503, probe.result()
            cursor.execute("unlock tables")
        other.close()
        await probe
        await self.expect_recovery()

    # ---- all of it ----

    async def run(self):
        await asyncio.to_thread(self.server.start)
        pid = self.server.process.pid
        clients = asyncio.create_task(self.load.run_clients(CLIENTS))
        await self.go_on()
        assert (await self.submit_probe())[0] == 200
        tests = [name for name in vars(OutageTest) if name.startswith("test_") and self.options.only in name]
        assert tests, "no test has %r in its name" % self.options.only
        for name in tests:
            began = time.monotonic()
            self.told = len(self.server.log_tail(LOG_BYTES))
            await getattr(self, name)()
            print("ok   %5.1f s  %s" % (time.monotonic() - began, name), flush=True)
        self.load.running = False
        await clients
        await self.wait_until("all had ended", lambda: not self.tables.unfinished(), 120)
        assert self.server.process.pid == pid and self.server.process.poll() is None
        self.check()
        await asyncio.to_thread(self.server.stop)

    def check(self):
        statuses = self.tables.statuses()
        for gid, status in self.probes.items():
            found = statuses.pop(gid, None)
            is_right = found == "succeed" or found is None and status != 200
            assert is_right, "%s was answered %d and is %s" % (gid, status, found)
        statuses.pop("held", None)
        faults = self.load.faults(statuses, self.participant)
        faults += ["called twice at once: %s %s" % (call.gid, call) for call in self.participant.twice_at_once]
        for fault in faults[:20]:
            print("VIOLATION " + fault)
        assert not faults, "%d violations, seed %d" % (len(faults), self.options.seed)
        print("%s, %d requests refused" % (self.load.summary(statuses, self.participant), self.load.refusals))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    servers.add_options(parser)
    parser.add_argument("--only", default="", metavar="TEXT")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    options = parser.parse_args()
    servers.prepare(options, needs_dtm=False)
    print("seed %d" % options.seed, flush=True)
    with tempfile.TemporaryDirectory(prefix="settle-outage-") as folder, contextlib.ExitStack() as started:
        test = OutageTest(options, folder, started)
        try:
            asyncio.run(test.run())
        except BaseException:
            servers.print_logs(test.server, test.database)
            raise


if __name__ == "__main__":
    main()
