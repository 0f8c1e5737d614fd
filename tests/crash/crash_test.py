#!/usr/bin/env python3
"""Kills settled (kill -9) again and again under load, and checks what the contract promises for that.

    crash_test.py --settled build/release/bin/settled --settle-sim build/release/bin/settle-sim
                  [--kills 21] [--acknowledged 10500] [--seed N] [--keep-ledger FILE]

With --store memory it must fail: that shows that it can.

What clients and a participant that lives through it all have seen is noted in a ledger, which settle-sim holds against
the rules of the simulator: nothing that was acknowledged is lost, every saga ends all or nothing, and so on. Beside
these, calls are repeated only around a kill, and then no more than the run-ahead of design.md allows: that is looked at
in saga_ledger.py.
"""
import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from http_peer import Answering, Asking  # noqa: E402
from settled import API, Settled  # noqa: E402
from saga_ledger import Ledger, Saga  # noqa: E402

CLIENT_COUNT = 48
LOOKED_AT = 0.1  # of the sagas that were answered
PROGRESS_DEADLINE_S = 120  # without a single acknowledgement, or until the last saga is finished


class Participant:
    """The ledger behind an HTTP port. A connection belongs to the life of the server in which it was opened."""

    def __init__(self, ledger):
        self.ledger = ledger
        self.connections = {}  # connection -> life
        self.changed = asyncio.Condition()

    async def open(self):
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Answering(self.handle, self.opened, self.closed), "127.0.0.1", 0,
                                          backlog=1024)
        self.port = server.sockets[0].getsockname()[1]

    def opened(self, connection):
        self.connections[connection] = self.ledger.life

    def closed(self, connection):
        del self.connections[connection]

    def handle(self, connection, method, target, body):
        if target == "/marker":
            connection.answer(200)
            return
        life = self.connections[connection]
        query = dict(part.split("=") for part in target.partition("?")[2].split("&"))
        op = query["op"]
        saga, step, number, status = self.ledger.begin_call(query["gid"], query["branch_id"], op, life)

        def answer():
            delivered = connection in self.connections
            connection.answer(status)
            self.ledger.end_call(saga, step, op, number, life, status, delivered)
        if saga.delay_s:
            asyncio.get_running_loop().call_later(saga.delay_s, answer)
        else:
            answer()

    async def forget_the_dead(self):
        """To be called when the server is dead: returns when everything that it had sent was handled."""
        # Connections are accepted in the order in which they were made: when ours is answered, theirs are known.
        marker = await Asking.connect(self.port)
        await marker.ask("GET", "/marker")
        marker.close()
        while self.connections:
            await asyncio.sleep(0.001)


class CrashTest:
    def __init__(self, options, folder):
        self.options = options
        self.moments = random.Random(options.seed)
        self.plans = random.Random(options.seed + 1)
        self.looks = random.Random(options.seed + 2)
        self.ledger_path = options.keep_ledger or os.path.join(folder, "ledger")
        self.ledger = Ledger(self.ledger_path)
        self.participant = Participant(self.ledger)
        self.server = Settled(options.settled, folder, options.store)
        self.up = asyncio.Event()
        self.acknowledged = 0
        self.kills = 0
        self.loading = True

    async def client(self):
        """Sends sagas, one after another."""
        connection = None
        while self.loading:
            saga = Saga("crash-%d" % len(self.ledger.sagas), self.plans)
            self.ledger.add(saga)
            request = saga.request(self.participant.port)
            while self.loading:
                await self.up.wait()
                life = self.ledger.life
                try:
                    connection = connection or await Asking.connect(self.server.port)
                    if connection.lost or life != self.ledger.life:  # nothing was asked yet
                        connection = None
                        continue
                    number = self.ledger.note_asked(saga, "submit")
                    status, body = await connection.ask("POST", API + "submit", request)
                except OSError:
                    # Whether it was stored is unknown: half of them ask again, the others leave it at that.
                    connection = None
                    if self.plans.random() < 0.5:
                        break
                    saga.sent_again = True
                    # The loss is seen before the killer has put the flag down; another attempt would only be refused.
                    await asyncio.sleep(0.01)
                    continue
                self.note_answer(saga, number, status, body)
                if self.looks.random() < LOOKED_AT:
                    await self.look(connection, saga)
                break

    async def look(self, connection, saga):
        """Asks how far it is."""
        if connection.lost:
            return
        number = self.ledger.note_asked(saga, "query")
        try:
            status, body = await connection.ask("GET", API + "query?gid=" + saga.gid)
        except OSError:
            return
        assert status == 200, "query was answered with %d %s" % (status, body)
        found = json.loads(body)["transaction"]
        self.ledger.note("told", number=number, ok=True, status=found["status"] if found else "absent")

    def note_answer(self, saga, number, status, body):
        if status == 200:
            self.ledger.note("told", number=number, ok=True)
        elif status == 409:
            text = json.loads(body)["message"]
            self.ledger.note("told", number=number, ok=False, code="failure", text=text)
            if not saga.wait_result and not (saga.sent_again and "current status" in text):
                self.ledger.complain(saga, "submit was refused with %s" % text)
        else:
            self.ledger.complain(saga, "submit was answered with %d %s" % (status, body.decode()))
            return
        self.acknowledged += 1

    async def wait_for_acknowledged(self, count):
        last, end = self.acknowledged, time.monotonic() + PROGRESS_DEADLINE_S
        while self.acknowledged < count and not self.ledger.violations:
            assert self.server.process.poll() is None, "settled ended by itself"
            if self.acknowledged > last:
                last, end = self.acknowledged, time.monotonic() + PROGRESS_DEADLINE_S
            assert time.monotonic() < end, "no submit was answered for %d s" % PROGRESS_DEADLINE_S
            await asyncio.sleep(0.005)

    async def kill(self):
        self.up.clear()
        self.server.kill()
        self.kills += 1
        await self.participant.forget_the_dead()
        self.ledger.next_life()

    async def load_and_kill(self):
        await asyncio.to_thread(self.server.start)
        clients = [asyncio.create_task(self.client()) for _ in range(CLIENT_COUNT)]
        self.up.set()
        per_life = self.options.acknowledged / self.options.kills
        while self.kills < self.options.kills and not self.ledger.violations:
            await self.wait_for_acknowledged(self.acknowledged + self.moments.uniform(0, 2 * per_life))
            await asyncio.sleep(self.moments.uniform(0, 0.03))
            await self.kill()
            if self.moments.random() < 0.25:  # one that has hardly begun to take up what it finds
                self.server.launch()
                await asyncio.sleep(self.moments.uniform(0, 0.4))
                await self.kill()
            await asyncio.to_thread(self.server.start)
            self.up.set()
        await self.wait_for_acknowledged(self.options.acknowledged)
        self.loading = False
        await asyncio.gather(*clients)

    async def wait_until_finished(self):
        end = time.monotonic() + PROGRESS_DEADLINE_S
        while not await asyncio.to_thread(self.server.all_finished):
            assert time.monotonic() < end, "not everything is finished after %d s" % PROGRESS_DEADLINE_S
            await asyncio.sleep(0.05)

    async def rows(self, gids):
        """{gid: its rows}"""
        waiting, found = list(gids), {}

        async def ask():
            connection = await Asking.connect(self.server.port)
            while waiting:
                gid = waiting.pop()
                _, body = await connection.ask("GET", API + "query?gid=" + gid)
                found[gid] = json.loads(body)["branches"]
            connection.close()
        await asyncio.gather(*(ask() for _ in range(8)))
        return found

    def check_ledger(self):
        """Holds it against the rules of the simulator, and tells what they say."""
        self.ledger.close()
        checked = subprocess.run([self.options.settle_sim, "--check-ledger", self.ledger_path], capture_output=True,
                                 text=True, check=False)
        print(checked.stdout + checked.stderr, end="")
        if checked.returncode != 0:
            self.ledger.violations.append("settle-sim --check-ledger ended with status %d" % checked.returncode)

    async def run(self):
        await self.participant.open()
        started = time.monotonic()
        await self.load_and_kill()
        loaded = time.monotonic()
        await self.wait_until_finished()
        finished = time.monotonic()
        statuses = await asyncio.to_thread(self.server.statuses)
        self.ledger.note_end(statuses, await self.rows(statuses))
        await asyncio.to_thread(self.server.stop)
        ends = list(statuses.values())
        print("%d kills, %d sent, %d acknowledged, %d stored: %d succeeded, %d failed; %d calls, %d of them repeats; "
              "load %.1f s, the rest finished %.1f s later" % (
                  self.kills, len(self.ledger.sagas), self.acknowledged, len(ends), ends.count("succeed"),
                  ends.count("failed"), self.ledger.call_count, self.ledger.repeat_count, loaded - started,
                  finished - loaded))
        self.check_ledger()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--settled", required=True, metavar="PROGRAM")
    parser.add_argument("--settle-sim", required=True, metavar="PROGRAM")
    parser.add_argument("--store", default="rocksdb", choices=["rocksdb", "memory"])
    parser.add_argument("--kills", type=int, default=21)
    parser.add_argument("--acknowledged", type=int, default=10_500)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--keep-ledger", metavar="FILE")
    options = parser.parse_args()
    print("seed %d" % options.seed, flush=True)
    with tempfile.TemporaryDirectory(prefix="settle-crash-") as folder:
        test = CrashTest(options, folder)
        try:
            asyncio.run(test.run())
        except (AssertionError, OSError) as error:
            test.ledger.violations.append(str(error) or repr(error))
        finally:
            test.server.clean_up()
        for violation in test.ledger.violations[:20]:
            print("VIOLATION " + violation)
        if test.ledger.violations:
            print("%d violations, seed %d; the end of settled's log:\n%s" % (
                len(test.ledger.violations), options.seed, test.server.log_tail()))
            sys.exit(1)


if __name__ == "__main__":
    main()
