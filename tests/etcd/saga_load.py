"""A steady load of sagas over gRPC: each worker submits one, sees it end well, and submits the next."""
import itertools
import threading
import time

import grpc

from settled import API

END_DEADLINE_S = 90


class SagaLoad:
    """Runs from the beginning of a `with` to its end, which fails where a worker has failed."""

    def __init__(self, server, client, actions, workers=3):
        self.server, self.client, self.actions = server, client, actions
        self.numbers = itertools.count()
        self.lock = threading.Condition()
        self.succeeded = 0
        self.delayed = []  # what they said whose first pass did not succeed
        self.failure = None
        self.ending = False
        self.workers = [threading.Thread(target=self.work) for _ in range(workers)]

    def __enter__(self):
        for worker in self.workers:
            worker.start()
        return self

    def __exit__(self, kind, *_):
        with self.lock:
            self.ending = True
        for worker in self.workers:
            worker.join()
        if kind is None:
            self.check()

    def work(self):
        try:
            while not self.ending:
                self.run_one("load-%d" % next(self.numbers))
        except Exception as failure:  # told by check(), in the test's own thread
            with self.lock:
                self.failure = failure
                self.lock.notify_all()

    def run_one(self, gid):
        said = None
        try:
            self.client.submit_saga(gid, self.actions, wait_result=True)
        except grpc.RpcError as refusal:
            said = "%s: %s" % (refusal.code().name, refusal.details())
            self.wait_until_succeeded(gid)
        with self.lock:
            self.succeeded += 1
            if said:
                self.delayed.append(said)
            self.lock.notify_all()

    def wait_until_succeeded(self, gid):
        end = time.monotonic() + END_DEADLINE_S
        while True:
            code, answer = self.server.get(API + "query", gid=gid)
            assert code == 200 and answer["transaction"], "query of %s: %d %s" % (gid, code, answer)
            if answer["transaction"]["status"] == "succeed":
                return
            assert answer["transaction"]["status"] == "submitted" and time.monotonic() < end, "%s" % answer
            time.sleep(0.02)

    def go_on(self, count):
        """Waits until so many more have succeeded that were begun after this call."""
        with self.lock:
            wanted = self.succeeded + len(self.workers) + count
            done = self.lock.wait_for(lambda: self.failure or self.succeeded >= wanted, END_DEADLINE_S)
        self.check()
        assert done, "%d sagas succeeded, %d were waited for; delayed: %s" % (self.succeeded, wanted, self.delayed[-3:])

    def check(self):
        if self.failure:
            raise AssertionError("a saga of the load failed") from self.failure
