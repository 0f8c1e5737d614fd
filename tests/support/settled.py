"""Starting, killing and asking a real settled, for tests in Python."""
import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import time
import urllib.parse

START_DEADLINE_S = 60
STOP_DEADLINE_S = 60
API = "/api/dtmsvr/"


def free_port():
    """A port at which nobody listens now. It is none of those that the system gives to connections on their way out
    (Linux: from 32768 on), so no other test's client can take it before the server does, or while it is restarted."""
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            port = random.SystemRandom().randrange(10000, 32000)
            probe.bind(("127.0.0.1", port))
            return port


class Settled:
    """One server on one folder and its ports, started and killed as often as wanted."""

    def __init__(self, program, folder, store="rocksdb", environment=(), arguments=()):
        self.command = [os.path.abspath(program), *arguments]
        self.port = free_port()
        self.log_path = os.path.join(folder, "settled.log")
        self.folder = folder
        self.environment = {**os.environ, "STORE_DRIVER": store, "STORE_PATH": os.path.join(folder, "store"),
                            "HTTP_PORT": str(self.port), "GRPC_PORT": str(free_port()), **dict(environment)}
        self.grpc_port = int(self.environment["GRPC_PORT"])
        self.process = None

    def launch(self):
        """Starts the process without waiting for it."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, cwd=self.folder, env=self.environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def is_ready(self):
        """Whether it answers, on both ports. A process that ended by itself is an error."""
        if self.process.poll() is not None:
            raise AssertionError("settled ended by itself with status %d" % self.process.returncode)
        try:
            socket.create_connection(("127.0.0.1", self.grpc_port), timeout=5).close()
            return self.get("/api/ping")[0] == 200
        except OSError:
            return False

    def start(self):
        self.launch()
        end = time.monotonic() + START_DEADLINE_S
        while not self.is_ready():
            assert time.monotonic() < end, "settled does not answer"
            time.sleep(0.01)

    def kill(self):
        """kill -9. A process that had ended before is an error."""
        if self.process.poll() is not None:
            raise AssertionError("settled ended by itself with status %d" % self.process.returncode)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ends it as an operator does; it must end by itself and be content (sanitizers report by their status)."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("settled did not stop within %d s" % STOP_DEADLINE_S) from None
        assert status == 0, "settled stopped with status %d" % status

    def clean_up(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def log_tail(self, bytes_max=8000):
        try:
            with open(self.log_path, "rb") as log:
                log.seek(0, os.SEEK_END)
                log.seek(max(0, log.tell() - bytes_max))
                return log.read().decode(errors="replace")
        except OSError:
            return ""

    def request(self, method, target, message=None, timeout=60, raw=None):
        """(HTTP status, the body read as JSON where it is). `raw` is sent as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            body = raw if message is None else json.dumps(message)
            connection.request(method, target, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(data)
        except ValueError:
            return answer.status, data

    def get(self, target, **query):
        return self.request("GET", target + ("?" + urllib.parse.urlencode(query) if query else ""))

    def any_in(self, status):
        """Whether any transaction is in this status."""
        code, answer = self.get(API + "all", status=status, limit=1)
        assert code == 200, "all: %d %s" % (code, answer)
        return bool(answer["transactions"])

    def all_finished(self):
        return not self.any_in("submitted") and not self.any_in("aborting")

    def statuses(self):
        """{gid: status} of everything in the store."""
        found, position = {}, ""
        while True:
            code, answer = self.get(API + "all", limit=1000, position=position)
            assert code == 200, "all: %d %s" % (code, answer)
            for transaction in answer["transactions"] or []:
                assert transaction["gid"] not in found, "%s is listed twice" % transaction["gid"]
                found[transaction["gid"]] = transaction["status"]
            position = answer["next_position"]
            if not position:
                return found
