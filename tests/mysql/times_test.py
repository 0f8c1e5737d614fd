#!/usr/bin/env python3
"""Time zones, odd gids and long values, on tables of DTM's and on settled's own.

    times_test.py --settled build/debug/bin/settled [--only TEXT]

Zones: servers in one zone, the database in another one, beside a DTM server; what waits for a retry is not called before
its time, whoever takes it up. Gids: quotes, spaces, unicode, and such that DTM's tables take for equal. Long values: stored
whole, or refused with nothing stored.

Skipped (status 77) as handover_test.py is.
"""
import argparse
import contextlib
import datetime
import os
import tempfile
import time
import urllib.parse

import servers
from participant import BROKEN, DONE, REFUSED, Participant
from settled import API

DEADLINE_S = 90
RETRY_INTERVAL_S = 2
# DTM writes the next time in whole seconds, so it may come up to one too early.
GAP_S = RETRY_INTERVAL_S - 1
RETRIED = 3
FAR_FROM_HERE = "-07:00"  # the database's zone

# What each pair is told of its zone: (first's kind and settings, second's).
ZONES = {
    "both in Shanghai": (("settled", {"TZ": "Asia/Shanghai"}), ("dtm", {"TZ": "Asia/Shanghai"})),
    "both in UTC": (("dtm", {"TZ": "UTC"}), ("settled", {"TZ": "UTC"})),
    "an offset each": (("settled", {"TZ": "America/New_York", "TIME_ZONE_OFFSET": "+08:00"}),
                       ("dtm", {"TZ": "UTC", "TIME_ZONE_OFFSET": "8"})),
    "an offset and a zone": (("settled", {"TZ": "UTC", "TIME_ZONE_OFFSET": "+8"}),
                             ("settled", {"TZ": "Asia/Shanghai"})),
}

GIDS = ["it's", 'say "yes"', "a b", "ünï-Ж-漢字-😀", "Case", "case", "CASE", "back\\slash", "per%cent_", "-- comment",
        "über", "u\u0308ber", "`tick`", "trailing", "trailing "]
# Of those that DTM's tables take for equal, the second.
EQUAL_FOR_DTM = [("Case", "case"), ("trailing", "trailing "), ("über", "UBER")]


class Scene:
    """A database with some servers and a participant, gone when the test goes on."""

    def __init__(self, options, folder, dtm, tables_of, started):
        self.options, self.folder, self.dtm, self.started = options, folder, dtm, started
        os.makedirs(folder)
        self.database = servers.start_database(folder, started, ["--default-time-zone=" + FAR_FROM_HERE], flush="0")
        if tables_of == "dtm":
            self.database.execute(servers.dtm_tables(options))
        from rows import Tables
        self.tables = Tables(self.database.port)
        self.answers = {}  # gid: what its actions are answered; DONE otherwise
        self.participant = Participant(lambda call: self.answers.get(call.gid, DONE) if call.op == "action" else DONE)
        started.callback(self.participant.stop)
        self.programs = []

    def start(self, kind, name, settings=()):
        if kind == "dtm":
            server = servers.dtm_on(self.dtm, self.folder, name, self.database.port, settings)
        else:
            server = servers.settled_on(self.options, self.folder, name, self.database.port, settings)
        self.started.callback(server.clean_up)
        server.start()
        self.programs.append(server)
        return server

    def saga(self, gid, **more):
        step = {"action": self.participant.url + "/do", "compensate": self.participant.url + "/undo"}
        return {"gid": gid, "trans_type": "saga", "steps": [step], "payloads": ["{}"],
                "retry_interval": RETRY_INTERVAL_S, "wait_result": True, **more}

    def print_logs(self):
        servers.print_logs(*self.programs, self.database)


def submit(server, message):
    return server.request("POST", API + "submit", message)


def query(server, gid):
    code, answer = server.request("GET", API + "query?gid=" + urllib.parse.quote(gid))
    assert code == 200, "query of %r: %d %s" % (gid, code, answer)
    return answer


# ---- zones -----------------------------------------------------------------------------------------------------------

def test_zones(scene, zones):
    """What each of the two has accepted is tried again and again by whoever finds it due, not too early, and both show the
    same times."""
    from rows import wait_until
    pair = [scene.start(kind, "%s-%d" % (kind, number), settings) for number, (kind, settings) in enumerate(zones)]
    gids = ["zone-%d" % number for number in range(len(pair))]
    before = datetime.datetime.now(datetime.timezone.utc)
    for server, gid in zip(pair, gids):
        scene.answers[gid] = BROKEN
        code, answer = submit(server, scene.saga(gid, wait_result=False))
        assert code == 200, answer
    for gid in gids:
        wait_until("%s was tried %d times" % (gid, RETRIED),
                   lambda gid=gid: len(scene.participant.calls_of(gid)) >= RETRIED, DEADLINE_S)
        begins = [call.began_at for call in scene.participant.calls_of(gid)]
        gaps = [later - earlier for earlier, later in zip(begins, begins[1:])]
        assert min(gaps) >= GAP_S, "%s was tried again too early: %s" % (gid, gaps)
        for server in pair:
            shown = datetime.datetime.fromisoformat(query(server, gid)["transaction"]["create_time"])
            age_s = (shown - before).total_seconds()
            assert -1.001 <= age_s <= DEADLINE_S, "%s shows %s, created after %s" % (server.name, shown, before)
    for gid in gids:
        scene.answers[gid] = DONE
    wait_until("both had ended", lambda: not scene.tables.unfinished(), DEADLINE_S)


# ---- gids ------------------------------------------------------------------------------------------------------------

def test_gids(scene, tables_of):
    server = scene.start("settled", "settled")
    equal_for_dtm = ("case", "CASE", "u\u0308ber", "trailing ")
    gids = GIDS if tables_of == "settled" else [gid for gid in GIDS if gid not in equal_for_dtm]
    for gid in gids:
        code, answer = submit(server, scene.saga(gid))
        assert code == 200, "submit of %r: %d %s" % (gid, code, answer)
    for gid in gids:
        found = query(server, gid)
        assert found["transaction"]["gid"] == gid and found["transaction"]["status"] == "succeed", found
        assert len(found["branches"]) == 2 and all(branch["gid"] == gid for branch in found["branches"]), found
        assert [call.row for call in scene.participant.calls_of(gid)] == [("01", "action")], gid
    assert query(server, "it")["transaction"] is None
    if tables_of == "dtm":
        for stored, equal in EQUAL_FOR_DTM:
            expect_clear_error(server, scene, stored, equal)


def expect_clear_error(server, scene, stored, equal):
    """`equal` is another gid for us, and neither found nor stored beside `stored` there."""
    for method, operation, message in (("GET", "query?gid=" + urllib.parse.quote(equal), None),
                                       ("POST", "submit", scene.saga(equal)),
                                       ("POST", "prepare", {"gid": equal, "trans_type": "tcc"}),
                                       ("POST", "forceStop", {"gid": equal})):
        code, answer = server.request(method, API + operation, message)
        text = str(answer)
        assert code in (400, 500) and "FAILURE" not in text and stored in text, "%s of %r beside %r: %d %s" % (
            operation, equal, stored, code, text)
    assert not scene.participant.calls_of(equal)
    assert query(server, stored)["transaction"]["status"] == "succeed"


# ---- long values -----------------------------------------------------------------------------------------------------

LONG = "x" * 3000
MIB = 1 << 20


def long_sagas(scene):
    """{name: (a saga with something long, how it shows in what is stored or called)}"""
    url = scene.participant.url
    long_url = "%s/do?long=%s" % (url, LONG)
    steps = [{"action": long_url, "compensate": long_url}]
    return {
        "url": {"steps": steps},
        "custom_data": {"custom_data": '{"concurrent": false, "note": "%s"}' % LONG},
        "headers": {"branch_headers": {"x-long": LONG}},
        "payload": {"payloads": ['"%s"' % ("y" * MIB)]},
        "query_prepared": {"query_prepared": url + "/" + LONG},
    }


def test_long_values(scene, tables_of):
    server = scene.start("settled", "settled")
    for name, more in long_sagas(scene).items():
        gid = "long-" + name
        code, answer = submit(server, scene.saga(gid, **more))
        stored = bool(scene.tables.query("select gid from trans_global where gid = %s union "
                                         "select gid from trans_branch_op where gid = %s", gid, gid))
        if code == 200:
            expect_whole(server, scene, gid, more)
        else:
            expect_refusal(name, code, answer, stored)
            assert not scene.participant.calls_of(gid)
        assert code == 200 or tables_of == "dtm" or name != "payload", "a long payload on our own tables: %s" % answer
        print("     %s of DTM's length and more: %s" % (name, "stored" if code == 200 else answer), flush=True)
    expect_refusal("gid", *submit(server, scene.saga("g" * 200)), False)
    test_long_registrations(scene, server)
    test_long_reason(scene, server)


def expect_refusal(name, code, answer, stored):
    assert code in (400, 500), "%s: %d %s" % (name, code, answer)
    assert "FAILURE" not in str(answer) and len(str(answer)) < 500, "%s: %s" % (name, str(answer)[:1000])
    assert not stored, "%s was refused and is stored" % name


def expect_whole(server, scene, gid, more):
    found = query(server, gid)
    for key in ("custom_data", "query_prepared"):
        if key in more:
            assert found["transaction"][key] == more[key], "%s is not whole" % key
    if "steps" in more:
        assert {branch["url"] for branch in found["branches"]} == {more["steps"][0]["action"]}, "the url is not whole"
    if "payloads" in more:
        assert scene.participant.calls_of(gid)[0].body == more["payloads"][0].encode(), "the payload is not whole"


def test_long_registrations(scene, server):
    """A branch that cannot be stored is refused alone: its tcc goes on without it."""
    code, answer = server.request("POST", API + "prepare", {"gid": "long-tcc", "trans_type": "tcc"})
    assert code == 200, answer
    registered = set()
    for branch_id, data in (("01", "{}"), ("02", "z" * MIB), ("b" * 200, "{}")):
        code, answer = server.request("POST", API + "registerBranch", {
            "gid": "long-tcc", "trans_type": "tcc", "branch_id": branch_id, "data": data,
            "confirm": scene.participant.url + "/confirm", "cancel": scene.participant.url + "/cancel"})
        if code == 200:
            registered.add(branch_id)
        else:
            expect_refusal("data of a branch", code, answer, (branch_id, "confirm") in scene.tables.branches("long-tcc"))
    assert "01" in registered
    code, answer = submit(server, {"gid": "long-tcc", "trans_type": "tcc", "wait_result": True})
    assert code == 200, answer
    assert {call.branch_id for call in scene.participant.calls_of("long-tcc")} == registered


def test_long_reason(scene, server):
    """Why a saga is rolled back may be long, and does not stand in the way."""
    from rows import wait_until
    gid = "long-reason"
    scene.answers[gid] = REFUSED
    scene.participant.refusal = b"reason " * 1000
    code, answer = submit(server, scene.saga(gid))
    assert code == 409 and "reason reason" in str(answer), "%d %s" % (code, answer)
    wait_until("it had failed", lambda: scene.tables.status(gid) == "failed", DEADLINE_S)
    assert "reason reason" in query(server, gid)["transaction"]["rollback_reason"]


# ---- all of it -------------------------------------------------------------------------------------------------------

def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    servers.add_options(parser)
    parser.add_argument("--only", default="", metavar="TEXT")
    options = parser.parse_args()
    servers.prepare(options, needs_dtm=True)
    dtm = servers.build_dtm(options)
    tests = {"zones, " + name: (lambda scene, zones=zones: test_zones(scene, zones), "dtm")
             for name, zones in ZONES.items()}
    for of in "settled", "dtm":
        tests["gids, tables of " + of] = (lambda scene, of=of: test_gids(scene, of), of)
        tests["long values, tables of " + of] = (lambda scene, of=of: test_long_values(scene, of), of)
    chosen = {name: test for name, test in tests.items() if options.only in name}
    assert chosen, "no test has %r in its name" % options.only
    with tempfile.TemporaryDirectory(prefix="settle-times-") as folder:
        for number, (name, (test, tables_of)) in enumerate(chosen.items()):
            began = time.monotonic()
            with contextlib.ExitStack() as started:
                scene = Scene(options, os.path.join(folder, str(number)), dtm, tables_of, started)
                try:
                    test(scene)
                    for program in scene.programs:
                        program.stop()
                except BaseException:
                    scene.print_logs()
                    raise
            print("ok   %5.1f s  %s" % (time.monotonic() - began, name), flush=True)


if __name__ == "__main__":
    main()
