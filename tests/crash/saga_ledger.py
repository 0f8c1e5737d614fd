"""What the crash test asks of settled, and the participant that sees whether it is kept.

The participant lives through every kill. It notes each call, with the life of the server that made it, and complains at
once about a call that the contract does not allow. What it does with a call is what a service with a barrier does: a
repeat changes nothing, a compensation of an action that never came is empty, an action after its compensation is ignored.
"""
import json

ACTION, COMPENSATE = "action", "compensate"
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
        self.doomed = self.story in ("refused", "timeout", "limit")

        self.first_life = None  # of the server, when it was sent first
        self.sent_again = False
        self.promised = None  # what the client was told: "accepted", "succeed", "failed"; None: nothing
        self.effect = [False] * self.step_count
        self.undone = [False] * self.step_count
        self.called = set()  # (step, op)
        self.decided = {}  # (step, op) -> the life in which a deciding answer was given last
        self.in_flight = {}  # (step, op) -> the life of the call that has no answer yet
        self.repeated = {}  # life -> steps whose action was called again
        self.rollback_life = None  # in which the first compensation came
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
        if self.story == "timeout":
            message["timeout_to_fail"] = 2
        elif self.story == "limit":
            message["retry_limit"] = 1
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
    """The participant. `life` is the number of the server's life that now begins or runs."""

    def __init__(self):
        self.sagas = {}
        self.life = 0
        self.violations = []
        self.call_count = 0
        self.repeat_count = 0

    def complain(self, saga, text):
        self.violations.append("%s: %s" % (text, saga))

    def begin_call(self, gid, branch_id, op, life):
        """Notes a call; returns (saga, step, HTTP status to answer)."""
        saga = self.sagas[gid]
        step = int(branch_id) - 1
        row = (step, op)
        self.call_count += 1
        saga.calls.append("%d:%s%d" % (life, op[0], step + 1))
        self.check_alone(saga, row, life)
        self.check_repeat(saga, row, life)
        if op == ACTION:
            self.check_action(saga, step, life)
        else:
            self.check_compensation(saga, step, life)

        status = saga.reply(step, op)
        if op == ACTION:
            if status != 409 and not saga.undone[step]:
                saga.effect[step] = True
        else:
            saga.effect[step], saga.undone[step] = False, True
        saga.called.add(row)
        saga.in_flight[row] = life
        return saga, step, status

    def end_call(self, saga, step, op, life, status, delivered):
        if saga.in_flight.get((step, op)) == life:
            del saga.in_flight[(step, op)]
        if delivered and status in (200, 409):
            saga.decided[(step, op)] = life

    def check_alone(self, saga, row, life):
        if saga.in_flight.get(row) == life:
            self.complain(saga, "one branch is called twice at once")
        elif saga.shape == "sequential" and life in saga.in_flight.values():
            self.complain(saga, "two calls at once in a sequential saga")

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

    def check_action(self, saga, step, life):
        if saga.rollback_life is not None and (saga.shape == "sequential" or saga.rollback_life != life):
            self.complain(saga, "an action is called after the rollback began")
        before = range(step)
        if saga.shape == "concurrent" or (saga.shape == "ordered" and step != saga.step_count - 1):
            before = ()
        if any((other, ACTION) not in saga.decided for other in before):
            self.complain(saga, "an action is called before those that it waits for")

    def check_compensation(self, saga, step, life):
        if not saga.doomed:
            self.complain(saga, "a saga that nobody refused is rolled back")
        if saga.rollback_life is None:
            saga.rollback_life = life
        if saga.shape == "sequential":
            after = range(step + 1, saga.step_count)
            if any((other, ACTION) in saga.called and (other, COMPENSATE) not in saga.decided for other in after):
                self.complain(saga, "a step is compensated before one that came after it")
            if (step, ACTION) not in saga.called and saga.first_life == life:
                self.complain(saga, "a step that never started is compensated though the server knew its whole life")

    def check_end(self, statuses):
        """Holds what happened against {gid: final status} of the whole store."""
        for gid in statuses.keys() - self.sagas.keys():
            self.violations.append("%s is in the store and was never sent" % gid)
        for saga in self.sagas.values():
            status = statuses.get(saga.gid)
            if status is None:
                if saga.promised:
                    self.complain(saga, "it was acknowledged and is lost")
                if saga.called:
                    self.complain(saga, "branches were called of what was never stored")
                continue
            if status != ("failed" if saga.doomed else "succeed"):
                self.complain(saga, "it ended as %s" % status)
            if saga.promised in ("succeed", "failed") and saga.promised != status:
                self.complain(saga, "its client was told %s and it ended as %s" % (saga.promised, status))
            if status == "succeed" and not all(saga.effect):
                self.complain(saga, "it succeeded and not every step took effect")
            if status == "failed" and any(saga.effect):
                self.complain(saga, "it failed and a step is still in effect")

    def check_rows(self, saga, status, rows):
        """Holds the rows that a query shows against the final status and against the calls."""
        shown = {(int(row["branch_id"]) - 1, row["op"]): row["status"] for row in rows}
        if len(shown) != 2 * saga.step_count:
            self.complain(saga, "query shows %d rows" % len(shown))
            return
        for step in range(saga.step_count):
            action, compensate = shown[(step, ACTION)], shown[(step, COMPENSATE)]
            if status == "succeed" and (action, compensate) != ("succeed", "prepared"):
                self.complain(saga, "it succeeded with step %d shown as %s, %s" % (step + 1, action, compensate))
            if status == "failed" and compensate == "succeed" and (step, COMPENSATE) not in saga.called:
                self.complain(saga, "a compensation is shown as done and was never called")
            if status == "failed" and (step, ACTION) in saga.called and compensate != "succeed":
                self.complain(saga, "step %d was called and is not shown as compensated" % (step + 1))
