"""A service that takes part in transactions, behind a barrier as services have it (protocol.md §12), with a book of every
call. It runs on a thread of its own, for both ends of it to be asked at any time."""
import asyncio
import collections
import concurrent.futures
import os
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from http_peer import Answering  # noqa: E402

DONE, REFUSED, LATER, BROKEN = 200, 409, 425, 500
NEVER = None  # no answer at all, until the caller gives up

# What undoes what, for the barrier.
UNDOES = {"compensate": "action", "cancel": "try", "rollback": "action"}


class Call:
    """One call of a branch. `ended_at` is None while it has no answer."""

    def __init__(self, query, body):
        self.gid, self.branch_id, self.op = query["gid"], query["branch_id"], query["op"]
        self.body = body
        self.began_at = time.monotonic()
        self.began_wall_at = time.time()
        self.ended_at = None
        self.status = NEVER

    @property
    def row(self):
        return self.branch_id, self.op

    def __repr__(self):
        return "%s-%s:%s" % (self.branch_id, self.op, self.status)


class Participant:
    """`decide(call)` tells what to answer: a status, NEVER, or (status, seconds to wait before it). It is asked on the
    participant's thread and must not block. `inspect(call)` is asked on another one before there is an answer, and may;
    `identify(port, to_port)` tells whose a connection is, by its ports, and becomes the call's `caller`."""

    def __init__(self, decide, inspect=None, identify=None):
        self.decide, self.inspect, self.identify = decide, inspect, identify
        self.refusal = b"refused"  # what it says where it answers REFUSED
        self.pool = concurrent.futures.ThreadPoolExecutor(8)
        self.lock = threading.Lock()
        self.calls = []
        self.of_gid = collections.defaultdict(list)
        self.effects = {}  # (gid, branch): "done" or "undone"
        self.twice_at_once = []  # calls that began while the same branch's last one had no answer yet
        self.open_calls = {}  # (gid, branch, op): how many
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        self.ready.wait()

    def serve(self):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(self.loop.create_server(
            lambda: Answering(self.handle, self.opened, self.closed), "127.0.0.1", 0, backlog=1024))
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        self.loop.run_forever()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port

    def handle(self, connection, _method, target, body):
        query = dict(urllib.parse.parse_qsl(target.partition("?")[2], keep_blank_values=True))
        if "gid" not in query:
            connection.answer(BROKEN, b"no call of a branch")
            return
        call = Call(query, body)
        call.caller = connection.caller
        self.begin(connection, call)
        if self.inspect:
            inspected = self.loop.run_in_executor(self.pool, self.inspect, call)
            inspected.add_done_callback(lambda future: self.conclude(connection, call, future))
        else:
            self.conclude(connection, call)

    def conclude(self, connection, call, inspected=None):
        if inspected:
            inspected.result()
        answer = self.decide(call)
        status, delay_s = answer if isinstance(answer, tuple) else (answer, 0)
        if status is NEVER:
            return
        if delay_s:
            self.loop.call_later(delay_s, self.answer, connection, call, status)
        else:
            self.answer(connection, call, status)

    def begin(self, connection, call):
        key = (call.gid, *call.row)
        with self.lock:
            self.calls.append(call)
            self.of_gid[call.gid].append(call)
            if self.open_calls.get(key, 0) > 0:
                self.twice_at_once.append(call)
            self.open_calls[key] = self.open_calls.get(key, 0) + 1
        connection.open_call = call

    def answer(self, connection, call, status):
        with self.lock:
            if status == DONE:
                self.apply(call)
            self.end(call, status)
        connection.open_call = None
        connection.answer(status, self.refusal if status == REFUSED else b"")

    def apply(self, call):
        """Behind a barrier: an undoing that comes first is empty, and what comes after it is too late."""
        branch = call.gid, call.branch_id
        if call.op in UNDOES:
            self.effects[branch] = "undone"
        elif self.effects.get(branch) != "undone":
            self.effects[branch] = "done"

    def end(self, call, status):
        if call.ended_at is None:
            call.ended_at, call.status = time.monotonic(), status
            self.open_calls[(call.gid, *call.row)] -= 1

    def opened(self, connection):
        connection.open_call = None
        connection.caller = None
        if self.identify:
            connection.caller = self.identify(connection.transport.get_extra_info("peername")[1], self.port)

    def closed(self, connection):
        """The caller has given up, or is gone: whatever it waits for, it will not be this answer."""
        call = connection.open_call
        if call is not None:
            with self.lock:
                self.end(call, NEVER)

    def calls_of(self, gid):
        with self.lock:
            return list(self.of_gid[gid])

    def is_done(self, gid, branch_id):
        with self.lock:
            return self.effects.get((gid, branch_id)) == "done"

    def count(self):
        with self.lock:
            return len(self.calls)

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.pool.shutdown()
