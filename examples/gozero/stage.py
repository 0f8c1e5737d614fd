"""Everything that the example runs: MariaDB, etcd, the coordinator and the three services, on free ports of loopback."""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import etcd  # noqa: E402
import mariadb  # noqa: E402
from processes import run_whole  # noqa: E402
from settled import free_port  # noqa: E402

DEADLINE_S = 90  # for anything that is waited for
SERVICES = ["order", "stock", "api"]
API = "/api/dtmsvr/"

CONFIGURATION = """\
# How the coordinator is found, and how it finds the services: through etcd, as go-zero's services do.
MicroService:
  Driver: dtm-driver-gozero
  Target: etcd://{etcd}/dtmservice
  EndPoint: 127.0.0.1:{grpc}

HttpAddress: 127.0.0.1
GrpcAddress: 127.0.0.1
HttpPort: {http}
GrpcPort: {grpc}
Store:
  Driver: boltdb
  Path: store
"""


def find_go():
    """The Go that scripts/setup.sh found, else the one on the PATH; None where there is neither."""
    prepared = os.path.join(ROOT, "build", "interop", "bin", "go")
    return prepared if os.path.exists(prepared) else shutil.which("go")


def missing_commands():
    """What this machine lacks to run the example; nothing: []."""
    return etcd.missing_commands() + mariadb.missing_commands() + ([] if find_go() else ["go"])


def build(work):
    """Builds the services into a folder, which Go makes quick where they are there."""
    os.makedirs(work, exist_ok=True)
    # no_k8s leaves out go-zero's client of Kubernetes, half of all that would be compiled.
    built = run_whole([find_go(), "build", "-mod=readonly", "-buildvcs=false", "-tags=no_k8s",
                       "-o", os.path.abspath(work) + os.sep, *["./" + service for service in SERVICES]],
                      cwd=HERE, env=dict(os.environ, GOTOOLCHAIN="local"))
    assert built.returncode == 0, "go build: " + built.stdout


def wait_until(what, condition):
    """The condition's first true value. It ends with an error where that takes too long."""
    end = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        assert time.monotonic() < end, "waited %d s in vain until %s" % (DEADLINE_S, what)
        time.sleep(0.02)
    return found


def is_open(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def request(port, method, target, message=None):
    """(HTTP status, the body, read as JSON where it is). `message` is sent as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        connection.request(method, target, None if message is None else json.dumps(message),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
    finally:
        connection.close()
    try:
        return answer.status, json.loads(body)
    except ValueError:
        return answer.status, body


class Process:
    """One program, started and ended as often as wanted. `is_ready` tells when it has come up."""

    def __init__(self, name, command, folder, environment, is_ready):
        self.name, self.command, self.folder, self.environment, self.is_ready = name, command, folder, environment, is_ready
        self.log_path = os.path.join(folder, name + ".log")
        self.process = None

    def start(self):
        # A session of its own: Ctrl-C is for run.py, which then ends what it started in order.
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)
        wait_until(self.name + " is up", self.has_come_up)

    def has_come_up(self):
        status = self.process.poll()
        assert status is None, "%s ended by itself with status %s:\n%s" % (self.name, status, self.log_tail())
        return self.is_ready()

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def terminate(self):
        """Asks it to end; wait() waits for that."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self):
        """Its exit status. One that does not end in time is killed, which is an error."""
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("%s did not end within %d s" % (self.name, DEADLINE_S)) from None

    def stop(self):
        self.terminate()
        return self.wait()

    def log_tail(self, bytes_max=4000):
        try:
            with open(self.log_path, "rb") as log:
                return log.read()[-bytes_max:].decode(errors="replace")
        except OSError:
            return ""


class Stage:
    """Use it with `with`: everything runs inside, and has ended behind it however the block ends."""

    def __init__(self, server, work, folder):
        self.folder = folder
        self.database = mariadb.MariaDB(folder)
        self.etcd = etcd.Etcd(folder)
        self.ports = {name: free_port() for name in ("coordinator", "coordinator_grpc", "order_rpc", "order_http",
                                                     "stock_rpc", "stock_http", "api")}
        environment = dict(os.environ, ETCD=self.etcd.address, DATABASE_PORT=str(self.database.port),
                           **{name.upper() + "_PORT": str(port) for name, port in self.ports.items()})
        configuration = os.path.join(folder, "conf.yml")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(etcd=self.etcd.address, http=self.ports["coordinator"],
                                            grpc=self.ports["coordinator_grpc"]))
        self.coordinator = Process("coordinator", [server, "-c", configuration], folder, dict(os.environ), self.coordinates)
        self.order, self.stock, self.api = [
            Process(name, [os.path.join(os.path.abspath(work), name), "-f", os.path.join(HERE, "etc", name + ".yaml")],
                    folder, environment, lambda name=name: self.serves(name)) for name in SERVICES]

    def __enter__(self):
        try:
            self.database.start()
            with open(os.path.join(HERE, "schema.sql"), encoding="utf-8") as schema:
                self.database.execute(schema.read())
            self.etcd.start()
            for process in self.processes():
                process.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *failure):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must leave nothing behind
        for process in self.processes():
            process.kill()
        self.etcd.kill()
        self.database.stop()

    def registrations(self):
        """{key in etcd: port} of all who register."""
        return {"dtmservice": self.ports["coordinator_grpc"], "order.rpc": self.ports["order_rpc"],
                "stock.rpc": self.ports["stock_rpc"]}

    def processes(self):
        return [self.coordinator, self.order, self.stock, self.api]

    def end(self, deregisters):
        """Ends it as an operator does. The coordinator must be content (sanitizers report by their status) and, where it
        `deregisters`, must have taken its registration back."""
        for process in self.processes():
            process.terminate()
        status = self.coordinator.wait()
        assert status == 0, "the coordinator ended with status %s" % status
        for process in self.processes():
            process.wait()
        assert not (deregisters and self.etcd.registered("dtmservice")), "the coordinator left its registration behind"

    def coordinates(self):
        return (is_open(self.ports["coordinator"]) and is_open(self.ports["coordinator_grpc"])
                and bool(self.etcd.registered("dtmservice")))

    def serves(self, name):
        """Whether a service listens and, where it is one that is looked for, is registered."""
        if name == "api":
            return is_open(self.ports["api"])
        address = "127.0.0.1:%d" % self.ports[name + "_rpc"]
        return (is_open(self.ports[name + "_rpc"]) and is_open(self.ports[name + "_http"])
                and address in self.etcd.registered(name + ".rpc").values())

    def query(self, gid):
        """What the coordinator tells of a transaction that it knows."""
        code, answer = request(self.ports["coordinator"], "GET", API + "query?" + urllib.parse.urlencode({"gid": gid}))
        assert code == 200 and answer["transaction"], "query of %s: %s %s" % (gid, code, answer)
        return answer

    def log_tails(self):
        logs = [(process.name, process.log_tail()) for process in self.processes()]
        logs += [("etcd", self.etcd.log_tail()), ("MariaDB", self.database.log_tail())]
        return "".join("--- %s says:\n%s\n" % log for log in logs)
