"""An etcd of its own for a test: a new, empty server on loopback, gone with the test."""
import base64
import http.client
import json
import os
import shutil
import signal
import subprocess
import time

from settled import free_port

START_DEADLINE_S = 60
STOP_DEADLINE_S = 60


def missing_commands():
    """What this machine lacks to run etcd; nothing: []."""
    return [] if shutil.which("etcd") else ["etcd"]


class Etcd:
    """One server with its files below `folder`; its port is free of any other server's, and stays the same however often
    it is started. Use it with `with`: it runs inside, and has ended behind it however the block ends."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "etcd")
        self.log_path = os.path.join(folder, "etcd.log")
        self.port = free_port()
        self.peer_port = free_port()
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *failure):
        self.kill()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port

    def target(self, key):
        """The url of what is registered under a key, as go-zero writes it."""
        return "etcd://%s/%s" % (self.address, key)

    def start(self):
        """Starts it, with what it held before, and waits until it answers."""
        peer = "http://127.0.0.1:%d" % self.peer_port
        client = "http://" + self.address
        # Nothing here outlives the machine, so nothing is flushed to the disk.
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                ["etcd", "--name=test", "--data-dir=" + self.folder, "--listen-client-urls=" + client,
                 "--advertise-client-urls=" + client, "--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
                 "--initial-cluster=test=" + peer, "--unsafe-no-fsync", "--logger=zap", "--log-level=warn"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + START_DEADLINE_S
        while not self.is_ready():
            assert time.monotonic() < end, "etcd does not answer: " + self.log_tail()
            time.sleep(0.02)

    def is_ready(self):
        """Whether it answers. A process that ended by itself is an error."""
        status = self.process.poll()
        assert status is None, "etcd ended by itself with status %s: %s" % (status, self.log_tail())
        try:
            self.ask("kv/range", {"key": encoded("ready")})
            return True
        except (OSError, http.client.HTTPException, EtcdError):
            return False

    def kill(self):
        """kill -9, where it runs; also where it is paused."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def wipe(self):
        """Kills it and forgets everything that it held."""
        self.kill()
        shutil.rmtree(self.folder)

    def pause(self):
        """It keeps its connections, and neither answers nor refuses."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def ask(self, call, message, timeout=10):
        """The answer of a call of its API, through its own gateway of JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("POST", "/v3/" + call, json.dumps(message), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read().decode(errors="replace")
        finally:
            connection.close()
        if answer.status != 200:
            raise EtcdError("%s: %d %s" % (call, answer.status, body))
        return json.loads(body)

    def registered(self, key):
        """{full key: value} of what is registered under a key."""
        answer = self.ask("kv/range", {"key": encoded(key + "/"), "range_end": encoded(key + "0")})  # "0" is behind "/"
        return {decoded(pair["key"]): decoded(pair["value"]) for pair in answer.get("kvs", [])}

    def register(self, key, value, seconds):
        """Registers an address as go-zero does, and hands back its lease: whoever keeps it alive keeps the address."""
        lease = self.ask("lease/grant", {"TTL": seconds})["ID"]
        self.ask("kv/put", {"key": encoded("%s/%s" % (key, lease)), "value": encoded(value), "lease": lease})
        return lease

    def keep_alive(self, lease):
        """Whether the lease is still there; it then begins anew."""
        return int(self.ask("lease/keepalive", {"ID": lease})["result"].get("TTL", 0)) > 0

    def revoke(self, lease):
        """Ends a lease, and with it what was registered under it."""
        self.ask("kv/lease/revoke", {"ID": lease})

    def log_tail(self, bytes_max=4000):
        try:
            with open(self.log_path, "rb") as log:
                return log.read()[-bytes_max:].decode(errors="replace")
        except OSError:
            return ""


class EtcdError(Exception):
    """etcd answered, and refused."""


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def decoded(text):
    return base64.b64decode(text).decode()
