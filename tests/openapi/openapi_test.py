#!/usr/bin/env python3
"""Holds docs/openapi.yaml against a real server, both ways: every endpoint is described, every description is shown to
be true by an exchange, and every answer is what the description says.

    openapi_test.py --settled build/debug/bin/settled --endpoints build/debug/bin/dtm_endpoints
"""
import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "support")]
from description import Description  # noqa: E402
from participant import Participant  # noqa: E402
from settled import Settled  # noqa: E402

PATIENCE_S = 60
API = "/api/dtmsvr/"


class Client:
    """Sends requests; whatever is answered is checked against the description."""

    def __init__(self, description, server):
        self.description, self.server = description, server

    def exchange(self, method, target, query, raw):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=PATIENCE_S)
        try:
            connection.request(method, target + ("?" + urllib.parse.urlencode(query) if query else ""), raw)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        body = self.description.check_answer(method, target, answer.status, answer.headers["Content-Type"], data)
        return answer.status, body

    def send(self, expected, method, target, body=None, **query):
        """A request that is sound by the description. Its answer."""
        self.description.check_request(method, target, query, body)
        status, answer = self.exchange(method, target, query, None if body is None else json.dumps(body))
        assert status == expected, "%s %s %s: %d %s" % (method, target, body, status, answer)
        return answer

    def get(self, name, expected=200, **query):
        return self.send(expected, "GET", API + name, **query)

    def post(self, name, expected=200, **body):
        return self.send(expected, "POST", API + name, body)

    def malformed(self, method, target, raw=None, expected=400, **query):
        """A request that is not."""
        status, answer = self.exchange(method, target, query, raw)
        assert status == expected, "%s %s: %d %s" % (method, target, status, answer)
        return answer

    def wait_for(self, gid, is_there):
        end = time.monotonic() + PATIENCE_S
        while not is_there(answer := self.get("query", gid=gid)):
            assert time.monotonic() < end, "never came: %s" % answer
            time.sleep(0.01)
        return answer


def is_status(status):
    return lambda answer: answer["transaction"]["status"] == status


def sagas(client, branches):
    def steps(action):
        return {"steps": [{"action": branches + action, "compensate": branches + "done"}], "payloads": ['{"n":1}'],
                "trans_type": "saga"}
    gid = client.get("newGid")["gid"]
    client.post("submit", gid=gid, custom_data='{"mine":1}', wait_result=True, **steps("done"))
    found = client.get("query", gid=gid)
    assert is_status("succeed")(found) and "waits_for" not in found, found
    client.post("submit", 409, gid=gid, **steps("done"))
    client.post("prepare", 409, gid=gid, **steps("done"))
    client.post("submit", 409, gid="refused", wait_result=True, **steps("refuse"))
    client.wait_for("refused", is_status("failed"))
    client.post("submit", gid="failing", retry_interval=3600, **steps("broken"))
    waits_for = client.wait_for("failing", lambda answer: "next_try" in answer["waits_for"])["waits_for"]
    assert waits_for["op"] == "action" and waits_for["last_error"] and waits_for["attempts"] == 1, waits_for
    assert client.get("resetCronTime", timeout=60, limit=10)["succeed_count"] == 1
    client.post("resetNextCronTime", gid="failing")
    client.post("abort", 409, gid="failing", trans_type="saga")
    client.post("forceStop", gid="failing")
    client.post("forceStop", 409, gid="failing")
    assert client.get("query", gid="nobody")["transaction"] is None
    for name in ("forceStop", "resetNextCronTime", "abort"):
        client.post(name, 500, gid="nobody")


def branches_of_tcc(client, branches):
    def prepare(gid, action, **more):
        client.post("prepare", gid=gid, trans_type="tcc", **more)
        branch = {"gid": gid, "trans_type": "tcc", "branch_id": "01", "data": "{}", "confirm": branches + action,
                  "cancel": branches + action}
        client.post("registerBranch", **branch)
        return branch
    for number, name in enumerate(("registerBranch", "registerTccBranch", "registerXaBranch")):
        gid = "tcc-%d" % number
        branch = prepare(gid, "done")
        client.post(name, **dict(branch, branch_id="02"))
        client.post(name, 500, **dict(branch, branch_id="02"))
        client.post("submit", gid=gid, trans_type="tcc", wait_result=True)
        client.post(name, 409, **dict(branch, branch_id="03"))
        client.malformed("POST", API + name, "no json")
        client.malformed("POST", API + name, json.dumps(dict(branch, data=1)))
    client.post("prepare", 409, gid="failing", trans_type="tcc")
    prepare("ongoing", "not-yet")
    client.post("submit", 425, gid="ongoing", trans_type="tcc", wait_result=True)
    prepare("erring", "broken")
    client.post("submit", 500, gid="erring", trans_type="tcc", wait_result=True)
    prepare("not-cancelled", "not-yet", wait_result=True)
    client.post("abort", 425, gid="not-cancelled", trans_type="tcc", rollback_reason="changed mind")
    prepare("cancelled", "done")
    client.post("abort", gid="cancelled", trans_type="tcc")
    client.post("prepare", gid="xa", trans_type="xa")
    client.post("prepare", 500, gid="xa", trans_type="tcc")
    client.post("registerXaBranch", gid="xa", trans_type="xa", branch_id="01", url=branches + "done")
    client.post("submit", gid="xa", trans_type="xa", wait_result=True)


def workflows(client, branches):
    workflow = {"gid": "workflow", "trans_type": "workflow", "query_prepared": branches + "done",
                "custom_data": '{"name":"checkout","data":"e30="}'}
    assert client.post("prepareWorkflow", **workflow)["progresses"] == []
    client.post("registerBranch", gid="workflow", trans_type="workflow", branch_id="01", op="action", status="succeed",
                data="paid")
    progress = client.post("prepareWorkflow", **workflow)["progresses"]
    assert [step["bin_data"] for step in progress] == ["cGFpZA=="], progress
    client.post("submit", gid="workflow", trans_type="workflow", req_extra={"status": "succeed", "result": "e30="})
    assert client.get("query", gid="workflow")["transaction"]["result"] == "e30="
    client.post("submit", 500, gid="workflow", trans_type="workflow", req_extra={"status": "failed"})
    client.post("prepareWorkflow", 500, **dict(workflow, gid="xa"))


def topics(client, branches):
    client.get("subscribe", topic="mail", url=branches + "done", remark="letters")
    client.get("subscribe", 500, topic="mail", url=branches + "done")
    client.get("subscribe", topic="post", url=branches + "done")
    assert client.get("queryKV", cat="topics", key="mail")["kv"][0]["version"] == 1
    assert client.get("queryKV", cat="topics", key="nothing")["kv"] == []
    assert len(client.get("queryKV", cat="topics")["kv"]) == 2
    page = client.get("scanKV", cat="topics", limit=1)
    assert page["kv"][0]["k"] == "post" and page["next_position"], page
    assert client.get("scanKV", cat="topics", position=page["next_position"])["kv"][0]["k"] == "mail"
    client.post("submit", gid="msg", trans_type="msg", steps=[{"action": "topic://mail"}], payloads=["{}"],
                query_prepared=branches + "done", wait_result=True, concurrent=True)
    client.get("unsubscribe", topic="mail", url=branches + "done")
    client.get("unsubscribe", 500, topic="mail", url=branches + "done")
    client.send(200, "DELETE", API + "topic/mail")
    client.send(500, "DELETE", API + "topic/mail")
    client.malformed("DELETE", API + "topic/%zz")
    for name in ("subscribe", "unsubscribe"):
        client.malformed("GET", API + name, topic="mail")


def json_rpc(client):
    def request(method, number, **params):
        return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    target = "/api/json-rpc"
    assert client.send(200, "POST", target, request("newGid", "1"))["result"]["gid"]
    answers = client.send(200, "POST", target, [request("prepare", 1, gid="rpc", trans_type="tcc"),
                                                request("abort", 2, gid="failing", trans_type="saga"),
                                                request("submit", 3, gid="rpc")])
    assert [answer["error"] and answer["error"]["code"] for answer in answers] == [None, -32901, -32603], answers
    assert client.malformed("POST", target, "[]", 200)["error"]["code"] == -32600
    assert client.malformed("POST", target, "no json")["error"]["code"] == -32700


def lists_and_the_rest(client):
    page = client.get("all", limit=2)
    assert len(page["transactions"]) == 2 and page["next_position"], page
    client.get("all", position=page["next_position"], status="succeed", transType="saga", createTimeStart=0,
               createTimeEnd=4102444800000)
    assert [each["gid"] for each in client.get("all", gid="msg")["transactions"]] == ["msg"]
    client.get("version")
    client.send(200, "GET", "/api/ping")
    assert "dtm_server_info" in client.send(200, "GET", "/api/metrics")
    client.send(200, "POST", "/api/test/clock", {"advance_seconds": 1})
    for name in ("prepare", "submit", "abort", "prepareWorkflow", "forceStop", "resetNextCronTime"):
        client.malformed("POST", API + name, "no json")
    client.malformed("POST", "/api/test/clock", "{}")
    client.malformed("GET", API + "query")
    client.malformed("GET", API + "resetCronTime", timeout="soon")
    for name in ("all", "scanKV"):
        client.malformed("GET", API + name, limit="ten")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--settled", required=True, metavar="PROGRAM")
    parser.add_argument("--endpoints", required=True, metavar="PROGRAM")
    options = parser.parse_args()

    description = Description()
    description.check_itself()
    offered = subprocess.run([options.endpoints], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    described = {" ".join(operation) for operation in description.operations}
    assert described == set(offered), "described and offered differ in %s" % (described ^ set(offered))

    with tempfile.TemporaryDirectory(prefix="settle-openapi-") as folder, Participant() as participant:
        server = Settled(options.settled, folder, store="memory", arguments=["--test-clock"])
        try:
            server.start()
            client = Client(description, server)
            sagas(client, participant.url)
            branches_of_tcc(client, participant.url)
            workflows(client, participant.url)
            topics(client, participant.url)
            json_rpc(client)
            lists_and_the_rest(client)
            description.check_all_was_seen()
            server.stop()
        except BaseException:
            print(server.log_tail())
            raise
        finally:
            server.clean_up()
    print("%d endpoints, %d kinds of answers" % (len(offered), len(description.exchanged)))


if __name__ == "__main__":
    main()
