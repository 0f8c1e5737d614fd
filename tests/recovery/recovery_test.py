#!/usr/bin/env python3
"""An outage, a kill -9, and after both: everything that was stuck finishes, and nothing is done by halves.

    recovery_test.py --settled build/release/bin/settled [--transactions 2000]

Most of the sagas are stuck because the participant answers with errors, so they are parked until their next retry; some
because it does not answer at all, so their calls are in flight when the server is killed. Prints how fast they finish.
"""
import argparse
import asyncio
import json
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from http_peer import Answering, Asking  # noqa: E402
from settled import API, Settled  # noqa: E402

DEADLINE_S = 240
CLIENT_COUNT = 32
SILENT_COUNT_MAX = 400  # well below the bound of calls at once to one address, or the others would wait behind these


class RecoveryTest:
    def __init__(self, options, folder):
        self.count = options.transactions
        self.server = Settled(options.settled, folder)
        self.healthy = False
        self.called = set()  # gids whose first branch was called during the outage
        self.done = {}  # gid -> branches done after it, in order
        self.all_called = asyncio.Event()

    def handle(self, connection, method, target, body):
        query = dict(part.split("=") for part in target.partition("?")[2].split("&"))
        gid = query["gid"]
        if self.healthy:
            self.done.setdefault(gid, []).append(query["branch_id"] + query["op"])
            connection.answer(200)
            return
        self.called.add(gid)
        if len(self.called) == self.count:
            self.all_called.set()
        if gid.startswith("error-"):
            connection.answer(500, b"out of order")

    async def submit(self, gids):
        connection = await Asking.connect(self.server.port)
        while gids:
            step = {"action": self.url + "/do", "compensate": self.url + "/undo"}
            status, body = await connection.ask("POST", API + "submit", json.dumps({
                "gid": gids.pop(), "trans_type": "saga", "steps": [step, step], "payloads": ["{}", "{}"],
                "retry_interval": 1, "request_timeout": 120}).encode())
            assert status == 200, "submit: %d %s" % (status, body)
        connection.close()

    async def run(self):
        participant = await asyncio.get_running_loop().create_server(
            lambda: Answering(self.handle), "127.0.0.1", 0, backlog=1024)
        self.url = "http://127.0.0.1:%d" % participant.sockets[0].getsockname()[1]
        silent = min(self.count // 2, SILENT_COUNT_MAX)
        gids = ["silent-%d" % i for i in range(silent)] + ["error-%d" % i for i in range(self.count - silent)]

        await asyncio.to_thread(self.server.start)
        unsent = list(gids)
        await asyncio.gather(*(self.submit(unsent) for _ in range(CLIENT_COUNT)))
        await asyncio.wait_for(self.all_called.wait(), DEADLINE_S)
        self.server.kill()

        self.healthy = True
        started = time.monotonic()
        await asyncio.to_thread(self.server.start)
        ready = time.monotonic()
        while not await asyncio.to_thread(self.server.all_finished):
            assert time.monotonic() < ready + DEADLINE_S, "not everything is finished after %d s" % DEADLINE_S
            await asyncio.sleep(0.02)
        finished = time.monotonic()

        statuses = await asyncio.to_thread(self.server.statuses)
        assert statuses == dict.fromkeys(gids, "succeed"), "left behind: %s" % {
            gid: statuses.get(gid) for gid in gids if statuses.get(gid) != "succeed"}
        wrong = {gid: done for gid, done in self.done.items() if done != ["01action", "02action"]}
        assert not wrong and len(self.done) == self.count, "not once and in order: %s" % wrong
        await asyncio.to_thread(self.server.stop)
        print("%d stuck sagas: ready %.2f s after the start, all finished %.2f s later (%.0f/s)" % (
            self.count, ready - started, finished - ready, self.count / (finished - ready)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--settled", required=True, metavar="PROGRAM")
    parser.add_argument("--transactions", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="settle-recovery-") as folder:
        test = RecoveryTest(options, folder)
        try:
            asyncio.run(test.run())
        except (AssertionError, OSError, asyncio.TimeoutError) as error:
            print("FAILED: %r; the end of settled's log:\n%s" % (error, test.server.log_tail()))
            sys.exit(1)
        finally:
            test.server.clean_up()


if __name__ == "__main__":
    main()
