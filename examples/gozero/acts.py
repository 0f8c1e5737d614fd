"""What the example shows: each act prints what it sees, and ends with an error where that is not what it must be."""
import json
import urllib.parse
import uuid

from stage import API, request, wait_until

TAKEN = [("01", "compensate", "prepared"), ("01", "action", "succeed"),
         ("02", "compensate", "prepared"), ("02", "action", "succeed")]
REFUSED = [("01", "compensate", "succeed"), ("01", "action", "succeed"),
           ("02", "compensate", "succeed"), ("02", "action", "failed")]
UNDECIDED = [("01", "compensate", "prepared"), ("01", "action", "prepared"),
             ("02", "compensate", "prepared"), ("02", "action", "prepared")]


def expect(what, found, expected):
    assert found == expected, "%s: expected %s, found %s" % (what, expected, found)


class Acts:
    """`tells_why`: the coordinator's query tells why a transaction is not finished (settled's does, DTM's does not)."""

    def __init__(self, stage, tells_why):
        self.stage, self.tells_why = stage, tells_why

    def run(self):
        for number, act in enumerate([self.registration, self.grpc, self.http, self.wrong_path, self.mishap, self.barrier,
                                      self.dead_service_and_coordinator, self.dead_database, self.dead_etcd], 1):
            print("%d. %s" % (number, act.__doc__), flush=True)
            act()
            print(flush=True)

    def registration(self):
        """Who is registered in etcd"""
        for key, port in self.stage.registrations().items():
            found = self.stage.etcd.registered(key)
            expect("addresses of " + key, set(found.values()), {"127.0.0.1:%d" % port})
            for full_key, address in found.items():
                print("    %-32s %s" % (full_key, address))

    def grpc(self):
        """Orders over gRPC, the services found through etcd"""
        self.take_and_refuse("/grpc/orders")

    def http(self):
        """Orders over HTTP"""
        self.take_and_refuse("/http/orders")

    def take_and_refuse(self, path):
        before = self.stock_count()
        gid = self.order(path, 3, 200, "ordered")
        self.show(gid, "succeed", TAKEN, order_state="created", stock_count=before - 3, urls=True)
        gid = self.order(path, 30, 409, "refused")
        self.show(gid, "failed", REFUSED, order_state="undone", stock_count=before - 3, urls=True)
        expect("the barrier of a refused order", self.barrier_rows(gid), [
            ["01", "action", "action"], ["01", "compensate", "compensate"],
            ["02", "action", "compensate"], ["02", "compensate", "compensate"]])

    def wrong_path(self):
        """A method path as the Go names suggest: /pb.Order/CreateOrder instead of /pb.order/createOrder"""
        before = self.stock_count()
        gid = self.order("/wrong-path/orders", 1, 202, "pending")
        self.show_waiting(gid, UNDECIDED, "UNIMPLEMENTED", order_state=None, stock_count=before)
        print("    it would be tried for ever: forceStop ends it, and calls nobody")
        code, answer = request(self.stage.ports["coordinator"], "POST", API + "forceStop", {"gid": gid})
        expect("forceStop", (code, answer), (200, {"dtm_result": "SUCCESS"}))
        self.show(gid, "failed", UNDECIDED, order_state=None, stock_count=before)

    def mishap(self):
        """An error that is no refusal: the stock service's user loses its right to write to the barrier"""
        before = self.stock_count()
        self.stage.database.execute("revoke insert on dtm_barrier.barrier from stock@127.0.0.1")
        gid = self.order("/grpc/orders", 1, 202, "pending")
        self.show_waiting(gid, [*UNDECIDED[:1], TAKEN[1], *UNDECIDED[2:]], "INSERT command denied", order_state="created",
                          stock_count=before)
        print("    the right is given back")
        self.stage.database.execute("grant insert on dtm_barrier.barrier to stock@127.0.0.1")
        self.show(gid, "succeed", TAKEN, order_state="created", stock_count=before - 1)

    def barrier(self):
        """The barrier, with calls made by hand as a network may repeat, reorder and delay them"""
        before = self.stock_count()
        print("    a call that is repeated")
        self.call_stock("repeated", "action", "deduct")
        self.call_stock("repeated", "action", "deduct")
        self.show_barrier("repeated", [["01", "action", "action"]], before - 1)
        print("    a compensation that is empty: the action never came")
        self.call_stock("overtaken", "compensate", "restore")
        self.show_barrier("overtaken", [["01", "action", "compensate"], ["01", "compensate", "compensate"]], before - 1)
        print("    an action that was suspended on its way, and comes behind its compensation")
        self.call_stock("overtaken", "action", "deduct")
        self.show_barrier("overtaken", [["01", "action", "compensate"], ["01", "compensate", "compensate"]], before - 1)

    def dead_service_and_coordinator(self):
        """The stock service ends, then the coordinator is killed; both come back"""
        before = self.stock_count()
        self.stage.stock.stop()
        gid = self.order("/grpc/orders", 1, 202, "pending")
        self.show_waiting(gid, [*UNDECIDED[:1], TAKEN[1], *UNDECIDED[2:]], "", order_state="created", stock_count=before)
        self.stage.coordinator.kill()
        self.stage.stock.start()
        self.stage.coordinator.start()
        print("    the coordinator was killed; it and the stock service are back")
        self.show(gid, "succeed", TAKEN, order_state="created", stock_count=before - 1)

    def dead_database(self):
        """The database is down, and comes back"""
        before = self.stock_count()
        self.stage.database.stop()
        gid = self.order("/grpc/orders", 1, 202, "pending")
        self.show_why(gid, "")
        self.stage.database.start()
        print("    the database is back")
        self.show(gid, "succeed", TAKEN, order_state="created", stock_count=before - 1)

    def dead_etcd(self):
        """etcd is killed and loses all its data: those who know each other go on, and register again"""
        before = self.stock_count()
        self.stage.etcd.wipe()
        gid = self.order("/grpc/orders", 1, 200, "ordered")
        self.show(gid, "succeed", TAKEN, order_state="created", stock_count=before - 1)
        self.stage.etcd.start()
        print("    etcd is back, and empty")
        for key in self.stage.registrations():
            wait_until(key + " is registered again", lambda key=key: self.stage.etcd.registered(key))
        self.registration()
        gid = self.order("/grpc/orders", 1, 200, "ordered", until_decided=True)
        self.show(gid, "succeed", TAKEN, order_state="created", stock_count=before - 2)

    def order(self, path, count, code, result, until_decided=False):
        """Places an order and compares what the customer is told. Returns the gid. An order whose fate is unknown is sent
        again under the same id, as a customer would; `until_decided`: one that is pending, too."""
        message = {"order_id": str(uuid.uuid4()), "product": "apples", "count": count}
        unwelcome = {502, 202} if until_decided else {502}
        told = wait_until("the order is taken", lambda: self.told_of_order(path, message, unwelcome))
        print("    POST %s %d apples -> %d %s" % (path, count, told[0], json.dumps(told[1])), flush=True)
        expect("the API's answer", (told[0], told[1].get("result")), (code, result))
        return told[1]["order_id"]

    def told_of_order(self, path, message, unwelcome):
        told = request(self.stage.ports["api"], "POST", path, message)
        return None if told[0] in unwelcome else told

    def show(self, gid, status, branches, order_state, stock_count, urls=False):
        """Waits for the status, then shows and compares the branches and the rows of the services."""
        wait_until("saga %s is %s" % (gid, status), lambda: self.stage.query(gid)["transaction"]["status"] == status)
        answer = self.stage.query(gid)
        print("    saga %s: %s" % (gid, status))
        for branch in answer["branches"]:
            print(("        %(branch_id)s %(op)-10s %(status)-8s " % branch + branch["url"] * urls).rstrip())
        orders = self.stage.database.execute("select id, product, count, state from shop_order.orders where id = '%s'" % gid)
        for row in orders:
            print("    order   %s" % " ".join(row))
        print("    stock   apples %d" % self.stock_count())
        for row in self.barrier_rows(gid):
            print("    barrier branch %s op %-10s reason %s" % tuple(row))
        expect("the branches", [(row["branch_id"], row["op"], row["status"]) for row in answer["branches"]], branches)
        expect("the state of the order", [row[3] for row in orders], [order_state] if order_state else [])
        expect("the stock", self.stock_count(), stock_count)

    def show_waiting(self, gid, branches, last_error, order_state, stock_count):
        self.show(gid, "submitted", branches, order_state, stock_count)
        self.show_why(gid, last_error)

    def show_why(self, gid, last_error):
        """Shows why a saga is not finished, and looks for a text in its last error."""
        if not self.tells_why:
            return
        why = self.stage.query(gid)["waits_for"]
        for name in "what", "branch_id", "op", "url", "attempts", "last_error":
            print("    waits_for.%-10s %s" % (name, why.get(name)))
        assert why.get("last_error") and last_error in why["last_error"], "%r is not in the last error" % last_error
        assert why["attempts"] >= 1, "no attempt is counted"

    def call_stock(self, gid, op, path):
        """Calls the stock service as the coordinator does."""
        query = urllib.parse.urlencode({"gid": gid, "trans_type": "saga", "branch_id": "01", "op": op})
        told = request(self.stage.ports["stock_http"], "POST", "/stock/%s?%s" % (path, query),
                       {"product": "apples", "count": 1})
        print("        POST /stock/%s (%s) -> %d" % (path, op, told[0]))
        expect("the service's answer", told[0], 200)

    def show_barrier(self, gid, rows, stock_count):
        found = self.barrier_rows(gid)
        for row in found:
            print("        barrier branch %s op %-10s reason %s" % tuple(row))
        print("        stock   apples %d" % self.stock_count())
        expect("the barrier", found, rows)
        expect("the stock", self.stock_count(), stock_count)

    def barrier_rows(self, gid):
        return self.stage.database.execute("select branch_id, op, reason from dtm_barrier.barrier where gid = '%s' "
                                           "order by branch_id, id" % gid)

    def stock_count(self):
        return int(self.stage.database.execute("select count from shop_stock.stock where product = 'apples'")[0][0])
