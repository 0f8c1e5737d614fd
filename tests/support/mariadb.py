"""A MariaDB of its own for a test: a new, empty database server on loopback, gone with the test."""
import os
import pwd
import shutil
import signal
import subprocess
import time

from processes import run_whole
from settled import free_port

START_DEADLINE_S = 120
STOP_DEADLINE_S = 60
COMMANDS = ["mariadb", "mariadbd", "mariadb-install-db"]
SEARCHED = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])  # where Debian keeps servers, off a user's PATH


def missing_commands():
    """What this machine lacks to run MariaDB; nothing: []."""
    return [command for command in COMMANDS if shutil.which(command, path=SEARCHED) is None]


class MariaDB:
    """One server with its files below `folder`; its TCP port is free of any other server's. Use it with `with`: it runs
    inside, and has ended behind it however the block ends. `root` may do everything over the socket, without a password.
    `flush` is its innodb_flush_log_at_trx_commit: with "0" a kill loses the last second of what it has committed, with
    "1" nothing.
    """

    def __init__(self, folder, flush="0", arguments=()):
        self.arguments = ["--innodb-flush-log-at-trx-commit=" + flush, *arguments]
        self.folder = os.path.join(folder, "mariadb")
        self.log_path = os.path.join(folder, "mariadb.log")
        self.temporary = os.path.join(folder, "mariadb-temporary")
        self.socket = os.path.join(folder, "mariadb.sock")
        self.port = free_port()
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *failure):
        self.stop()

    def start(self):
        """Starts it, with what it held when it was stopped, and waits until it answers."""
        common = ["--no-defaults", "--datadir=" + self.folder, "--skip-name-resolve",
                  "--user=" + pwd.getpwuid(os.getuid()).pw_name]
        # A server that starts removes the temporary files of all others from its folder for them: it gets its own.
        os.makedirs(self.temporary, exist_ok=True)
        environment = dict(os.environ, TMPDIR=self.temporary)
        if not os.path.exists(self.folder):
            self.install(common, environment)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.path("mariadbd"), *common, "--socket=" + self.socket, "--port=%d" % self.port,
                 "--bind-address=127.0.0.1", "--innodb-fast-shutdown=2", *self.arguments],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + START_DEADLINE_S
        while not self.is_ready():
            assert time.monotonic() < end, "MariaDB does not answer: " + self.log_tail()
            time.sleep(0.02)

    def install(self, common, environment):
        # --force: this machine may have no name that can be looked up.
        install = run_whole([self.path("mariadb-install-db"), *common, "--auth-root-authentication-method=normal",
                             "--skip-test-db", "--force"], env=environment)
        assert install.returncode == 0, "mariadb-install-db: " + install.stdout

    def is_ready(self):
        """Whether it answers. A process that ended by itself is an error."""
        status = self.process.poll()
        assert status is None, "MariaDB ended by itself with status %s: %s" % (status, self.log_tail())
        return os.path.exists(self.socket) and self.client("select 1").returncode == 0

    def stop(self):
        """Ends it where it runs; one that does not end in time is killed."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def kill(self):
        """kill -9, where it runs; also where it is paused."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def pause(self):
        """It keeps its connections, and neither answers nor refuses."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def execute(self, sql):
        """The rows of the statements' results, each a list of texts (NULL reads `NULL`). A statement that fails is an
        error."""
        run = self.client(sql)
        assert run.returncode == 0, "MariaDB: %s\n%s" % (run.stderr, sql)
        return [line.split("\t") for line in run.stdout.splitlines()]

    def client(self, sql):
        return subprocess.run([self.path("mariadb"), "--no-defaults", "--socket=" + self.socket, "--user=root", "--batch",
                               "--skip-column-names"], input=sql, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def log_tail(self, bytes_max=8000):
        try:
            with open(self.log_path, "rb") as log:
                return log.read()[-bytes_max:].decode(errors="replace")
        except OSError:
            return ""

    @staticmethod
    def path(command):
        found = shutil.which(command, path=SEARCHED)
        assert found, "%s is not installed: run scripts/setup.sh" % command
        return found
