"""The bank's program in each language: how it is built, started and asked."""
import glob
import http.client
import json
import os
import subprocess
import time

from settled import free_port

HERE = os.path.dirname(os.path.abspath(__file__))
START_DEADLINE_S = 60


class GoBank:
    @staticmethod
    def missing(prepared):
        return [] if os.path.exists(os.path.join(prepared, "bin", "go")) else ["Go"]

    @staticmethod
    def command(prepared, work):
        """Builds it, from the cache of modules alone."""
        program = os.path.join(os.path.abspath(work), "bank")
        subprocess.run([os.path.join(os.path.abspath(prepared), "bin", "go"), "build", "-mod=readonly", "-buildvcs=false",
                        "-o", program, "."],
                       cwd=os.path.join(HERE, "go"), env=dict(os.environ, GOPROXY="off", GOTOOLCHAIN="local"), check=True)
        return [program]


class PythonBank:
    @staticmethod
    def missing(prepared):
        return [] if os.path.exists(os.path.join(prepared, "python", "bin", "python")) else ["Python with dtmcli"]

    @staticmethod
    def command(prepared, work):
        return [os.path.join(os.path.abspath(prepared), "python", "bin", "python"), "-B", "-u",
                os.path.join(HERE, "python", "bank.py")]


class JavaBank:
    @staticmethod
    def missing(prepared):
        return [] if glob.glob(os.path.join(prepared, "java", "dtmcli-java-*.jar")) else ["dtmcli-java"]

    @staticmethod
    def command(prepared, work):
        jars, classes = os.path.join(os.path.abspath(prepared), "java", "*"), os.path.join(os.path.abspath(work), "classes")
        subprocess.run(["javac", "-Xlint:all,-processing", "-Werror", "-proc:none", "-cp", jars, "-d", classes,
                        *glob.glob(os.path.join(HERE, "java", "src", "*.java"))], check=True)
        return ["java", "-XX:TieredStopAtLevel=1", "-cp", os.pathsep.join([classes, jars]), "Bank"]


PROGRAMS = {"go": GoBank, "go_grpc": GoBank, "go_etcd": GoBank, "python": PythonBank, "java": JavaBank}


class BankProgram:
    """One run of the program. It is told by its environment where everything is: the coordinator's HTTP address, and, for
    a bank that starts its transactions over gRPC, the targets of the coordinator and of the bank, addresses or urls of
    etcd. The bank is to register itself where its own target is such a url."""

    def __init__(self, command, folder, server_port, database_port):
        self.command = command
        self.port = free_port()
        self.grpc_port = free_port()
        self.log_path = os.path.join(folder, "bank.log")
        self.environment = dict(os.environ, COORDINATOR="127.0.0.1:%d" % server_port, BANK_PORT=str(self.port),
                                BANK_GRPC_PORT=str(self.grpc_port), DATABASE_PORT=str(database_port), TRANSPORT="http",
                                BANK_TARGET="127.0.0.1:%d" % self.grpc_port)
        self.process = None

    def use_grpc(self, coordinator_target, bank_target=None):
        """Has it start its transactions over gRPC."""
        self.environment["TRANSPORT"] = "grpc"
        self.environment["COORDINATOR_TARGET"] = coordinator_target
        if bank_target:
            self.environment["BANK_TARGET"] = bank_target

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        end = time.monotonic() + START_DEADLINE_S
        while True:
            status = self.process.poll()
            assert status is None, "the bank ended by itself with status %s" % status
            try:
                return self.request("GET", "/ready")
            except OSError:
                assert time.monotonic() < end, "the bank does not answer"
                time.sleep(0.02)

    def start_transfer(self, kind, transfer):
        """The gid, and with what error the client's call ended ("": none)."""
        status, body = self.request("POST", "/start/" + kind, json.dumps(transfer))
        assert status == 200, "start of %s: %d %s" % (kind, status, body)
        started = json.loads(body)
        return started["gid"], started["error"]

    def request(self, method, target, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, target, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        finally:
            connection.close()

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def log_tail(self, bytes_max=16000):
        try:
            with open(self.log_path, "rb") as log:
                return log.read()[-bytes_max:].decode(errors="replace")
        except OSError:
            return ""
