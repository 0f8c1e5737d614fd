"""Servers that share one database: settled, and DTM's own, which is built from its Go module."""
import fcntl
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
import mariadb  # noqa: E402
import prepared_python  # noqa: E402
from settled import Settled  # noqa: E402

SKIPPED = 77
DTM_MODULE = "github.com/dtm-labs/dtm"
USER, PASSWORD = "coordinator", "s3cret: word"


def give_up(missing):
    """Ends the test where this machine lacks something that it needs."""
    print("run scripts/setup.sh: there is no " + ", ".join(missing))
    sys.exit(1 if os.environ.get("CI") == "true" else SKIPPED)


def go_of(prepared):
    return os.path.join(os.path.abspath(prepared), "bin", "go")


def prepare(options, needs_dtm):
    """To be called first. Ends the test as skipped where something is missing; goes on by a Python that can speak to the
    database itself."""
    python = prepared_python.python_with("pymysql", options.prepared)
    missing = mariadb.missing_commands() + ([] if python else ["Python with pymysql"])
    if needs_dtm and not os.path.exists(go_of(options.prepared)):
        missing.append("Go")
    if missing:
        give_up(missing)
    prepared_python.run_by(python)


def add_options(parser):
    parser.add_argument("--settled", required=True, metavar="PROGRAM")
    parser.add_argument("--work", default=os.path.join(ROOT, "build", "mysql-tests"), metavar="FOLDER",
                        help="where DTM's server is built, and kept")
    parser.add_argument("--prepared", default=prepared_python.PREPARED, metavar="FOLDER",
                        help="where scripts/setup.sh put Go and a Python that speaks to MySQL")


def run_go(options, *arguments):
    """In benches/dtm, from the cache of modules alone."""
    return subprocess.run([go_of(options.prepared), *arguments], cwd=os.path.join(ROOT, "benches", "dtm"), check=True,
                          text=True, env=dict(os.environ, GOPROXY="off", GOTOOLCHAIN="local", GOFLAGS="-mod=readonly"),
                          stdout=subprocess.PIPE).stdout.strip()


def build_dtm(options):
    """DTM's server as a program. Tests that run at the same time share one."""
    work = os.path.abspath(options.work)
    os.makedirs(work, exist_ok=True)
    program = os.path.join(work, "dtm")
    with open(os.path.join(work, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run_go(options, "build", "-buildvcs=false", "-o", program, ".")
    return program


def dtm_tables(options):
    """The statements by which DTM makes its tables."""
    folder = run_go(options, "list", "-m", "-f", "{{.Dir}}", DTM_MODULE)
    with open(os.path.join(folder, "sqls", "dtmsvr.storage.mysql.sql"), encoding="utf-8") as statements:
        return statements.read()


def start_database(folder, started, arguments=(), flush="1"):
    """A MariaDB with the user that servers use. He may do what docs/mysql.md asks for, and no more."""
    database = started.enter_context(mariadb.MariaDB(folder, flush, arguments))
    database.execute("create user '%s'@'127.0.0.1' identified by '%s'; grant all on dtm.* to '%s'@'127.0.0.1';" % (
        USER, PASSWORD, USER))
    return database


def store_settings(port):
    return {"STORE_DRIVER": "mysql", "STORE_HOST": "127.0.0.1", "STORE_PORT": str(port), "STORE_USER": USER,
            "STORE_PASSWORD": PASSWORD, "STORE_DB": "dtm", "TRANS_CRON_INTERVAL": "1", "CONFIG_UPDATE_INTERVAL": "1"}


class Server(Settled):
    """One server on a database, with a folder of its own for its log."""

    def __init__(self, program, folder, name, database_port, settings=()):
        self.name = name
        own = os.path.join(folder, name)
        os.makedirs(own)
        # No registration, no proxies, whatever the environment of the test says.
        super().__init__(program, own, "mysql", {**store_settings(database_port), "UPDATE_BRANCH_SYNC": "1",
                                                 "LOG_LEVEL": "info", **dict(settings)})

    def metrics(self):
        """{name with labels: value} of a scrape."""
        status, text = self.request("GET", "/api/metrics")
        assert status == 200, "metrics: %d" % status
        lines = [line for line in text.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def settled_on(options, folder, name, database_port, settings=()):
    return Server(options.settled, folder, name, database_port, settings)


def dtm_on(program, folder, name, database_port, settings=()):
    # It has no signal handler that waits for what it does, and speaks of each transaction at `info`.
    return Server(program, folder, name, database_port,
                  {"LOG_LEVEL": "warn", "TIMEOUT_TO_FAIL": "35", "RETRY_INTERVAL": "10", "HTTP_ADDRESS": "",
                   **dict(settings)})


def print_logs(*programs):
    for program in programs:
        print("--- %s says:\n%s" % (getattr(program, "name", "MariaDB"), program.log_tail()))
