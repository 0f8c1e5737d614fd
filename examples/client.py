#!/usr/bin/env python3
"""Runs two sagas and shows how each ends: one that succeeds, one that is refused and compensated.

    client.py --settle http://127.0.0.1:36789 --participant http://127.0.0.1:8090

Wants examples/participant.py with 10 apples. Exits with 0 only if both sagas ended as they must.
"""
import argparse
import json
import sys
import urllib.error
import urllib.parse
import urllib.request


def request(url, message=None):
    """(HTTP status, the JSON answer). A message makes it a POST."""
    body = None if message is None else json.dumps(message).encode()
    call = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(call, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def run_saga(api, participant, count):
    """Orders so many apples. Returns the final status and each row as (branch_id, op, status)."""
    gid = request(api + "newGid")[1]["gid"]
    print("saga %s: order %d apples" % (gid, count), flush=True)
    payload = json.dumps({"item": "apples", "count": count})
    status, answer = request(api + "submit", {
        "gid": gid,
        "trans_type": "saga",
        "steps": [
            {"action": participant + "/order", "compensate": participant + "/order/cancel"},
            {"action": participant + "/stock", "compensate": participant + "/stock/return"},
        ],
        "payloads": [payload, payload],
        "wait_result": True,
    })
    print("    submit -> %d %s" % (status, json.dumps(answer)))
    told = request(api + "query?" + urllib.parse.urlencode({"gid": gid}))[1]
    rows = [(branch["branch_id"], branch["op"], branch["status"]) for branch in told["branches"]]
    for row in rows:
        print("    row %s %-10s %s" % row)
    print("    status: %s\n" % told["transaction"]["status"], flush=True)
    return told["transaction"]["status"], rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--settle", default="http://127.0.0.1:36789")
    parser.add_argument("--participant", default="http://127.0.0.1:8090")
    options = parser.parse_args()
    api = options.settle + "/api/dtmsvr/"

    taken = run_saga(api, options.participant, 3)
    refused = run_saga(api, options.participant, 30)

    expect_taken = ("succeed", [("01", "compensate", "prepared"), ("01", "action", "succeed"),
                                ("02", "compensate", "prepared"), ("02", "action", "succeed")])
    expect_refused = ("failed", [("01", "compensate", "succeed"), ("01", "action", "succeed"),
                                 ("02", "compensate", "succeed"), ("02", "action", "failed")])
    if (taken, refused) != (expect_taken, expect_refused):
        sys.exit("the sagas did not end as they must")
    print("both sagas ended as they must: one done whole, one undone whole")


if __name__ == "__main__":
    main()
