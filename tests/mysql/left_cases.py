"""Transactions that one server leaves behind in every state, for another one on the same database to finish."""
import base64
import json

from participant import BROKEN, DONE, LATER, NEVER, REFUSED

SUCCEED, FAILED = "succeed", "failed"
# A call that is never answered: DTM would take its transaction up again meanwhile, and call it twice.
LONG_S = 600
# settled would not, but it holds a transaction for as long as two of its calls may take.
HELD_S = 20


class Case:
    """`troubled` and `for_good` say what (branch, op) is answered, until the handover and always; all else is DONE. `left`
    are the calls that have been made when the transaction is in the state that is meant; those with a number, so often."""

    def __init__(self, name, begin, ends, left=(), troubled=(), for_good=(), go_on=None, aged=False, steps=0,
                 sequential=True):
        self.name, self.begin, self.ends = name, begin, ends
        self.left, self.troubled, self.for_good = dict(left), dict(troubled), dict(for_good)
        self.go_on = go_on  # what its client does after the handover
        self.aged = aged  # as if it were hours old by then: whatever waits for a time has come to it
        self.steps, self.sequential = steps, sequential
        self.gid = name.replace(" ", "-")

    @property
    def is_held(self):
        return NEVER in self.troubled.values()

    def decide(self, call, in_trouble):
        answers = {**self.for_good, **(self.troubled if in_trouble else {})}
        return answers.get(call.row, DONE)


def action(number):
    return "%02d" % number, "action"


def compensate(number):
    return "%02d" % number, "compensate"


# ---- how they begin: begin(client, gid, options) ---------------------------------------------------------------------

def saga(steps, api="submit", **more):
    def begin(client, gid, options):
        step = {"action": client.url + "/do", "compensate": client.url + "/undo"}
        client.post(api, {"gid": gid, "trans_type": "saga", "steps": [step] * steps, "payloads": ["{}"] * steps,
                          **options, **more})
    return begin


def msg(steps, api="submit", **more):
    def begin(client, gid, options):
        message = {"gid": gid, "trans_type": "msg", "steps": [{"action": client.url + "/do"}] * steps,
                   "payloads": ["{}"] * steps, "query_prepared": client.url + "/query", **options, **more}
        client.post("prepare", message)
        if api == "submit":
            client.post("submit", message)
    return begin


def two_phase(kind, branches, ended_by=None):
    """A tcc or an xa with so many branches, then submitted, aborted, or neither."""
    def begin(client, gid, options):
        client.post("prepare", {"gid": gid, "trans_type": kind, **options})
        for number in range(1, branches + 1):
            register(client, kind, gid, number)
        if ended_by:
            client.post(ended_by, {"gid": gid, "trans_type": kind, **options})
    return begin


def register(client, kind, gid, number):
    urls = {"url": client.url + "/xa"} if kind == "xa" else {"confirm": client.url + "/confirm",
                                                             "cancel": client.url + "/cancel"}
    client.post("registerBranch", {"gid": gid, "trans_type": kind, "branch_id": "%02d" % number, "data": "{}", **urls})


def workflow(client, gid, options):
    custom = json.dumps({"name": "wf", "data": base64.b64encode(b"{}").decode()})
    client.post("prepareWorkflow", {"gid": gid, "trans_type": "workflow", "query_prepared": client.url + "/workflow",
                                    "custom_data": custom, **options})
    client.post("registerBranch", {"gid": gid, "trans_type": "workflow", "branch_id": "01", "op": "action",
                                   "status": "succeed", "data": "result of the first step", "sync": "1"})


# ---- what their clients do later: go_on(client, gid, options) --------------------------------------------------------

def submit(kind):
    return lambda client, gid, options: client.post("submit", {"gid": gid, "trans_type": kind, **options})


def register_one_more(client, gid, options):
    register(client, "tcc", gid, 3)
    submit("tcc")(client, gid, options)


ORDERS = json.dumps({"concurrent": True, "orders": {"2": [0, 1]}})


def cases():
    return [
        Case("saga in flight", saga(3), SUCCEED, {action(2): 1}, {action(2): NEVER}, steps=3),
        Case("saga after errors", saga(3), SUCCEED, {action(2): 2}, {action(2): BROKEN}, steps=3),
        Case("saga not yet", saga(2), SUCCEED, {action(2): 2}, {action(2): LATER}, steps=2),
        Case("saga aborting in flight", saga(3), FAILED, {compensate(2): 1}, {compensate(2): NEVER},
             {action(3): REFUSED}, steps=3),
        Case("saga half compensated", saga(3), FAILED, {compensate(1): 2}, {compensate(1): BROKEN}, {action(3): REFUSED},
             steps=3),
        Case("saga that times out", saga(3, timeout_to_fail=1000), FAILED, {action(2): 2}, {action(2): BROKEN}, aged=True,
             steps=3),
        Case("saga prepared", saga(2, api="prepare"), SUCCEED, go_on=saga(2), steps=2),
        Case("orders after errors", saga(3, custom_data=ORDERS), SUCCEED, {action(1): 1, action(2): 2},
             {action(2): BROKEN}, steps=3, sequential=False),
        Case("orders half compensated", saga(3, custom_data=ORDERS), FAILED, {compensate(1): 2}, {compensate(1): BROKEN},
             {action(3): REFUSED}, steps=3, sequential=False),
        Case("tcc prepared", two_phase("tcc", 2), SUCCEED, go_on=submit("tcc")),
        Case("tcc with one more", two_phase("tcc", 2), SUCCEED, go_on=register_one_more),
        Case("tcc forgotten", two_phase("tcc", 2), FAILED, aged=True),
        Case("tcc confirming", two_phase("tcc", 3, "submit"), SUCCEED, {("02", "confirm"): 2}, {("02", "confirm"): BROKEN}),
        Case("tcc cancelling", two_phase("tcc", 3, "abort"), FAILED, {("02", "cancel"): 1}, {("02", "cancel"): NEVER}),
        Case("xa committing", two_phase("xa", 3, "submit"), SUCCEED, {("02", "commit"): 2}, {("02", "commit"): BROKEN}),
        Case("xa rolling back", two_phase("xa", 3, "abort"), FAILED, {("02", "rollback"): 2}, {("02", "rollback"): BROKEN}),
        Case("xa forgotten", two_phase("xa", 2), FAILED, aged=True),
        Case("msg prepared", msg(2, api="prepare"), SUCCEED, go_on=msg(2), steps=2),
        Case("msg forgotten", msg(2, api="prepare"), SUCCEED, aged=True, steps=2),
        Case("msg refused", msg(2, api="prepare"), FAILED, for_good={("00", "msg"): REFUSED}, aged=True, steps=2),
        Case("msg half done", msg(3), SUCCEED, {action(2): 2}, {action(2): BROKEN}, steps=3),
        Case("msg concurrent", msg(3, concurrent=True), SUCCEED, {action(1): 1, action(2): 2, action(3): 1},
             {action(2): BROKEN}, steps=3, sequential=False),
        Case("msg delayed", msg(2, custom_data=json.dumps({"delay": 1000})), SUCCEED, aged=True, steps=2),
        Case("workflow with progress", workflow, SUCCEED, {("00", "wf"): 2}, {("00", "wf"): BROKEN}),
    ]


def options_of(case, first):
    """`first`: which kind of server is to leave it behind."""
    if not case.is_held:
        return {"retry_interval": 1}
    if first == "dtm":
        return {"retry_interval": LONG_S, "request_timeout": LONG_S}
    return {"retry_interval": 1, "request_timeout": HELD_S}
