"""A service with accounts in a MariaDB that takes part in distributed transactions, and starts them, by the Python SDK of
DTM."""
import http.server
import json
import os
import traceback
import urllib.parse

import pymysql
from dtmcli import barrier, msg, saga, tcc, utils

COORDINATOR = "http://" + os.environ["COORDINATOR"] + "/api/dtmsvr"
PORT = int(os.environ["BANK_PORT"])
SELF = "http://127.0.0.1:%d" % PORT

answered = set()  # gids of transfers whose lost answer has been lost


def connect():
    return pymysql.connect(host="127.0.0.1", port=int(os.environ["DATABASE_PORT"]), user="bank", password="bank",
                           database="bank")


def change(statement, *arguments):
    """A function that runs a statement on an account. Where it finds none that is open and has enough, that is a refusal:
    the coordinator does not try again but rolls back."""
    def run(cursor, transfer):
        if cursor.execute(statement, [transfer[argument] for argument in arguments]) == 0:
            raise utils.DTMFailureError("the account refuses")
    return run


withdraw = change("update account set balance = balance - %s where name = %s and not closed and balance >= %s",
                  "amount", "payer", "amount")
deposit = change("update account set balance = balance + %s where name = %s and not closed", "amount", "payee")

# Path -> the work, done behind the barrier. What undoes does not look whether the account is closed: only the barrier
# keeps it from undoing what was never done.
PARTICIPANTS = {
    "/saga/withdraw": withdraw,
    "/saga/undo-withdrawal": change("update account set balance = balance + %s where name = %s", "amount", "payer"),
    "/saga/deposit": deposit,
    "/saga/undo-deposit": change("update account set balance = balance - %s where name = %s", "amount", "payee"),
    "/tcc/try-withdrawal": change("update account set balance = balance - %s, frozen = frozen + %s where name = %s "
                                  "and not closed and balance >= %s", "amount", "amount", "payer", "amount"),
    "/tcc/confirm-withdrawal": change("update account set frozen = frozen - %s where name = %s", "amount", "payer"),
    "/tcc/cancel-withdrawal": change("update account set balance = balance + %s, frozen = frozen - %s where name = %s",
                                     "amount", "amount", "payer"),
    "/tcc/try-deposit": change("update account set frozen = frozen + %s where name = %s and not closed", "amount", "payee"),
    "/tcc/confirm-deposit": change("update account set balance = balance + %s, frozen = frozen - %s where name = %s",
                                   "amount", "amount", "payee"),
    "/tcc/cancel-deposit": change("update account set frozen = frozen - %s where name = %s", "amount", "payee"),
    "/msg/deposit": deposit,
}


def start_saga(gid, transfer):
    """Hands the whole transaction over; from then on the coordinator calls."""
    transaction = saga.Saga(COORDINATOR, gid)
    transaction.add(transfer, SELF + "/saga/withdraw", SELF + "/saga/undo-withdrawal")
    transaction.add(transfer, SELF + "/saga/deposit", SELF + "/saga/undo-deposit")
    transaction.trans_base.retry_interval = 1
    transaction.submit()


def start_tcc(gid, transfer):
    """Calls each try itself. When the function ends well the coordinator calls the confirms, else the cancels."""
    def call_tries(transaction):
        transaction.call_branch(transfer, SELF + "/tcc/try-withdrawal", SELF + "/tcc/confirm-withdrawal",
                                SELF + "/tcc/cancel-withdrawal")
        transaction.call_branch(transfer, SELF + "/tcc/try-deposit", SELF + "/tcc/confirm-deposit",
                                SELF + "/tcc/cancel-deposit")
    if tcc.tcc_global_transaction(COORDINATOR, gid, call_tries) == "":
        raise utils.DTMFailureError("rolled back")


def start_message(gid, transfer):
    """Withdraws in a transaction of its own database, and has the deposit delivered if that commits. A client that
    vanishes in between leaves it to the coordinator to ask /msg/query-prepared how it went."""
    message = msg.Msg(COORDINATOR, gid).add(transfer, SELF + "/msg/deposit")
    query_prepared = SELF + "/msg/query-prepared"
    connection = connect()
    try:
        def local_work(cursor):
            withdraw(cursor, transfer)
        if not transfer["vanishes"]:
            message.do_and_submit_db(query_prepared, connection.cursor(), local_work)
            return

        message.trans_base.timeout_to_fail = 3
        message.prepare(query_prepared)
        if transfer["vanishes"] == "after":
            barrier.BranchBarrier("msg", gid, "00", "msg").call(connection.cursor(), local_work)
    finally:
        connection.close()


STARTS = {"/start/saga": start_saga, "/start/tcc": start_tcc, "/start/msg": start_message}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if path == "/ready":
            self.answer(200, {})
        elif path in STARTS:
            self.answer(200, self.start(STARTS[path], json.loads(body)))
        else:
            self.answer(*self.take_part(path, dict(urllib.parse.parse_qsl(query)), body))

    do_POST = do_GET

    def start(self, start, transfer):
        gid = utils.gen_gid(COORDINATOR)
        try:
            start(gid, transfer)
            return {"gid": gid, "error": ""}
        except Exception as error:
            traceback.print_exc()
            return {"gid": gid, "error": repr(error)}

    def take_part(self, path, call, body):
        """Notes the call and does the work. 409 refuses, 500 has the call repeated."""
        connection = connect()
        try:
            cursor = connection.cursor()
            cursor.execute("insert into call_log(gid, branch_id, op) values (%s, %s, %s)",
                           (call["gid"], call["branch_id"], call["op"]))
            connection.commit()
            branch = barrier.BranchBarrier(call["trans_type"], call["gid"], call["branch_id"], call["op"])
            if path == "/msg/query-prepared":
                branch.query_prepared(cursor)
                return 200, {}
            transfer = json.loads(body)
            branch.call(cursor, lambda cursor: PARTICIPANTS[path](cursor, transfer))
            if transfer["answer_is_lost"] and call["gid"] not in answered:
                answered.add(call["gid"])
                return 500, {"error": "the answer is lost"}
            return 200, {}
        except utils.DTMFailureError as error:
            return 409, {"error": str(error)}
        except Exception as error:
            traceback.print_exc()
            return 500, {"error": repr(error)}
        finally:
            connection.close()

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
