"""What the tables hold, read by a connection of the test's own."""
import threading
import time

import pymysql

from servers import PASSWORD, USER


class Tables:
    """Each thread that reads gets a connection of its own. Rows are seen as they are committed."""

    def __init__(self, port):
        self.port = port
        self.of_thread = threading.local()

    def connect(self):
        return pymysql.connect(host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, database="dtm",
                               charset="utf8mb4", autocommit=True)

    def query(self, sql, *values):
        """A list of tuples. One attempt anew where the connection was lost."""
        for attempt in range(2):
            connection = getattr(self.of_thread, "connection", None)
            if connection is None:
                connection = self.of_thread.connection = self.connect()
            try:
                with connection.cursor() as cursor:
                    cursor.execute(sql, values or None)
                    return list(cursor.fetchall())
            except pymysql.err.OperationalError:
                self.of_thread.connection = None
                if attempt == 1:
                    raise
        raise AssertionError("not reached")

    def status(self, gid):
        """None where there is no such transaction."""
        found = self.query("select status from trans_global where gid = %s", gid)
        return found[0][0] if found else None

    def statuses(self):
        return dict(self.query("select gid, status from trans_global"))

    def branches(self, gid):
        """{(branch_id, op): status}."""
        return {(branch, op): status for branch, op, status in self.query(
            "select branch_id, op, status from trans_branch_op where gid = %s", gid)}

    def unfinished(self):
        return [gid for gid, in self.query(
            "select gid from trans_global where status not in ('succeed', 'failed') order by id")]

    def counts(self):
        return dict(self.query("select status, count(*) from trans_global group by status"))


def wait_until(what, is_so, deadline_s, pause_s=0.02):
    """`is_so` is asked until it says something true, which is handed back."""
    end = time.monotonic() + deadline_s
    while True:
        found = is_so()
        if found:
            return found
        assert time.monotonic() < end, "in vain waited %d s until %s" % (deadline_s, what)
        time.sleep(pause_s)
