"""settle-sim --check-ledger accepts a good ledger, names the rule that a doctored one breaks, refuses a broken one."""
import json
import os
import subprocess
import sys
import tempfile

FINE, FOUND, REFUSED = 0, 1, 2
ACTION, COMPENSATE = "action", "compensate"


def transaction(gid, branches, wait_result=False, timeout_to_fail=0, retry_limit=0, concurrent=False):
    return {"event": "transaction", "gid": gid, "branches": branches, "concurrent": concurrent,
            "wait_result": wait_result, "timeout_to_fail": timeout_to_fail, "retry_limit": retry_limit}


def server(life, what):
    return {"event": "server", "life": life, "what": what}


def asked(gid, number, request="submit", life=0):
    return {"event": "asked", "gid": gid, "request": request, "number": number, "life": life}


def told(number, **answer):
    return {"event": "told", "number": number, **({"ok": True} | answer)}


def call(number, gid, branch, op, life=0, effect="ran", result="SUCCESS"):
    """One call from its beginning to its answer: three lines."""
    return [{"event": "sent", "number": number, "gid": gid, "branch": branch, "op": op, "life": life},
            {"event": "executed", "number": number, "effect": effect, "result": result},
            {"event": "answered", "number": number, "result": result}]


def end(gid, status, rows, values):
    """`rows`: the statuses of action and compensation of each branch."""
    lines = [{"event": "final_status", "gid": gid, "status": status}]
    for at, row in enumerate(rows):
        lines.append({"event": "final_row", "gid": gid, "branch": at // 2 + 1, "op": (ACTION, COMPENSATE)[at % 2],
                      "status": row})
    return lines + [{"event": "final_value", "gid": gid, "branch": at + 1, "value": value}
                    for at, value in enumerate(values)]


DONE, OPEN = "succeed", "prepared"
REFUSAL = {"ok": False, "code": "failure", "text": "no room"}

# "pay" succeeds while its client waits.
PAY = [transaction("pay", 2, wait_result=True), asked("pay", 1), *call(1, "pay", 1, ACTION), *call(2, "pay", 2, ACTION),
       told(1)]
PAY_END = end("pay", "succeed", [DONE, OPEN, DONE, OPEN], [1, 1])
# The second step of "book" is refused.
BOOK = [transaction("book", 2, wait_result=True), asked("book", 2), *call(3, "book", 1, ACTION),
        *call(4, "book", 2, ACTION, effect="refused", result="FAILURE"),
        *call(5, "book", 2, COMPENSATE, effect="empty"), *call(6, "book", 1, COMPENSATE), told(2, **REFUSAL)]
BOOK_END = end("book", "failed", [OPEN, DONE, OPEN, DONE], [0, 0])
# The server is killed while "ship" is under way, and does its last step once more.
SHIP = [transaction("ship", 2), asked("ship", 3), told(3), *call(7, "ship", 1, ACTION), *call(8, "ship", 2, ACTION),
        server(0, "is dead"), server(1, "opens"), *call(9, "ship", 2, ACTION, life=1, effect="repeated")]
SHIP_END = end("ship", "succeed", [DONE, OPEN, DONE, OPEN], [1, 1])
GOOD = [server(0, "opens"), *PAY, *BOOK, *SHIP, *PAY_END, *BOOK_END, *SHIP_END]


def without(lines, *numbers):
    """Leaves out these calls."""
    return [line for line in lines
            if line["event"] not in ("sent", "executed", "answered") or line["number"] not in numbers]


def changed(lines, event, number, **members):
    return [line | members if line["event"] == event and line.get("number") == number else line for line in lines]


def moved(lines, number, before):
    """The call `number` goes before the call `before`."""
    taken = [line for line in lines if line not in without(lines, number)]
    rest = without(lines, number)
    at = next(i for i, line in enumerate(rest) if line["event"] == "sent" and line["number"] == before)
    return rest[:at] + taken + rest[at:]


def overlapping():
    """The second action begins while the first is out."""
    lines = list(GOOD)
    answered = next(line for line in lines if line["event"] == "answered" and line["number"] == 1)
    lines.remove(answered)
    at = next(i for i, line in enumerate(lines) if line["event"] == "sent" and line["number"] == 2)
    return lines[:at + 1] + [answered] + lines[at + 1:]


def ending(gid, *how):
    """The same, but that it ends otherwise."""
    kept = [line for line in GOOD if not line["event"].startswith("final_") or line["gid"] != gid]
    return kept + end(gid, *how)


GONE = [transaction("gone", 1), asked("gone", 1)]
LIMITED = [transaction("limited", 1, retry_limit=1), asked("limited", 1), told(1),
           *(line for number in (1, 2, 3)
             for line in call(number, "limited", 1, ACTION, effect="failed", result="unknown")),
           *call(4, "limited", 1, COMPENSATE, effect="empty"), *end("limited", "failed", [OPEN, DONE], [0])]
UNWANTED = changed(changed(GOOD, "executed", 4, effect="failed", result="unknown"), "answered", 4, result="unknown")

DOCTORED = [
    ("a call that was never made", without(GOOD, 2), {"all_or_nothing", "rows"}),
    ("an effect that stays", ending("book", "failed", [OPEN, DONE, OPEN, DONE], [1, 0]), {"all_or_nothing"}),
    ("what was acknowledged and called is lost", ending("ship", "absent", [], [1, 1]),
     {"acknowledged", "directions"}),
    ("what was acknowledged is lost", [*GONE, told(1), *end("gone", "absent", [], [0])], {"acknowledged"}),
    ("what a refusal told of is lost", [*GONE, told(1, **REFUSAL | {"text": "current status 'succeed'"}),
                                        *end("gone", "absent", [], [0])], {"acknowledged"}),
    ("a query does not know it", [*PAY, asked("pay", 9, "query"), told(9, status="absent"), *PAY_END],
     {"acknowledged"}),
    ("a compensation before its action", moved(GOOD, 5, before=4), {"directions", "needless", "reasons"}),
    ("an action behind a compensation", moved(GOOD, 4, before=6), {"directions", "needless", "reasons"}),
    ("compensations in the order of the actions", moved(GOOD, 6, before=5), {"order"}),
    ("an action before the one in front of it", moved(GOOD, 2, before=1), {"order"}),
    ("an action before the one in front of it has answered", overlapping(), {"one_at_a_time", "order"}),
    ("a call when its client was told the end", [*PAY, *call(9, "pay", 2, ACTION, effect="repeated"), *PAY_END],
     {"directions"}),
    ("success was told of what failed", changed(GOOD, "told", 2, ok=True), {"wait_result"}),
    ("a client is not answered", [*PAY[:-1], *PAY_END], {"answered"}),
    ("nobody refused it", UNWANTED, {"reasons"}),
    ("it was shown as ended, and ended otherwise",
     [*SHIP, asked("ship", 9, "query"), told(9, status="failed"), *SHIP_END], {"final"}),
    ("it is not finished", ending("ship", "submitted", [DONE, OPEN, OPEN, OPEN], [1, 1]), {"liveness"}),
    ("a row says less than was done", ending("ship", "succeed", [DONE, OPEN, OPEN, OPEN], [1, 1]), {"rows"}),
    ("rows are missing", ending("ship", "succeed", [DONE, OPEN], [1, 1]), {"rows"}),
    ("too many tries", LIMITED, {"retry_limit"}),
]

BROKEN = [
    ([], "is empty"),
    (["nonsense"], "line 1: the line: is not JSON"),
    (["[]"], "line 1: the line: must be an object"),
    ([{"event": "rain"}], "line 1: event: is unknown: 'rain'"),
    ([{"gid": "pay"}], "line 1: event: is missing"),
    ([{"event": "transaction", "gid": "pay"}], "line 1: branches: is missing"),
    ([transaction("pay", 0)], "line 1: branches: must be 1 or more"),
    ([transaction("pay", 2) | {"concurrent": 1}], "line 1: concurrent: must be true or false"),
    ([transaction("pay", 2) | {"orders": {"2": [3]}}], "line 1: orders: must be lists of branches"),
    ([transaction("pay", 2) | {"orders": {"0": [1]}}], "line 1: orders: must be branches, and lists of branches"),
    ([transaction("pay", 2), transaction("pay", 2)], "line 2: gid: comes twice"),
    ([asked("pay", 1)], "line 1: gid: belongs to no transaction: 'pay'"),
    ([transaction("pay", 2), asked("pay", 1, "beg")], "line 2: request: is unknown: 'beg'"),
    ([transaction("pay", 2), asked("pay", 1), asked("pay", 1)], "line 3: number: comes twice"),
    ([told(1)], "line 1: number: belongs to nothing that was begun"),
    ([transaction("pay", 2), asked("pay", 1), told(1, ok=False)], "line 3: code: is missing"),
    ([transaction("pay", 2), asked("pay", 1, "query"), told(1, status="lost")], "line 3: status: is unknown: 'lost'"),
    ([transaction("pay", 2), *call(1, "pay", 3, ACTION)], "line 2: branch: must be one of 2"),
    ([transaction("pay", 2), *call(1, "pay", 2, "act")], "line 2: op: is unknown: 'act'"),
    ([transaction("pay", 2), *call(1, "pay", 2, ACTION, effect="boom")], "line 3: effect: is unknown: 'boom'"),
    ([transaction("pay", 2), *PAY_END[1:]], "line 2: event: must come behind the final_status"),
    # What is not told cannot be broken, so how it ended must be told whole.
    ([transaction("pay", 2)], "of pay there must be one final_status"),
    ([transaction("pay", 2), *PAY_END[:-1]], "of pay there must be one final_status"),
    ([transaction("pay", 2), *PAY_END, PAY_END[0]], "of pay there must be one final_status"),
    ([transaction("pay", 2), *end("pay", "succeed", [], [1, 1])], "of pay there must be one final_status"),
]


def check(program, folder, lines):
    """(status, stdout, stderr) of a ledger of these."""
    path = os.path.join(folder, "ledger")
    with open(path, "w", encoding="utf-8") as ledger:
        ledger.writelines((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    done = subprocess.run([program, "--check-ledger", path], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="settle-ledger-") as folder:
        status, text, complaint = check(program, folder, GOOD)
        assert status == FINE and "3 transactions" in text and "0 violations" in text, text + complaint
        left_out = text.partition("rules not applied:")[2]
        assert "\n  leases: not seen: " in left_out and "\n  run_ahead: not seen: " in left_out, text
        assert "\n  directions: not seen: " in text.partition("rules applied in part:")[2], text
        for what, lines, rules in DOCTORED:
            status, text, complaint = check(program, folder, lines)
            found = {line.split()[1] for line in text.splitlines() if line.startswith("violated: ")}
            assert status == FOUND and found == rules, (what, status, found, text + complaint)
        for lines, words in BROKEN:
            status, text, complaint = check(program, folder, lines)
            assert status == REFUSED and words in complaint, (lines, status, text + complaint)
        done = subprocess.run([program, "--check-ledger", os.path.join(folder, "nowhere")], capture_output=True,
                              text=True, check=False)
        assert done.returncode == REFUSED and "cannot be read: No such file" in done.stderr, done.stderr


if __name__ == "__main__":
    main()
