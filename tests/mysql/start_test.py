#!/usr/bin/env python3
"""How settled starts on MySQL: what it says, what it creates, what it asks for, and what it never removes.

    start_test.py --settled build/debug/bin/settled [--only TEXT]

Skipped (status 77) as servers_test.py is.
"""
import argparse
import contextlib
import os
import re
import subprocess
import tempfile
import time

import servers
from settled import API, free_port

RUN_DEADLINE_S = 60
ROOT = servers.ROOT


class StartTest:
    def __init__(self, options, folder, started):
        from rows import Tables
        self.options, self.folder, self.started = options, folder, started
        self.database = servers.start_database(folder, started, flush="0")
        self.tables = Tables(self.database.port)
        self.count = 0

    def server(self, settings=(), arguments=()):
        self.count += 1
        server = servers.settled_on(self.options, self.folder, "settled-%d" % self.count, self.database.port, settings)
        server.command += arguments
        self.started.callback(server.clean_up)
        return server

    def start(self, settings=(), arguments=()):
        server = self.server(settings, arguments)
        server.start()
        return server

    def run_to_end(self, settings):
        """What it says where it does not come up."""
        server = self.server(settings)
        run = subprocess.run(server.command, cwd=server.folder, env=server.environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=RUN_DEADLINE_S)
        assert run.returncode == 1 and run.stdout == "", run
        last = run.stderr.strip().splitlines()[-1]
        assert last.startswith("settled: "), run.stderr
        assert servers.PASSWORD not in run.stderr, "the password is told: " + run.stderr
        return last

    @staticmethod
    def submit(server, gid):
        code, answer = server.request("POST", API + "submit", {"gid": gid, "trans_type": "saga", "steps": [],
                                                               "payloads": [], "wait_result": True})
        assert code == 200, answer

    def test_a_database_that_is_not_there_is_made(self):
        server = self.start()
        self.submit(server, "g1")
        assert self.tables.status("g1") == "succeed"
        said = server.log_tail()
        assert re.search(r"store mysql at 127\.0\.0\.1:%d/dtm$" % self.database.port, said, re.MULTILINE), said
        assert servers.PASSWORD not in said
        server.stop()

    def test_what_is_there_is_kept_unless_it_is_to_go(self):
        server = self.start()
        self.submit(server, "g2")
        server.stop()
        server = self.start()
        assert self.tables.status("g2") == "succeed"
        server.stop()
        server = self.start(arguments=["-r"])
        assert self.tables.statuses() == {}
        self.submit(server, "g2")
        server.stop()

    def test_the_sample_configuration_with_its_lines_of_mysql(self):
        with open(os.path.join(ROOT, "conf.sample.yml"), encoding="utf-8") as file:
            text = file.read()
        text = re.sub(r"(?m)^  Driver: rocksdb$", "  Driver: mysql", text)
        text = re.sub(r"(?m)^(  )?# ((?:Host|Port|User|Password|Db|MaxOpenConns|MaxIdleConns|ConnMaxLifeTime|"
                      r"TransCronInterval|ConfigUpdateInterval|UpdateBranchSync|TimeZoneOffset): .*)$",
                      lambda found: (found[1] or "") + found[2], text)
        server = self.server()
        wanted = {"  Host": "127.0.0.1", "  Port": self.database.port, "  User": servers.USER,
                  "  Password": "'%s'" % servers.PASSWORD, "HttpPort": server.port, "GrpcPort": server.grpc_port}
        for key, value in wanted.items():
            text, count = re.subn(r"(?m)^%s: .*$" % key, "%s: %s" % (key, value), text)
            assert count == 1, key
        path = os.path.join(server.folder, "conf.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        server.command += ["-c", path]
        server.start()
        self.submit(server, "sample")
        server.stop()
        assert "level=warning" not in server.log_tail(), server.log_tail()

    def test_nothing_is_purged_unless_it_is_asked_for(self):
        """And what is unfinished never is."""
        from rows import wait_until
        server = self.start()
        for gid in "old-1", "old-2":
            self.submit(server, gid)
        code, answer = server.request("POST", API + "prepare", {"gid": "unfinished", "trans_type": "saga", "steps": [],
                                                                "payloads": []})
        assert code == 200, answer
        self.tables.query("update trans_global set create_time = '2001-01-01', update_time = '2001-01-01', "
                          "finish_time = '2001-01-01', next_cron_time = '2001-01-01' where gid like 'old-%'")
        server.stop()
        server = self.start()  # it would purge at its start
        self.submit(server, "new")
        assert self.tables.status("old-1") == "succeed"
        server.stop()
        server = self.start({"STORE_FINISHED_DATA_EXPIRE": "86400"})
        wait_until("the old ones were purged", lambda: not self.tables.query(
            "select gid from trans_global where gid like 'old-%'"), 120)
        assert self.tables.status("new") == "succeed" and self.tables.status("unfinished") == "prepared"
        server.stop()

    def test_no_server_there(self):
        port = free_port()
        said = self.run_to_end({"STORE_PORT": str(port)})
        assert "127.0.0.1:%d" % port in said, said

    def test_a_wrong_password(self):
        said = self.run_to_end({"STORE_PASSWORD": "n0t-this"})
        assert servers.USER in said and "n0t-this" not in said, said

    def test_a_right_that_is_missing(self):
        said = self.run_to_end({"STORE_DB": "others"})
        assert "others" in said, said

    def test_tables_that_lack_a_column(self):
        self.database.execute("alter table dtm.trans_global drop column rollback_reason;")
        said = self.run_to_end({})
        assert "rollback_reason" in said and "ALTER TABLE" in said, said
        statement = re.search(r"(ALTER TABLE .*)$", said)[1]
        self.database.execute("use dtm; " + statement)
        server = self.start()
        self.submit(server, "healed")
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    servers.add_options(parser)
    parser.add_argument("--only", default="", metavar="TEXT")
    options = parser.parse_args()
    servers.prepare(options, needs_dtm=False)
    tests = [name for name in vars(StartTest) if name.startswith("test_") and options.only in name]
    assert tests, "no test has %r in its name" % options.only
    with tempfile.TemporaryDirectory(prefix="settle-start-") as folder, contextlib.ExitStack() as started:
        test = StartTest(options, folder, started)
        try:
            for name in tests:
                began = time.monotonic()
                getattr(test, name)()
                print("ok   %5.1f s  %s" % (time.monotonic() - began, name), flush=True)
        except BaseException:
            servers.print_logs(test.database)
            raise


if __name__ == "__main__":
    main()
