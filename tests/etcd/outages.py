"""One settled and one etcd, and what may become of the second."""
import time

from etcd import Etcd
from grpc_peer import DtmClient, Participant
from saga_load import SagaLoad
from settled import API, Settled, free_port

DEADLINE_S = 60
REGISTERED_DEADLINE_S = 15  # what is promised, from the moment that etcd answers again
LEASE_S = 600  # of participants: longer than the test, so that they end only where it ends them
SAGAS = 60  # enough of them that each of two addresses would have been called


def wait_until(what, is_so, deadline_s=DEADLINE_S):
    end = time.monotonic() + deadline_s
    while not is_so():
        assert time.monotonic() < end, "in vain waited until " + what
        time.sleep(0.02)


class OutageTest:
    """One settled with one etcd, through all of it in this order. Each test begins where the one before has ended."""

    def __init__(self, program, folder, cleanup):
        self.etcd = Etcd(folder)
        cleanup.callback(self.etcd.kill)
        self.endpoint = "127.0.0.1:%d" % free_port()
        # A machine that is busy must not look like an outage: a call may take its time.
        self.server = Settled(program, folder, "memory", {
            "GRPC_PORT": self.endpoint.split(":")[1], "REQUEST_TIMEOUT": "30", "MICRO_SERVICE_DRIVER": "dtm-driver-gozero",
            "MICRO_SERVICE_TARGET": self.etcd.target("dtmservice"), "MICRO_SERVICE_END_POINT": self.endpoint})
        cleanup.callback(self.server.clean_up)
        self.client = DtmClient(self.endpoint)
        cleanup.callback(self.client.close)
        self.first, self.second, self.stock, self.late = (Participant() for _ in range(4))
        for participant in self.first, self.second, self.stock, self.late:
            cleanup.callback(participant.stop)
        self.load = None
        self.told = 0  # how many times the log had told of an outage when settled was registered last

    def query(self, gid):
        code, answer = self.server.get(API + "query", gid=gid)
        assert code == 200 and answer["transaction"], "query of %s: %d %s" % (gid, code, answer)
        return answer

    def has_succeeded(self, gid):
        return self.query(gid)["transaction"]["status"] == "succeed"

    def wait_until_registered(self):
        """Until settled's address is there, alone, under a lease that settled renews."""
        seen = {}  # of each lease the least that was left of it

        def is_renewed():
            found = self.etcd.registered("dtmservice")
            if list(found.values()) != [self.endpoint]:
                return False
            lease = next(iter(found)).split("/")[1]
            left = int(self.etcd.ask("lease/timetolive", {"ID": lease}).get("TTL", -1))
            seen[lease] = min(left, seen.get(lease, left))
            return left > seen[lease]
        wait_until("settled was registered", is_renewed, REGISTERED_DEADLINE_S)
        self.told = self.outages_told()

    def outages_told(self):
        lines = self.server.log_tail(1 << 20).splitlines()
        return sum("is not registered" in line and self.etcd.address in line for line in lines)

    def wait_until_noticed(self):
        """Until the log tells that settled cannot register itself: etcd is not just slow any more."""
        wait_until("the log told of the outage", lambda: self.outages_told() > self.told)

    def register_services(self):
        """Two addresses for one service, and one for another. The lease of the first."""
        lease = self.etcd.register("order", self.first.address, LEASE_S)
        self.etcd.register("order", self.second.address, LEASE_S)
        self.etcd.register("stock", self.stock.address, LEASE_S)
        return lease

    def expect_no_call(self, participant):
        before = participant.calls()
        self.load.go_on(SAGAS)
        assert participant.calls() == before, "%d calls of an address that has gone" % (participant.calls() - before)

    def expect_undisturbed_outage(self):
        """All sagas of an outage that lasts succeed at once."""
        before = len(self.load.delayed)
        self.wait_until_noticed()
        self.load.go_on(SAGAS)
        delayed = self.load.delayed[before:]
        assert not delayed, "%d sagas were delayed while etcd was away: %s" % (len(delayed), delayed[-3:])

    def test_settled_starts_without_etcd_and_registers_when_it_comes(self):
        self.server.start()
        self.client.new_gid()
        self.client.submit_saga("plain", [self.first.address + "/shop.Order/Create"], wait_result=True)
        self.wait_until_noticed()
        self.etcd.start()
        self.wait_until_registered()

    def test_a_call_of_a_service_that_nobody_has_registered_is_tried_again(self):
        self.client.submit_saga("alone", [self.etcd.target("late") + "/shop.Late/Create"])
        wait_until("it was tried twice", lambda: self.query("alone").get("waits_for", {}).get("attempts", 0) >= 2)
        answer = self.query("alone")
        assert answer["transaction"]["status"] == "submitted", answer
        said = answer["waits_for"]["last_error"]
        assert "no service is registered under 'late'" in said and self.etcd.address in said, said
        self.etcd.register("late", self.late.address, LEASE_S)
        wait_until("the saga succeeded", lambda: self.has_succeeded("alone"))
        assert self.late.calls() == 1, self.late.calls_of

    def test_an_address_that_has_gone_is_not_called_any_more(self, lease):
        self.load.go_on(SAGAS)
        wait_until("both addresses were called", lambda: self.first.calls() > 1 and self.second.calls() > 0)
        self.etcd.revoke(lease)
        self.wait_until_unused(self.first)
        self.expect_no_call(self.first)

    def wait_until_unused(self, participant):
        """Until so many sagas went by it that it cannot be by chance. The event of its going is then known."""
        def is_unused():
            before = participant.calls()
            self.load.go_on(20)
            return participant.calls() == before
        wait_until("the address was called no more", is_unused)

    def test_etcd_is_killed_and_comes_back(self):
        self.etcd.kill()
        self.expect_undisturbed_outage()
        self.etcd.start()
        self.wait_until_registered()
        self.etcd.register("order", self.first.address, LEASE_S)
        before = self.first.calls()
        wait_until("the new address was called", lambda: self.first.calls() > before)

    def test_an_address_goes_while_settled_cannot_hear_of_it(self):
        self.etcd.kill()
        self.expect_undisturbed_outage()
        self.etcd.start()
        order = self.etcd.registered("order")
        self.etcd.revoke(next(key for key, value in order.items() if value == self.first.address).split("/")[1])
        self.wait_until_unused(self.first)
        self.expect_no_call(self.first)
        self.wait_until_registered()

    def test_etcd_is_wiped_and_comes_back_empty(self):
        self.etcd.wipe()
        self.expect_undisturbed_outage()
        self.etcd.start()
        self.register_services()
        self.wait_until_registered()
        self.load.go_on(SAGAS)
        before = self.first.calls()
        wait_until("the address that is new since was called", lambda: self.first.calls() > before)

    def test_etcd_is_paused_and_goes_on(self):
        self.etcd.pause()
        self.expect_undisturbed_outage()
        self.etcd.resume()
        self.wait_until_registered()

    def test_the_lease_is_lost(self):
        key = next(iter(self.etcd.registered("dtmservice")))
        self.etcd.revoke(key.split("/")[1])
        self.wait_until_registered()
        self.load.go_on(SAGAS)

    def test_settled_stops_and_is_taken_out(self):
        self.server.stop()
        assert self.etcd.registered("dtmservice") == {}, self.etcd.registered("dtmservice")

    def run(self):
        self.tell(self.test_settled_starts_without_etcd_and_registers_when_it_comes)
        self.tell(self.test_a_call_of_a_service_that_nobody_has_registered_is_tried_again)
        lease = self.register_services()
        self.load = SagaLoad(self.server, self.client, [self.etcd.target("order") + "/shop.Order/Create",
                                                        self.etcd.target("stock") + "/shop.Stock/Take"])
        with self.load:
            self.tell(self.test_an_address_that_has_gone_is_not_called_any_more, lease)
            self.tell(self.test_etcd_is_killed_and_comes_back)
            self.tell(self.test_an_address_goes_while_settled_cannot_hear_of_it)
            self.tell(self.test_etcd_is_wiped_and_comes_back_empty)
            self.tell(self.test_etcd_is_paused_and_goes_on)
            self.tell(self.test_the_lease_is_lost)
        self.tell(self.test_settled_stops_and_is_taken_out)
        print("%d sagas, %d of them delayed" % (self.load.succeeded, len(self.load.delayed)))

    @staticmethod
    def tell(test, *arguments):
        began = time.monotonic()
        test(*arguments)
        print("ok   %5.1f s  %s" % (time.monotonic() - began, test.__name__[5:].replace("_", " ")), flush=True)
