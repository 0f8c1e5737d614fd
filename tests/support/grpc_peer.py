"""Both ends of settled over gRPC, for tests in Python with grpcio: a participant, and a client of DTM's API."""
import collections
import json
import threading
from concurrent import futures

import grpc

CALL_DEADLINE_S = 60


class Participant:
    """A service on a free port that answers every call of every method with success, and keeps the books."""

    def __init__(self):
        self.lock = threading.Lock()
        self.calls_of = collections.Counter()  # method: calls
        self.server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[AnyMethod(self.note)],
                                  options=[("grpc.so_reuseport", 0)])
        self.address = "127.0.0.1:%d" % self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def note(self, method):
        with self.lock:
            self.calls_of[method] += 1

    def calls(self):
        """How many there were."""
        with self.lock:
            return sum(self.calls_of.values())

    def stop(self):
        self.server.stop(0).wait()


class AnyMethod(grpc.GenericRpcHandler):
    def __init__(self, note):
        self.note = note

    def service(self, details):
        def answer(_request, _context):
            self.note(details.method)
            return b""
        return grpc.unary_unary_rpc_method_handler(answer)


class DtmClient:
    """Threads: any may call."""

    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)
        self.submit_call = self.channel.unary_unary("/dtmgimp.Dtm/Submit")
        self.new_gid_call = self.channel.unary_unary("/dtmgimp.Dtm/NewGid")

    def new_gid(self):
        return read_text(self.new_gid_call(b"", timeout=CALL_DEADLINE_S))

    def submit_saga(self, gid, actions, wait_result=False, retry_interval_s=1):
        """A step for each url; undone by the same url with Undo behind it. grpc.RpcError where it is refused, or, with
        wait_result, where its first pass does not succeed."""
        steps = json.dumps([{"action": url, "compensate": url + "Undo"} for url in actions])
        options = number_field(1, int(wait_result)) + number_field(3, retry_interval_s)
        payloads = b"".join(bytes_field(5, b"payload") for _ in actions)
        self.submit_call(bytes_field(1, gid.encode()) + bytes_field(2, b"saga") + bytes_field(3, options) + payloads +
                         bytes_field(7, steps.encode()), timeout=CALL_DEADLINE_S)

    def close(self):
        self.channel.close()


# The little that these messages need of protobuf (proto/dtm.proto has their numbers).

def variable_length(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def number_field(number, value):
    return variable_length(number << 3) + variable_length(value)


def bytes_field(number, value):
    return variable_length(number << 3 | 2) + variable_length(len(value)) + value


def read_text(message):
    """The text of a message that holds one short text, as field 1, and nothing else."""
    assert message[0] == 1 << 3 | 2 and message[1] == len(message) - 2, "not a message of one text: %r" % message
    return message[2:].decode()
