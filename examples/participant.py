#!/usr/bin/env python3
"""A small participant: an order service and a stock service, as settle calls them.

    participant.py --port 8090 --stock apples=10

Each service has an action and its compensation, and keeps the three promises that a saga asks of it:

  repeats      a call may come again (settle cannot know whether a lost answer was given): the second one changes nothing
  empty undo   a compensation may come for an action that never arrived: it succeeds and changes nothing
  late action  an action may arrive after its compensation: it must not take effect any more

All three follow from one note per gid, branch and operation. Here the notes live in memory; a real service keeps them in
its database, written in the same local transaction as its own change.
"""
import argparse
import http.server
import json
import sys
import threading
import urllib.parse


class Services:
    """Orders and stock. Every method returns (HTTP status, what happened)."""

    def __init__(self, stock):
        self.stock = stock
        self.orders = {}
        self.done = {}  # (gid, branch_id, op) -> the answer that was given
        self.lock = threading.Lock()

    def call(self, service, gid, branch_id, op, request):
        with self.lock:
            key = (gid, branch_id, op)
            if key in self.done:
                return self.done[key][0], "repeat: " + self.done[key][1]
            if op == "action" and (gid, branch_id, "compensate") in self.done:
                answer = (200, "too late: compensated before")
            elif op == "compensate" and self.done.get((gid, branch_id, "action"), (0, ""))[0] != 200:
                answer = (200, "nothing to undo")
            else:
                answer = getattr(self, "%s_%s" % (service, op))(gid, request)
            self.done[key] = answer
            return answer

    def order_action(self, gid, request):
        self.orders[gid] = request
        return 200, "ordered %d %s" % (request["count"], request["item"])

    def order_compensate(self, gid, request):
        del self.orders[gid]
        return 200, "order cancelled"

    def stock_action(self, gid, request):
        item, count = request["item"], request["count"]
        left = self.stock.get(item, 0)
        if count > left:
            return 409, "only %d %s in stock" % (left, item)  # 409 is a decision: roll back, do not ask again
        self.stock[item] = left - count
        return 200, "took %d %s, %d left" % (count, item, left - count)

    def stock_compensate(self, gid, request):
        self.stock[request["item"]] += request["count"]
        return 200, "put back %d %s" % (request["count"], request["item"])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            service, op = {"/order": ("order", "action"), "/order/cancel": ("order", "compensate"),
                           "/stock": ("stock", "action"), "/stock/return": ("stock", "compensate")}[url.path]
            status, text = self.server.services.call(service, query["gid"], query["branch_id"], op, json.loads(body))
        except (KeyError, TypeError, ValueError) as error:
            status, text = 400, "cannot read the request: %r" % error
        print("    branch %s %-10s POST %-13s -> %d %s" % (query.get("branch_id"), query.get("op"), url.path, status, text),
              flush=True)
        answer = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=8090, help="0: any free one")
    parser.add_argument("--stock", nargs="*", default=["apples=10"], metavar="ITEM=COUNT")
    options = parser.parse_args()
    stock = {item: int(count) for item, count in (entry.split("=") for entry in options.stock)}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.services = Services(stock)
    print("participant listening on http://127.0.0.1:%d, stock %s" % (server.server_address[1], stock), flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
