#!/usr/bin/env python3
"""Three settled on one MariaDB, under load: servers are killed, paused for longer than their leases, and started again; so
is the database.

    servers_test.py --settled build/release/bin/settled [--rounds 1] [--seed N]

Nothing that was acknowledged is lost; everything ends, all or nothing; what one server has acknowledged the others show.
At each call of a branch the row says that the caller holds the transaction, by a lease that has not passed; and no branch
is called twice at once.

Where there is no MariaDB or no Python with pymysql, the test is skipped (status 77), except under CI=true: there it fails.
"""
import argparse
import asyncio
import contextlib
import os
import random
import signal
import tempfile
import time

import servers
from load import Load
from participant import Participant

SERVERS = 3
CLIENTS = 12
LEASE_S = 15
DEADLINE_S = 180
# A paused server is away for longer than it holds anything.
ROUND = ["kill", "kill", "kill database", "pause", "kill", "stop database", "kill while one is paused"]


class ServersTest:
    def __init__(self, options, folder, started):
        from leases import LeaseWatch
        from rows import Tables
        self.options = options
        self.moments = random.Random(options.seed)
        self.database = servers.start_database(folder, started)
        self.tables = Tables(self.database.port)
        self.servers = [servers.settled_on(options, folder, "settled-%d" % number, self.database.port,
                                           {"TIME_ZONE_OFFSET": "0"}) for number in range(1, SERVERS + 1)]
        for server in self.servers:
            server.up, server.may_hang = False, False
            started.callback(server.clean_up)
        self.load = Load(options.seed + 1, None, self.servers)
        self.watch = LeaseWatch(self.tables, self.servers)
        self.participant = Participant(self.load.decide, self.watch.inspect, self.watch.identify)
        started.callback(self.participant.stop)
        self.load.url = self.participant.url
        self.troubles = 0

    async def start(self, server):
        await asyncio.to_thread(server.start)
        server.up = True

    async def wait_for_acknowledged(self, more):
        wanted, end = self.load.acknowledged + more, time.monotonic() + DEADLINE_S
        while self.load.acknowledged < wanted and not self.load.violations and not self.watch.violations:
            assert time.monotonic() < end, "only %d more were acknowledged in %d s" % (
                more - wanted + self.load.acknowledged, DEADLINE_S)
            await asyncio.sleep(0.02)

    async def kill(self, server):
        server.up = False
        server.kill()
        await asyncio.sleep(self.moments.uniform(0, 2))
        await self.start(server)

    async def restart_database(self, how):
        await asyncio.to_thread(how)
        await asyncio.sleep(self.moments.uniform(0.2, 3))
        await asyncio.to_thread(self.database.start)

    async def pause(self, server, meanwhile=None):
        """Requests that were sent to it are answered when it goes on."""
        server.may_hang = True
        server.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(0.2)
        server.up = False
        resumed = time.monotonic() + LEASE_S + self.moments.uniform(2, 4)
        if meanwhile:
            await meanwhile
        await asyncio.sleep(max(0, resumed - time.monotonic()))
        server.process.send_signal(signal.SIGCONT)
        server.up = True
        await self.wait_for_acknowledged(50)
        server.may_hang = False

    async def make_trouble(self, what):
        first, second = self.moments.sample(self.servers, 2)
        if what == "kill":
            await self.kill(first)
        elif what == "pause":
            await self.pause(first)
        elif what == "kill while one is paused":
            await self.pause(first, self.kill(second))
        else:
            await self.restart_database(self.database.kill if what == "kill database" else self.database.stop)
        self.troubles += 1

    async def run(self):
        from rows import wait_until
        await asyncio.gather(*(self.start(server) for server in self.servers))
        clients = asyncio.create_task(self.load.run_clients(CLIENTS))
        for what in ROUND * self.options.rounds:
            await self.wait_for_acknowledged(self.moments.randint(50, 300))
            if self.load.violations or self.watch.violations:
                break
            await self.make_trouble(what)
        await self.wait_for_acknowledged(100)
        self.load.running = False
        await clients
        began = time.monotonic()
        try:
            await asyncio.to_thread(wait_until, "all had ended", lambda: not self.tables.unfinished(), DEADLINE_S, 0.2)
        except AssertionError as failure:
            left = self.tables.query("select gid, trans_type, status, owner, next_cron_time, ext_data from trans_global "
                                     "where status not in ('succeed', 'failed') limit 20")
            raise AssertionError("%s: %s" % (failure, left)) from None
        return time.monotonic() - began

    def check(self):
        statuses = self.tables.statuses()
        faults = self.load.faults(statuses, self.participant) + self.watch.violations
        faults += ["called twice at once: %s %s" % (call.gid, call) for call in self.participant.twice_at_once]
        for fault in faults[:20]:
            print("VIOLATION " + fault)
        assert not faults, "%d violations, seed %d" % (len(faults), self.options.seed)
        assert self.watch.checked > self.watch.unchecked, "of most calls nothing could be said"
        claimed = sum(server.metrics()["settle_transactions_claimed_total"] for server in self.servers)
        assert claimed > 0, "no server has taken up what another one left"
        for server in self.servers:
            server.stop()
        return "%s; %d troubles, %d leases checked, %d taken up" % (
            self.load.summary(statuses, self.participant), self.troubles, self.watch.checked, claimed)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    servers.add_options(parser)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    options = parser.parse_args()
    servers.prepare(options, needs_dtm=False)
    print("seed %d" % options.seed, flush=True)
    with tempfile.TemporaryDirectory(prefix="settle-servers-") as folder, contextlib.ExitStack() as started:
        test = ServersTest(options, folder, started)
        try:
            seconds = asyncio.run(test.run())
            print("%s; the rest ended %.1f s later" % (test.check(), seconds))
        except BaseException:
            servers.print_logs(*test.servers, test.database)
            raise


if __name__ == "__main__":
    main()
