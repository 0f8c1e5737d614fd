"""The participant of the crash test, and the ledger in which it and the clients note what they see.

The participant lives through every kill. What it does with a call is what a service with a barrier does: a repeat
changes nothing, a compensation of an action that never came is empty, an action after its compensation is ignored.

The ledger is for `settle-sim --check-ledger` (docs/simulator.md), which has the rules. Only what it cannot tell from
there is looked at here: that calls are repeated only around a kill, and no more than the run-ahead allows; and that the
store has nothing which was never sent.
"""
import json

ACTION, COMPENSATE = "action", "compensate"
RESULTS = {200: "SUCCESS", 409: "FAILURE", 425: "ONGOING", 500: "unknown"}  # what an answer means
RUN_AHEAD_STEPS = 2  # of a sequential saga may be repeated after a restart


class Saga:
    """One saga: what was asked for, what its participant is going to say, and what was seen of it."""

    def __init__(self, gid, random):
        self.gid = gid
        self.step_count = random.choices([1, 2, 3, 4], [1, 6, 2, 2])[0]
        self.shape = random.choices(["sequential", "concurrent", "ordered"], [7, 2, 1])[0]
        self.wait_result = random.random() < 0.5
        # How it goes: all say yes; one step refuses; one step says yes but its first answer is lost as an error or as
        # "not yet"; one step answers with errors for ever until the timeout or the retry limit ends the saga.
        self.story = random.choices(["good", "refused", "error", "ongoing", "timeout", "limit"],
                                    [60, 32, 3, 2, 1, 2])[0]
        self.odd_step = random.randrange(self.step_count)
        self.delay_s = random.uniform(0.001, 0.02) if random.random() < 0.1 else 0
        self.timeout_to_fail = 2 if self.story == "timeout" else 0
        self.retry_limit = 1 if self.story == "limit" else 0

        self.sent_again = False
        self.effect = [False] * self.step_count
        self.undone = [False] * self.step_count
        self.called = set()  # (step, op)
        self.decided = {}  # (step, op) -> the life in which a deciding answer was given last
        self.repeated = {}  # life -> steps whose action was called again
        self.calls = []

    def request(self, participant_port):
        message = {"gid": self.gid, "trans_type": "saga", "retry_interval": 1, "request_timeout": 60,
                   "wait_result": self.wait_result, "payloads": ["{}"] * self.step_count}
        base = "http://127.0.0.1:%d/" % participant_port
        message["steps"] = [{"action": base + "do", "compensate": base + "undo"}] * self.step_count
        if self.shape == "concurrent":
            message["custom_data"] = json.dumps({"concurrent": True})
        elif self.shape == "ordered":
            last = self.step_count - 1
            message["custom_data"] = json.dumps({"concurrent": True, "orders": {str(last): list(range(last))}})
        if self.timeout_to_fail:
            message["timeout_to_fail"] = self.timeout_to_fail
        if self.retry_limit:
            message["retry_limit"] = self.retry_limit
        return json.dumps(message).encode()

    def reply(self, step, op):
        """The HTTP status that the participant answers. Only a refusal leaves no effect."""
        if op == ACTION and step == self.odd_step:
            if self.story == "refused":
                return 409
            if self.story in ("timeout", "limit"):
                return 500
            if self.story in ("error", "ongoing") and (step, op) not in self.called:
                return 500 if self.story == "error" else 425
        return 200

    def __str__(self):
        return "%s (%s, %s at step %d of %d, calls %s)" % (
            self.gid, self.shape, self.story, self.odd_step + 1, self.step_count, " ".join(self.calls))


class Ledger:
    """The participant, and the ledger as a file. `life` is the number of the server's life that now begins or runs."""

    def __init__(self, path):
        self.lines = open(path, "w", encoding="utf-8")
        self.sagas = {}
        self.life = 0
        self.violations = []
        self.call_count = 0
        self.repeat_count = 0
        self.request_count = 0
        self.note("server", life=self.life, what="opens")

    def complain(self, saga, text):
        self.violations.append("%s: %s" % (text, saga))

    def note(self, event, **members):
        self.lines.write(json.dumps({"event": event, **members}) + "\n")

    def close(self):
        self.lines.close()

    def add(self, saga):
        self.sagas[saga.gid] = saga
        last = saga.step_count
        orders = {"orders": {str(last): list(range(1, last))}} if saga.shape == "ordered" else {}
        self.note("transaction", gid=saga.gid, branches=saga.step_count, concurrent=saga.shape != "sequential",
                  wait_result=saga.wait_result, timeout_to_fail=saga.timeout_to_fail, retry_limit=saga.retry_limit,
                  **orders)

    def next_life(self):
        """The server is dead, and everything that it had sent was handled."""
        self.note("server", life=self.life, what="is dead")
        self.life += 1
        self.note("server", life=self.life, what="opens")

    def note_asked(self, saga, request):
        """Returns the number of the request."""
        self.request_count += 1
        self.note("asked", gid=saga.gid, request=request, number=self.request_count, life=self.life)
        return self.request_count

    def begin_call(self, gid, branch_id, op, life):
        """What the participant does with a call; returns (saga, step, number of the call, HTTP status to answer)."""
        saga = self.sagas[gid]
        step = int(branch_id) - 1
        self.call_count += 1
        number = self.call_count
        saga.calls.append("%d:%s%d" % (life, op[0], step + 1))
        self.check_repeat(saga, (step, op), life)
        status = saga.reply(step, op)
        self.note("sent", number=number, gid=gid, branch=step + 1, op=op, life=life)
        self.note("executed", number=number, effect=self.execute(saga, step, op, status), result=RESULTS[status])
        saga.called.add((step, op))
        return saga, step, number, status

    @staticmethod
    def execute(saga, step, op, status):
        if op == ACTION:
            if status == 409:
                return "refused"
            if saga.undone[step]:
                return "ignored"
            effect = "repeated" if saga.effect[step] else "ran"
            saga.effect[step] = True
            return effect
        effect = "repeated" if saga.undone[step] else "ran" if saga.effect[step] else "empty"
        saga.effect[step], saga.undone[step] = False, True
        return effect

    def end_call(self, saga, step, op, number, life, status, delivered):
        self.note("answered", number=number, result=RESULTS[status] if delivered else "unknown")
        if delivered and status in (200, 409):
            saga.decided[(step, op)] = life

    def check_repeat(self, saga, row, life):
        if row not in saga.decided:
            return
        self.repeat_count += 1
        if saga.decided[row] == life:
            self.complain(saga, "a branch that had answered is called again without a kill")
        step, op = row
        if op == ACTION:
            steps = saga.repeated.setdefault(life, set())
            steps.add(step)
            if saga.shape == "sequential" and len(steps) > RUN_AHEAD_STEPS:
                self.complain(saga, "more than %d actions are repeated after one kill" % RUN_AHEAD_STEPS)

    def note_end(self, statuses, rows):
        """The end of everything: {gid: final status} of the whole store, and {gid: its rows in a query}."""
        for gid in statuses.keys() - self.sagas.keys():
            self.violations.append("%s is in the store and was never sent" % gid)
        for saga in self.sagas.values():
            self.note("final_status", gid=saga.gid, status=statuses.get(saga.gid, "absent"))
            for row in rows.get(saga.gid, []):
                self.note("final_row", gid=saga.gid, branch=int(row["branch_id"]), op=row["op"], status=row["status"])
            for step, effect in enumerate(saga.effect):
                self.note("final_value", gid=saga.gid, branch=step + 1, value=int(effect))
