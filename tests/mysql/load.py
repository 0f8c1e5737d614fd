"""Transactions of several kinds, sent to several servers on one database, each request to another one; and what must have
become of each in the end, by the participant's book."""
import asyncio
import json
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from http_peer import Asking  # noqa: E402
from participant import BROKEN, DONE, LATER, REFUSED  # noqa: E402
from settled import API  # noqa: E402

ANSWER_DEADLINE_S = 25  # of one request: a server that is paused does not answer
GIVEN_UP = (OSError, asyncio.TimeoutError)
SLOW_S = 0.15
RETRY_INTERVAL_S = 3
TIMEOUT_TO_FAIL_S = 5  # of what its client left prepared


class Transaction:
    """One transaction: what is asked for, what its participant is going to say, and what its client was told."""

    def __init__(self, gid, plan):
        self.gid = gid
        self.kind = plan.choices(["saga", "tcc", "msg"], [7, 2, 1])[0]
        self.branches = ["%02d" % number for number in range(1, plan.choices([1, 2, 3], [1, 6, 3])[0] + 1)]
        # How it goes: all say yes; one says no; one says yes, but its first answer is an error or "not yet"; its client
        # leaves it prepared; its client wants it undone.
        stories = {"saga": ["good", "refused", "error", "later"], "tcc": ["good", "error", "abort", "vanish"],
                   "msg": ["good", "error", "vanish", "vanish refused"]}[self.kind]
        self.story = plan.choices(stories, {"saga": [12, 6, 1, 1], "tcc": [8, 1, 5, 1], "msg": [8, 1, 1, 1]}[self.kind])[0]
        self.odd_branch = plan.choice(self.branches)
        self.is_slow = plan.random() < 0.1
        self.wait_result = plan.random() < 0.5
        self.concurrent = self.kind == "saga" and plan.random() < 0.3
        self.called = set()  # rows
        self.promised = None  # "stored", "succeed", "failed"; None: nothing is known

    @property
    def is_doomed(self):
        return self.story in ("refused", "abort", "vanish refused")

    def decide(self, call):
        """What its participant answers."""
        first = call.row not in self.called
        self.called.add(call.row)
        status = DONE
        if call.op == "msg":
            status = REFUSED if self.story == "vanish refused" else DONE
        elif call.branch_id == self.odd_branch and call.op in ("action", "confirm"):
            if self.story == "refused":
                status = REFUSED
            elif self.story == "error" and first:
                status = BROKEN
            elif self.story == "later" and first:
                status = LATER
        return status, SLOW_S if self.is_slow else 0

    def message(self, url):
        message = {"gid": self.gid, "trans_type": self.kind, "wait_result": self.wait_result,
                   "retry_interval": RETRY_INTERVAL_S}
        if self.kind == "tcc" or self.story.startswith("vanish"):
            message["timeout_to_fail"] = TIMEOUT_TO_FAIL_S
        if self.kind != "tcc":
            message["steps"] = [{"action": url + "/do", "compensate": url + "/undo"}] * len(self.branches)
            message["payloads"] = ["{}"] * len(self.branches)
        if self.kind == "msg":
            message["query_prepared"] = url + "/query"
        if self.concurrent:
            message["custom_data"] = json.dumps({"concurrent": True})
        return message

    def faults(self, status, participant):
        """What is wrong with how it ended; None: it was never stored."""
        calls = participant.calls_of(self.gid)
        told = "%s (%s, %s at %s of %d, %s) ended as %s, calls %s" % (
            self.gid, self.kind, self.story, self.odd_branch, len(self.branches),
            "concurrent" if self.concurrent else "in a row", status, calls)
        if status is None:
            if self.promised:
                yield "it was acknowledged and is lost: " + told
            if calls:
                yield "branches were called of what was never stored: " + told
            return
        if status not in ("succeed", "failed"):
            yield "it did not end: " + told
            return
        if self.promised in ("succeed", "failed") and self.promised != status:
            yield "its client was told %s: %s" % (self.promised, told)
        if self.is_doomed != (status == "failed") and self.kind != "tcc":
            yield "it should have ended otherwise: " + told
        if self.story == "abort" and status == "succeed":
            yield "it was never submitted: " + told
        yield from self.faults_of_effects(status, calls, participant, told)

    def faults_of_effects(self, status, calls, participant, told):
        done = {call.row for call in calls if call.status == DONE}
        if self.kind == "tcc":
            if status == "succeed" and ({(branch, "confirm") for branch in self.branches} - done or any(
                    op == "cancel" for _, op in done)):
                yield "not everything is confirmed: " + told
            if status == "failed" and any(op == "confirm" for _, op in done):
                yield "it failed and something is confirmed: " + told
        elif any(participant.is_done(self.gid, branch) != (status == "succeed") for branch in self.branches):
            yield "not all or nothing: " + told


class Load:
    """Clients in a closed loop. `servers` may change while they run; requests go to those of them that are `up`. Servers
    answer 503 where they cannot say; `may_say` are other statuses that leave a client as wise as before. Whether clients
    then send what they had submitted once more is for the caller to say."""

    def __init__(self, seed, url, servers, may_say=(), sends_again=True):
        self.plan = random.Random(seed)
        self.sends_again = sends_again
        self.url = url
        self.servers = servers
        self.may_say = {503, *may_say}
        self.transactions = {}
        self.acknowledged = 0
        self.violations = []
        self.refusals = 0  # requests that were answered with one of may_say
        self.slowest_s = 0
        self.running = True

    def decide(self, call):
        return self.transactions[call.gid].decide(call)

    async def run_clients(self, count):
        try:
            await asyncio.gather(*(self.client() for _ in range(count)))
        finally:
            self.running = False  # a client may miss that it is cancelled: wait_for() of Python 3.11 swallows that

    async def client(self):
        connections = {}
        while self.running:
            transaction = Transaction("load-%d" % len(self.transactions), self.plan)
            self.transactions[transaction.gid] = transaction
            await self.send(transaction, connections)
        for connection in connections.values():
            connection.close()

    async def send(self, transaction, connections):
        try:
            if transaction.kind == "saga":
                await self.submit(transaction, connections)
            elif transaction.kind == "msg":
                await self.send_msg(transaction, connections)
            else:
                await self.send_tcc(transaction, connections)
        except GaveUp:
            return
        if transaction.promised:
            self.acknowledged += 1
            if self.plan.random() < 0.3:
                await self.look_elsewhere(transaction, connections)

    async def send_msg(self, transaction, connections):
        message = transaction.message(self.url)
        await self.ask_for_sure(transaction, connections, "prepare", message)
        transaction.promised = "stored"
        if not transaction.story.startswith("vanish"):
            await self.submit(transaction, connections)

    async def send_tcc(self, transaction, connections):
        message = transaction.message(self.url)
        await self.ask_for_sure(transaction, connections, "prepare", message)
        transaction.promised = "stored"
        for branch in transaction.branches:
            await self.ask_for_sure(transaction, connections, "registerBranch", {
                "gid": transaction.gid, "trans_type": "tcc", "branch_id": branch, "data": "{}",
                "confirm": self.url + "/confirm", "cancel": self.url + "/cancel"})
        if transaction.story == "vanish":
            return
        if transaction.story == "abort":
            await self.ask_for_sure(transaction, connections, "abort", message)
        else:
            await self.submit(transaction, connections)

    async def ask_for_sure(self, transaction, connections, operation, message):
        """A request that must succeed, or the client does not go on."""
        status, body = await self.ask(connections, "POST", operation, json.dumps(message).encode())
        if status in self.may_say:
            self.refusals += 1
            raise GaveUp()
        # A tcc may have been given up by its server, for its client was slow.
        if status == 409 and transaction.kind == "tcc" and b"status" in body:
            raise GaveUp()
        if status == 409 and operation == "abort" and transaction.wait_result:
            return
        if status != 200:
            self.violations.append("%s of %s: %d %s" % (operation, transaction.gid, status, body))
            raise GaveUp()

    async def submit(self, transaction, connections):
        request = json.dumps(transaction.message(self.url)).encode()
        sent_again = False
        while True:
            try:
                status, body = await self.ask(connections, "POST", "submit", request)
            except GaveUp:
                status, body = 503, b""
            if status not in self.may_say:
                break
            self.refusals += 1
            # Whether it was stored is unknown: half of them ask again, the others leave it at that.
            if not self.running or not self.sends_again or self.plan.random() < 0.5:
                raise GaveUp()
            sent_again = True
        text = body.decode(errors="replace")
        if status == 200:
            transaction.promised = "succeed" if transaction.wait_result and not sent_again else "stored"
        elif status == 409 and (sent_again or transaction.kind == "tcc") and "current status" in text:
            transaction.promised = "stored"
        elif status in (409, 425) and transaction.wait_result and (
                "wait result not return success" in text or transaction.story in ("later", "error")):
            transaction.promised = "stored"
        elif status == 500 and transaction.wait_result and transaction.story == "error" and transaction.kind != "saga":
            transaction.promised = "stored"
        elif status == 409 and transaction.wait_result and transaction.story == "refused":
            transaction.promised = "failed" if not transaction.concurrent else "stored"
        else:
            self.violations.append("submit of %s (%s) was answered %d %s" % (
                transaction.gid, transaction.story, status, text))

    async def look_elsewhere(self, transaction, connections):
        """What one server has acknowledged, all others show."""
        try:
            status, body = await self.ask(connections, "GET", "query?gid=" + transaction.gid, b"")
        except GaveUp:
            return
        if status in self.may_say:
            return
        shown = (json.loads(body).get("transaction") or {}).get("status") if status == 200 else None
        if shown is None or transaction.promised == "succeed" and shown != "succeed":
            self.violations.append("%s was acknowledged (%s), and a query shows %d %s" % (
                transaction.gid, transaction.promised, status, body.decode(errors="replace")[:300]))

    async def ask(self, connections, method, operation, body):
        """One request to any server that is up, with its status and body; GaveUp where it gets none."""
        while not (up := [server for server in self.servers if server.up]):
            if not self.running:
                raise GaveUp()
            await asyncio.sleep(0.05)
        server = self.plan.choice(up)
        began = time.monotonic()
        try:
            if server.port not in connections:
                connections[server.port] = await Asking.connect(server.port)
            asking = connections[server.port].ask(method, API + operation, body)
            found = await asyncio.wait_for(asking, ANSWER_DEADLINE_S)
        except GIVEN_UP as failure:
            if server.port in connections:
                connections.pop(server.port).close()
            if isinstance(failure, asyncio.TimeoutError) and not server.may_hang:
                self.violations.append("%s was not answered by %s within %d s" % (operation, server.name, ANSWER_DEADLINE_S))
            # A server that is gone is seen here before whoever ended it says so.
            await asyncio.sleep(0.02)
            raise GaveUp() from None
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        return found

    def faults(self, statuses, participant):
        """Holds everything against {gid: status} of the database and against the participant's book."""
        found = list(self.violations)
        for gid in statuses.keys() - self.transactions.keys():
            found.append("%s is in the database and was never sent" % gid)
        for transaction in self.transactions.values():
            found += transaction.faults(statuses.get(transaction.gid), participant)
        return found

    def summary(self, statuses, participant):
        ends = list(statuses.values())
        return "%d sent, %d acknowledged, %d stored: %d succeeded, %d failed; %d calls, slowest answer %.1f s" % (
            len(self.transactions), self.acknowledged, len(ends), ends.count("succeed"), ends.count("failed"),
            participant.count(), self.slowest_s)


class GaveUp(Exception):
    """The client knows no more than before, and leaves it at that."""
