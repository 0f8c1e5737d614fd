"""What the SDKs' programs are told to do, and what must come of it.

Each case is a transfer of 30 between two accounts that hold 100 each. `kind` is what the program starts (POST
/start/KIND); `calls` are the participants' calls in order, as branch-op. A closed account refuses.
"""
import dataclasses


@dataclasses.dataclass
class Case:
    name: str
    kind: str
    succeeds: bool
    calls: str
    closed: str = ""  # payer or payee
    answer_is_lost: bool = False  # the payer's bank does its work, and answers the first call of it with an error
    client_fails: bool = False  # the SDK tells the client of the refusal, or that it could not go on
    vanishes: str = ""  # the client ends without a word: before or after its local transaction
    stuck_on: str = ""  # what query tells of a step that is tried again and again; the test then stops the transaction
    beyond_dtm: bool = False  # a DTM server does it otherwise


SAGA = [
    Case("saga: both banks agree -> transferred", "saga", True, "01-action 02-action"),
    Case("saga: the second step is refused -> the first is undone, the second's null compensation absorbed", "saga", False,
         "01-action 02-action 02-compensate 01-compensate", closed="payee"),
    Case("saga: an answer is lost -> the repeat is absorbed", "saga", True, "01-action 01-action 02-action",
         answer_is_lost=True),
]

MIXED = [
    Case("saga: one bank speaks HTTP, the other gRPC -> transferred", "saga-mixed", True, "01-action 02-action"),
    Case("saga: one bank speaks HTTP, the other gRPC, and one refuses -> both undo", "saga-mixed", False,
         "01-action 02-action 02-compensate 01-compensate", closed="payee"),
]

WRONG_PATH = [
    Case("saga: a method in lower case -> told by query, and tried again", "saga-wrong-method", False, "",
         stuck_on="unknown method withdraw for service bank.Bank", beyond_dtm=True),
    Case("saga: a path without the package -> told by query, and tried again", "saga-wrong-service", False, "",
         stuck_on="unknown service Bank", beyond_dtm=True),
]

TCC = [
    Case("tcc: both banks agree -> confirmed", "tcc", True, "01-try 02-try 02-confirm 01-confirm"),
    Case("tcc: the second try is refused -> the first is cancelled, the second's null cancel absorbed", "tcc", False,
         "01-try 02-try 02-cancel 01-cancel", closed="payee", client_fails=True),
]

MSG = [
    Case("msg: the local transaction commits -> delivered", "msg", True, "01-action"),
    Case("msg: the local transaction is refused -> nothing is delivered", "msg", False, "", closed="payer",
         client_fails=True),
    Case("msg: the client vanishes before its commit -> asked, and dropped", "msg", False, "00-msg", vanishes="before"),
    Case("msg: the client vanishes behind its commit -> asked, and delivered", "msg", True, "00-msg 01-action",
         vanishes="after"),
]

TOPIC = [Case("msg: a topic with two subscribers -> both get it", "topic", True, "01-01-action 01-02-action")]

XA = [
    Case("xa: both banks prepare -> committed", "xa", True, "01-action 02-action 01-commit 02-commit"),
    Case("xa: the second bank refuses -> the first is rolled back", "xa", False, "01-action 02-action 01-rollback",
         closed="payee", client_fails=True),
]

WORKFLOW = [
    Case("workflow: both banks agree -> succeeds", "workflow", True, "01-action 02-action"),
    Case("workflow: the second bank refuses -> the first step is rolled back", "workflow", False,
         "01-action 02-action 01-rollback", closed="payee", client_fails=True),
    Case("workflow: an answer is lost -> the server's callback resumes it, the repeat is absorbed", "workflow", True,
         "01-action 00-transfer-resumed-soon 01-action 02-action", answer_is_lost=True, client_fails=True),
]

GO = TCC + MSG + TOPIC + XA + WORKFLOW

CASES = {
    # DTM calls everything in a transaction over HTTP by HTTP, also a url of gRPC.
    "go": SAGA + [dataclasses.replace(case, beyond_dtm=True) for case in MIXED] + GO,
    "go_grpc": SAGA + MIXED + WRONG_PATH + GO,
    "go_etcd": SAGA + MIXED + WRONG_PATH + GO,
    "python": SAGA + TCC + MSG,
    # Release 2.1.5 has no messages, and its barrier knows no null compensation of a saga.
    "java": [SAGA[0], dataclasses.replace(SAGA[1], name="saga: the second step is refused -> the first is undone"), SAGA[2]]
            + TCC,
}
