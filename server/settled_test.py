"""settled as a process: how it starts, how it refuses to, and how it ends.

settled_test.py PROGRAM SAMPLE_CONFIG
"""
import http.client
import http.server
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

PROGRAM, SAMPLE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
DEADLINE_S = 60

# The keys that a file of DTM's may have, those that settled does not use included.
DTM_FILE = """
Store:
  Driver: 'boltdb'
  MaxOpenConns: 500
  DataExpire: 604800
  FinishedDataExpire: 86400
MicroService:
  Driver: 'dtm-driver-gozero'
  Target: 'etcd://localhost:2379/dtmservice'
  EndPoint: 'localhost:36790'
TransCronInterval: 3
TimeoutToFail: 35
RetryInterval: 10
RequestTimeout: 3
LogLevel: 'info'
Log:
  Outputs: 'stderr'
GrpcPort: 0
"""


class Hook:
    """A service on a free port. answer(path without query, JSON of the body) gives the status of each answer."""

    def __init__(self, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(answer(self.path.split("?")[0], json.loads(body)))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class SettledTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="settled-test-")
        self.processes = []

    def tearDown(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        shutil.rmtree(self.folder)

    def start(self, *flags, **variables):
        """Starts settled on any free port, and waits until it is ready: (process, port, the line it said so by)."""
        process = self.launch(*flags, **variables)
        line = process.stdout.readline()
        found = re.search(r":(\d+), gRPC on port \d+, store", line)
        self.assertTrue(found, "not ready: %r %r" % (line, "" if line else process.communicate()[1]))
        return process, int(found.group(1)), line

    def launch(self, *flags, **variables):
        names = {"HTTP_PORT": "0", "HTTP_ADDRESS": "127.0.0.1", "GRPC_PORT": "0", "GRPC_ADDRESS": "127.0.0.1",
                 "STORE_PATH": os.path.join(self.folder, "store")}
        process = subprocess.Popen([PROGRAM, *flags], cwd=self.folder, env={**os.environ, **names, **variables},
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.processes.append(process)
        return process

    def run_to_end(self, *flags, **variables):
        """(exit status, what it printed, what it complained)"""
        process = self.launch(*flags, **variables)
        out, err = process.communicate(timeout=DEADLINE_S)
        return process.returncode, out, err

    def stop(self, process, by=signal.SIGTERM):
        process.send_signal(by)
        out, err = process.communicate(timeout=DEADLINE_S)
        self.assertEqual(process.returncode, 0, err)
        return err

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def ask(self, port, method, target, message=None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
        try:
            connection.request(method, target, None if message is None else json.dumps(message))
            answer = connection.getresponse()
            body = answer.read()
            is_json = answer.getheader("content-type").startswith("application/json")
            return answer.status, json.loads(body) if is_json else body
        finally:
            connection.close()

    def submit_empty_saga(self, port, gid):
        saga = {"gid": gid, "trans_type": "saga", "steps": [], "payloads": [], "wait_result": True}
        self.assertEqual(self.ask(port, "POST", "/api/dtmsvr/submit", saga), (200, {"dtm_result": "SUCCESS"}))

    def status_of(self, port, gid):
        transaction = self.ask(port, "GET", "/api/dtmsvr/query?gid=" + gid)[1]["transaction"]
        return transaction and transaction["status"]

    # ---- flags ----

    def test_version_and_help(self):
        status, out, _ = self.run_to_end("-v")
        self.assertEqual(status, 0)
        self.assertRegex(out, r"^settled \d+\.\d+\.\d+\n$")
        status, out, _ = self.run_to_end("-h")
        self.assertEqual(status, 0)
        self.assertIn("--test-clock", out)

    def test_bad_flags(self):
        for flags in (["-x"], ["--test"], ["conf.yml"], ["-c"]):
            status, out, err = self.run_to_end(*flags)
            self.assertEqual((status, out), (2, ""), flags)
            self.assertRegex(err, r"^settled: [^\n]+\n$")

    # ---- configuration ----

    def test_wrong_value_in_the_file(self):
        path = self.write("conf.yml", "LogLevel: info\nHttpPort: many\n")
        status, out, err = self.run_to_end("-c", path)
        self.assertEqual((status, out), (2, ""))
        self.assertEqual(err, "settled: %s:2: HttpPort: must be a whole number, is 'many'\n" % path)

    def test_wrong_variable(self):
        status, _, err = self.run_to_end(RETRY_INTERVAL="soon")
        self.assertEqual(status, 2)
        self.assertEqual(err, "settled: environment variable RETRY_INTERVAL: must be a whole number, is 'soon'\n")

    def test_file_of_dtm(self):
        process, port, _ = self.start("-c", self.write("conf.yml", DTM_FILE))
        self.assertEqual(self.ask(port, "GET", "/api/ping"), (200, {"msg": "pong"}))
        err = self.stop(process)
        self.assertEqual(err.count("is used with the store mysql alone"), 2, err)
        self.assertRegex(err, r'level=warning msg="[^"]*conf.yml:4: Store.MaxOpenConns: is used with the store mysql alone"')

    def test_sample(self):
        with open(SAMPLE, encoding="utf-8") as file:
            text = file.read()
        self.assertIn("\nHttpPort: 36789\n", text)
        self.assertIn("\nGrpcPort: 36790\n", text)
        for key, value in ("HttpPort", "0"), ("GrpcPort", "0"), ("HttpAddress", "127.0.0.1"), ("GrpcAddress", "127.0.0.1"):
            text = re.sub(r"(?m)^%s: .*$" % key, "%s: %s" % (key, value), text)
        process, port, _ = self.start("-c", self.write("conf.yml", text))
        self.assertTrue(os.path.isdir(os.path.join(self.folder, "settle-data")))
        self.assertEqual(self.ask(port, "GET", "/api/ping")[0], 200)
        self.assertNotIn("level=warning", self.stop(process))

    def test_sample_with_a_registry(self):
        with open(SAMPLE, encoding="utf-8") as file:
            text = re.sub(r"(?m)^# (MicroService:|  .*)$", r"\1", file.read())
        self.assertIn("\nMicroService:\n", text)
        for key in "HttpPort", "GrpcPort":
            text = re.sub(r"(?m)^%s: .*$" % key, "%s: 0" % key, text)
        process, port, _ = self.start("-c", self.write("conf.yml", text))
        metrics = self.ask(port, "GET", "/api/metrics")[1].decode()
        self.assertIn("settle_registry_registers 1\n", metrics)
        self.assertNotIn("is not", self.stop(process).replace("is not registered", ""))

    def test_sample_holds_every_key_that_is_used(self):
        with open(SAMPLE, encoding="utf-8") as file:
            text = file.read()
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "config_keys.cpp"), encoding="utf-8") as file:
            used = re.findall(r'Key\{"([A-Za-z.]+)", take_', file.read())
        self.assertIn("AlertWebHook", used)
        for key in used:
            self.assertRegex(text, r"(?m)^(  |# +|  # )?%s:" % key.split(".")[-1], key)

    def test_log_file(self):
        path = os.path.join(self.folder, "settled.log")
        process, _, _ = self.start("-d", LOG_OUTPUTS=path)
        self.assertEqual(self.stop(process), "")
        with open(path, encoding="utf-8") as file:
            self.assertIn('msg="stopping, by SIGTERM"', file.read())

    def test_log_file_that_cannot_be_opened(self):
        status, _, err = self.run_to_end(LOG_OUTPUTS="/dev/null/settled.log")
        self.assertEqual(status, 1)
        self.assertRegex(err, r"^settled: Log.Outputs: [^\n]*/dev/null/settled.log[^\n]*\n$")

    # ---- start ----

    def test_ready_line(self):
        process, port, line = self.start()
        store = os.path.join(self.folder, "store")
        self.assertRegex(line, r"^settled \d+\.\d+\.\d+ listening on http://127\.0\.0\.1:%d, gRPC on port \d+, store rocksdb at "
                               r"%s\n$" %
                         (port, re.escape(store)))
        self.assertRegex(self.ask(port, "GET", "/api/dtmsvr/version")[1]["version"], r"^\d+\.\d+\.\d+$")
        self.stop(process)

    def test_memory_store(self):
        process, port, line = self.start(STORE_DRIVER="memory")
        self.assertTrue(line.endswith(", store memory\n"), line)
        self.submit_empty_saga(port, "g1")
        self.assertEqual(self.status_of(port, "g1"), "succeed")
        self.stop(process)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "store")))

    def test_json_rpc_port(self):
        process, port, line = self.start(JSON_RPC_PORT="0")
        json_rpc_port = int(re.search(r", JSON-RPC on port (\d+)\n$", line).group(1))
        self.assertNotEqual(json_rpc_port, port)
        request = {"jsonrpc": "2.0", "id": "1", "method": "newGid", "params": {}}
        for each in (port, json_rpc_port):
            status, answer = self.ask(each, "POST", "/api/json-rpc", request)
            self.assertEqual((status, answer["error"]), (200, None))
            self.assertTrue(answer["result"]["gid"])
        for method, path in (("GET", "/api/ping"), ("GET", "/api/dtmsvr/newGid"), ("GET", "/api/json-rpc"),
                             ("POST", "/api/dtmsvr/submit"), ("GET", "/api/metrics")):
            self.assertEqual(self.ask(json_rpc_port, method, path), (404, b"404 page not found"), path)
        self.stop(process)

    def test_json_rpc_port_taken(self):
        """The other port is already served then: it must not keep the process from ending."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            status, out, err = self.run_to_end(JSON_RPC_PORT=str(port))
        self.assertEqual((status, out), (1, ""), err)
        self.assertRegex(err.splitlines()[-1], r"^settled: .*%d" % port)

    def test_port_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            status, out, err = self.run_to_end(HTTP_PORT=str(port))
        self.assertEqual((status, out), (1, ""), err)
        self.assertRegex(err.splitlines()[-1], r"^settled: .*%d" % port)

    def test_grpc_port_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            status, out, err = self.run_to_end(GRPC_PORT=str(port))
        self.assertEqual((status, out), (1, ""), err)
        self.assertEqual(err.splitlines()[-1],
                         "settled: cannot listen for gRPC on 127.0.0.1:%d: Address already in use" % port)

    def test_wrong_micro_service(self):
        path = self.write("conf.yml", "HttpPort: 0\nMicroService:\n  Driver: dtm-driver-gozero\n  Target: nowhere\n"
                                      "  EndPoint: localhost:36790\n")
        status, out, err = self.run_to_end("-c", path)
        self.assertEqual((status, out), (2, ""))
        self.assertRegex(err, r"^settled: %s:4: MicroService\.Target: [^\n]*etcd://[^\n]*\n$" % re.escape(path))

    def test_store_locked(self):
        first, port, _ = self.start()
        status, out, err = self.run_to_end()
        self.assertEqual((status, out), (1, ""), err)
        self.assertRegex(err.splitlines()[-1], r"^settled: .*" + re.escape(os.path.join(self.folder, "store")))
        self.assertEqual(self.ask(port, "GET", "/api/ping")[0], 200)
        self.stop(first)

    def test_reset(self):
        process, port, _ = self.start("-r")
        self.submit_empty_saga(port, "g1")
        self.stop(process)
        process, port, _ = self.start()
        self.assertEqual(self.status_of(port, "g1"), "succeed")
        self.stop(process)
        process, port, _ = self.start("-r")
        self.assertIsNone(self.status_of(port, "g1"))
        self.stop(process)

    # ---- end ----

    def test_signals_end_it(self):
        for by in (signal.SIGTERM, signal.SIGINT):
            process, port, _ = self.start()
            self.submit_empty_saga(port, "g%d" % by)
            self.stop(process, by)

    def test_idle_connections_do_not_hold_it(self):
        process, port, _ = self.start()
        address = ("127.0.0.1", port)
        with socket.create_connection(address) as silent, socket.create_connection(address) as kept:
            kept.sendall(b"GET /api/ping HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(kept.recv(4096).startswith(b"HTTP/1.1 200"))
            self.stop(process)
            self.assertEqual(silent.recv(1), b"")

    def test_what_is_in_flight_is_answered_and_parked(self):
        """A branch that does not answer is waited for in vain; its client hears that the outcome is not known."""
        with socket.socket() as participant:
            participant.bind(("127.0.0.1", 0))
            participant.listen()
            url = "http://127.0.0.1:%d/" % participant.getsockname()[1]
            saga = {"gid": "g1", "trans_type": "saga", "steps": [{"action": url + "do", "compensate": url + "undo"}],
                    "payloads": ["{}"], "wait_result": True, "request_timeout": 600}
            process, port, _ = self.start()
            answers = []
            client = threading.Thread(
                target=lambda: answers.append(self.ask(port, "POST", "/api/dtmsvr/submit", saga)))
            client.start()
            call, _ = participant.accept()
            with call:
                self.assertTrue(call.recv(4096).startswith(b"POST /do?"))
                self.stop(process)
            client.join()
            self.assertEqual(answers[0][0], 503, answers)
            self.assertNotIn("FAILURE", answers[0][1]["message"])

            process, port, _ = self.start()
            call, _ = participant.accept()
            with call:
                self.assertTrue(call.recv(4096).startswith(b"POST /do?"))
                call.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                self.submit_empty_saga(port, "g2")
                self.stop(process)
            process, port, _ = self.start()
            self.assertEqual(self.status_of(port, "g1"), "succeed")
            self.stop(process)

    def test_second_signal_ends_it_at_once(self):
        with socket.socket() as participant:
            participant.bind(("127.0.0.1", 0))
            participant.listen()
            url = "http://127.0.0.1:%d/" % participant.getsockname()[1]
            saga = {"gid": "g1", "trans_type": "saga", "steps": [{"action": url}], "payloads": ["{}"],
                    "request_timeout": 600}
            process, port, _ = self.start()
            self.assertEqual(self.ask(port, "POST", "/api/dtmsvr/submit", saga)[0], 200)
            call, _ = participant.accept()
            with call:
                process.send_signal(signal.SIGTERM)
                self.assertIn("stopping, by SIGTERM", process.stderr.readline())
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=DEADLINE_S)
            self.assertEqual(process.returncode, 130)

    # ---- metrics and alerts ----

    def samples(self, port):
        """{name with labels: value} of a scrape."""
        status, text = self.ask(port, "GET", "/api/metrics")
        self.assertEqual(status, 200)
        lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    def test_metrics(self):
        with Hook(lambda path, message: 409 if path == "/refuse" else 200) as service:
            process, port, _ = self.start(JSON_RPC_PORT="0")
            for gid, path in (("g1", "/do"), ("g2", "/refuse")):
                saga = {"gid": gid, "trans_type": "saga", "payloads": ["{}"], "wait_result": True,
                        "steps": [{"action": service.url + path, "compensate": service.url + "/undo"}]}
                self.assertEqual(self.ask(port, "POST", "/api/dtmsvr/submit", saga)[0], 200 if path == "/do" else 409)
            self.ask(port, "GET", "/no/such/path")
            samples = self.samples(port)
            self.stop(process)
        for name, value in {
                'dtm_server_process_total{api="submit",status="ok",type="http"}': 1,
                'dtm_server_process_total{api="submit",status="fail",type="http"}': 1,
                'dtm_server_process_total{api="other",status="fail",type="http"}': 1,
                'dtm_server_response_duration_count{api="submit",type="http"}': 2,
                'dtm_transaction_process_total{model="saga",status="ok"}': 1,
                'dtm_branch_process_total{branchid="01",branchtype="action",model="saga",status="ok"}': 1,
                'dtm_branch_process_total{branchid="01",branchtype="action",model="saga",status="fail"}': 1,
                'dtm_branch_process_total{branchid="01",branchtype="compensate",model="saga",status="ok"}': 1,
                'settle_branch_call_seconds_count{result="failure"}': 1,
                "settle_transactions_accepted_total": 2,
                "settle_transactions_succeeded_total": 1}.items():
            self.assertEqual(samples.get(name), value, name)
        for name in ("settle_http_connections", "settle_store_group_changes_sum"):
            self.assertGreaterEqual(samples[name], 1, name)

    def test_alerts(self):
        """Every error from the AlertRetryLimit-th on is told, to a hook that then fails, too."""
        told = queue.Queue()

        def answer(path, message):
            if path != "/hook":
                return 500
            told.put(message)
            return 200 if message["retry_count"] == 2 else 500

        with Hook(answer) as service:
            process, port, _ = self.start(ALERT_WEB_HOOK=service.url + "/hook?token=secret", ALERT_RETRY_LIMIT="2",
                                          RETRY_INTERVAL="1")
            url = service.url + "/do"
            saga = {"gid": "g1", "trans_type": "saga", "steps": [{"action": url}], "payloads": ["{}"]}
            self.assertEqual(self.ask(port, "POST", "/api/dtmsvr/submit", saga)[0], 200)
            for count in (2, 3):
                message = told.get(timeout=DEADLINE_S)
                self.assertIn("status 500", message.pop("error"))
                self.assertEqual(message, {"gid": "g1", "status": "submitted", "branch": url, "retry_count": count})
                samples = self.samples(port)
                while samples["settle_alerts_delivered_total"] + samples["settle_alerts_failed_total"] < count - 1:
                    samples = self.samples(port)
                self.ask(port, "POST", "/api/dtmsvr/resetNextCronTime", {"gid": "g1"})
            self.assertEqual(samples["settle_alerts_delivered_total"], 1)
            self.assertEqual(samples["settle_alerts_failed_total"], 1)
            err = self.stop(process)
        self.assertIn('gid=g1 msg="alert not delivered: status 500: ', err)
        self.assertNotIn("secret", err)

    # ---- the test clock ----

    def test_clock(self):
        process, port, _ = self.start("--test-clock")
        self.assertEqual(self.ask(port, "POST", "/api/test/clock", {"advance_seconds": 100}),
                         (200, {"dtm_result": "SUCCESS"}))
        for wrong in ({"advance_seconds": -1}, {"advance_seconds": "1"}, {}):
            self.assertEqual(self.ask(port, "POST", "/api/test/clock", wrong)[0], 400)
        self.stop(process)
        process, port, _ = self.start()
        self.assertEqual(self.ask(port, "POST", "/api/test/clock", {"advance_seconds": 1}),
                         (404, b"404 page not found"))
        self.stop(process)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
