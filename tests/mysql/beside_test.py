#!/usr/bin/env python3
"""DTM and settled at work on one database at the same time, with requests to either.

    beside_test.py --settled build/release/bin/settled [--seconds 60] [--seed N]

What one has accepted may be finished by the other. Nothing that was acknowledged is lost, everything ends, all or nothing
at a participant with a barrier. (That a branch is not called twice at once is not asked here: DTM holds a transaction for
the retry interval, however long it works on it.)

Skipped (status 77) as handover_test.py is.
"""
import argparse
import asyncio
import contextlib
import os
import tempfile
import time

import servers
from load import Load
from participant import Participant

DEADLINE_S = 120
CLIENTS = 16


async def run_load(load, tables, seconds):
    from rows import wait_until
    clients = asyncio.create_task(load.run_clients(CLIENTS))
    await asyncio.sleep(seconds)
    load.running = False
    await clients
    # A message or tcc that its client left prepared ends, too, by its timeout.
    await asyncio.to_thread(wait_until, "all had ended", lambda: not tables.unfinished(), DEADLINE_S, 0.2)


def run(options, folder, started):
    from rows import Tables
    dtm_program = servers.build_dtm(options)
    database = servers.start_database(folder, started)
    database.execute(servers.dtm_tables(options))
    both = [servers.dtm_on(dtm_program, folder, "dtm", database.port),
            servers.settled_on(options, folder, "settled", database.port)]
    # DTM answers 500 where a submit waits for a result and finds an error. A tcc that is then submitted to it once more
    # is `succeed` for it at once, with nothing confirmed.
    load = Load(options.seed, None, both, may_say=[500], sends_again=False)
    participant = Participant(load.decide)
    started.callback(participant.stop)
    load.url = participant.url
    tables = Tables(database.port)
    try:
        for server in both:
            started.callback(server.clean_up)
            server.start()
            server.up, server.may_hang = True, False
        began = time.monotonic()
        asyncio.run(run_load(load, tables, options.seconds))
        statuses = tables.statuses()
        faults = load.faults(statuses, participant)
        for fault in faults[:20]:
            print("VIOLATION " + fault)
        assert not faults, "%d violations, seed %d" % (len(faults), options.seed)
        for server in both:
            server.stop()
        print("%s; all ended %.1f s after the load" % (
            load.summary(statuses, participant), time.monotonic() - began - options.seconds))
        for name in "succeed", "failed":
            assert name in statuses.values(), "none %s" % name
    except BaseException:
        servers.print_logs(*both, database)
        raise


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    servers.add_options(parser)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    options = parser.parse_args()
    servers.prepare(options, needs_dtm=True)
    print("seed %d" % options.seed, flush=True)
    with tempfile.TemporaryDirectory(prefix="settle-beside-") as folder, contextlib.ExitStack() as started:
        run(options, folder, started)


if __name__ == "__main__":
    main()
