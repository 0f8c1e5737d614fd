"""Whether each call of a branch was made by the server that holds the transaction, within its lease."""
import datetime
import os
import threading

import pymysql

OWNER_PREFIX = "settle:"


def inode_of(port, to_port):
    """Of the socket that is connected from this port of its own to that one; None where there is none any more. A port of
    its own alone does not tell: sockets with other peers may have the same."""
    with open("/proc/net/tcp", encoding="ascii") as lines:
        for line in lines:
            fields = line.split()
            if fields[1].endswith(":%04X" % port) and fields[2].endswith(":%04X" % to_port) and fields[3] == "01":
                return fields[9]
    return None


def holds(pid, inode):
    folder = "/proc/%d/fd" % pid
    try:
        return any(os.readlink(os.path.join(folder, each)) == "socket:[%s]" % inode for each in os.listdir(folder))
    except OSError:
        return False


class LeaseWatch:
    """The servers' times must be in UTC. What is stored is read while the call waits for its answer, so its server holds
    the transaction still: unless it is dead or the database is, and then nothing can be said."""

    def __init__(self, tables, servers):
        self.tables, self.servers = tables, servers
        self.lock = threading.Lock()
        self.token_of_pid = {}
        self.checked = self.unchecked = 0
        self.violations = []

    def identify(self, port, to_port):
        """The process whose connection it is."""
        inode = inode_of(port, to_port)
        pids = [server.process.pid for server in self.servers if server.process]
        return next((pid for pid in pids if inode and holds(pid, inode)), None)

    def inspect(self, call):
        try:
            found = self.tables.query("select owner, next_cron_time, status from trans_global where gid = %s", call.gid)
        except (OSError, pymysql.err.MySQLError):
            found = None
        alive = any(server.process and server.process.pid == call.caller and server.process.poll() is None
                    for server in self.servers)
        with self.lock:
            if found is None or not alive:
                self.unchecked += 1
            else:
                self.checked += 1
                self.violations += self.faults(call, found)

    def faults(self, call, found):
        if not found:
            yield "a call of what is not stored: %s %s" % (call.gid, call)
            return
        owner, lease, status = found[0]
        told = "%s %s by %s at %s; the row says %s, '%s', %s" % (
            call.gid, call, call.caller, datetime.datetime.fromtimestamp(call.began_wall_at, datetime.timezone.utc), status,
            owner, lease)
        if not owner.startswith(OWNER_PREFIX):
            yield "a call of what nobody holds: " + told
            return
        if lease.replace(tzinfo=datetime.timezone.utc).timestamp() < call.began_wall_at:
            yield "a call under a lease that has passed: " + told
        token = owner[len(OWNER_PREFIX):].rpartition(":")[0]
        known = self.token_of_pid.setdefault(call.caller, token)
        if known != token:
            yield "a call by a server that does not hold the transaction, but calls itself %s: %s" % (known, told)
