#!/usr/bin/env python3
"""Kills settled (kill -9) again and again under load, and checks what the contract promises for that.

    crash_test.py --settled build/release/bin/settled [--kills 21] [--acknowledged 10500] [--seed N]

With --store memory it must fail: that shows that it can.

Nothing that was acknowledged is lost; every saga ends all or nothing at a participant that lives through it all; calls
are repeated only around a kill, and then no more than the run-ahead of design.md allows. The rules are in saga_ledger.py.
"""
import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from http_peer import Answering, Asking  # noqa: E402
from settled import API, Settled  # noqa: E402
from saga_ledger import Ledger, Saga  # noqa: E402

CLIENT_COUNT = 48
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
        saga, step, status = self.ledger.begin_call(query["gid"], query["branch_id"], op, life)

        def answer():
            delivered = connection in self.connections
            connection.answer(status)
            self.ledger.end_call(saga, step, op, life, status, delivered)
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
        self.ledger = Ledger()
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
            self.ledger.sagas[saga.gid] = saga
            request = saga.request(self.participant.port)
            while self.loading:
                await self.up.wait()
                if saga.first_life is None:
                    saga.first_life = self.ledger.life
                try:
                    connection = connection or await Asking.connect(self.server.port)
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
                self.note_answer(saga, status, body.decode())
                break

    def note_answer(self, saga, status, text):
        if status == 200:
            saga.promised = "succeed" if saga.wait_result else "accepted"
        elif status == 409 and saga.sent_again and "current status" in text:
            saga.promised = "accepted"
        elif status == 409 and saga.wait_result and "wait result not return success" in text:
            saga.promised = "accepted"
        elif status == 409 and saga.wait_result:
            saga.promised = "failed"
        else:
            self.ledger.complain(saga, "submit was answered with %d %s" % (status, text))
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
        self.ledger.life += 1

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

    async def check_rows(self, statuses):
        waiting = [saga for saga in self.ledger.sagas.values() if saga.gid in statuses]

        async def ask():
            connection = await Asking.connect(self.server.port)
            while waiting:
                saga = waiting.pop()
                _, body = await connection.ask("GET", API + "query?gid=" + saga.gid)
                self.ledger.check_rows(saga, statuses[saga.gid], json.loads(body)["branches"])
            connection.close()
        await asyncio.gather(*(ask() for _ in range(8)))

    async def run(self):
        await self.participant.open()
        started = time.monotonic()
        await self.load_and_kill()
        loaded = time.monotonic()
        if not self.ledger.violations:
            await self.wait_until_finished()
            finished = time.monotonic()
            statuses = await asyncio.to_thread(self.server.statuses)
            self.ledger.check_end(statuses)
            await self.check_rows(statuses)
            await asyncio.to_thread(self.server.stop)
            ends = list(statuses.values())
            print("%d kills, %d sent, %d acknowledged, %d stored: %d succeeded, %d failed; %d calls, %d of them repeats; "
                  "load %.1f s, the rest finished %.1f s later" % (
                      self.kills, len(self.ledger.sagas), self.acknowledged, len(ends), ends.count("succeed"),
                      ends.count("failed"), self.ledger.call_count, self.ledger.repeat_count, loaded - started,
                      finished - loaded))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--settled", required=True, metavar="PROGRAM")
    parser.add_argument("--store", default="rocksdb", choices=["rocksdb", "memory"])
    parser.add_argument("--kills", type=int, default=21)
    parser.add_argument("--acknowledged", type=int, default=10_500)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
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
