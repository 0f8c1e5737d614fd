#!/usr/bin/env python3
"""Plays conversations between a client, settled and a participant, and compares everything visible with what is written.

    scenario_test.py --settled build/debug/bin/settled [--rewrite] [FILE…]

Each scenario is a file: paragraphs of input lines that begin with `> `, each followed by all that it brought about. A
line that begins with `#` is for the reader. Without --rewrite any difference fails; with it the files are written anew:
read the difference before you keep it. See README.md beside this for the inputs.
"""
import argparse
import difflib
import glob
import http.server
import json
import os
import re
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from settled import Settled  # noqa: E402

PARTICIPANT = "http://participant"
TIMES = {"create_time", "update_time", "finish_time", "rollback_time", "next_cron_time", "next_try"}


class Participant:
    """Answers 200 but where it was told otherwise, and remembers the calls."""

    def __init__(self):
        self.calls, self.replies, self.lock = [], {}, threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                status, text = outer.called(self.command, self.path, body, self.headers)
                text = json.loads(text) if text.startswith('"') else text
                self.send_response(status)
                if 300 <= status < 400 and text:
                    self.send_header("Location", text)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def called(self, method, target, body, headers):
        path = target.split("?")[0]
        with self.lock:
            planned = self.replies.get(path, [])
            status, text = (planned.pop(0) if len(planned) > 1 or planned and not planned[0][2] else planned[0])[:2] \
                if planned else (200, "")
            shown = "%s %s" % (method, PARTICIPANT + target)
            own = {name: value for name, value in headers.items() if name.lower().startswith("x-")}
            if own:
                shown += " " + json.dumps(own)
            if body:
                shown += " " + re.sub(r'"id":\s*"[^"]*"', '"id":"<id>"', body)
            self.calls.append("  calls %s -> %d%s" % (shown, status, " " + text if text else ""))
            return status, text

    def plan(self, path, replies):
        """`500 broken | 200`: one reply after another; a `*` behind the last one: for ever."""
        with self.lock:
            planned = []
            for reply in replies.split(" | "):
                words = reply.strip()
                for_ever = words.endswith("*")
                status, _, text = words.rstrip("*").strip().partition(" ")
                planned.append((int(status), text, for_ever))
            self.replies[path] = planned

    def take_calls(self):
        with self.lock:
            calls, self.calls = self.calls, []
            return calls


def normalised(value, name=""):
    if isinstance(value, dict):
        is_row = "gid" in value or "cat" in value  # of the store: its id says nothing
        return {key: normalised(inner, key) for key, inner in value.items() if key != "id" or not is_row}
    if isinstance(value, list):
        return [normalised(inner) for inner in value]
    return "<time>" if name in TIMES else value


class Play:
    def __init__(self, program, folder, store):
        self.participant = Participant()
        self.settled = Settled(program, folder, store, {"LOG_LEVEL": "error"}, ["--test-clock"])
        self.settled.start()

    def close(self):
        self.settled.clean_up()
        self.participant.server.shutdown()

    def out(self, text):
        return text.replace(self.participant.url.removeprefix("http://"), PARTICIPANT.removeprefix("http://"))

    def into(self, text):
        return text.replace(PARTICIPANT, self.participant.url)

    def shown(self, code, answer):
        if isinstance(answer, bytes):
            return "%d %s" % (code, answer.decode(errors="replace").strip())
        return "%d %s" % (code, json.dumps(normalised(answer), sort_keys=True, ensure_ascii=False))

    def request(self, method, target, body):
        message = json.loads(self.into(body)) if body else None
        if isinstance(message, str):  # a body that is no JSON is written as a JSON string
            return self.shown(*self.settled.request(method, self.into(target), raw=message))
        return self.shown(*self.settled.request(method, self.into(target), message))

    def query(self, gid):
        """The transaction in one line, each branch in one, and what it waits for."""
        _, answer = self.settled.get("/api/dtmsvr/query", gid=gid)
        transaction = answer["transaction"]
        if transaction is None:
            return ["unknown"]
        lines = [json.dumps(normalised({key: value for key, value in transaction.items() if key not in ("gid", "id")}),
                            ensure_ascii=False)]
        for branch in answer["branches"]:
            ended = "".join(" " + key for key in ("finish_time", "rollback_time") if key in branch)
            lines.append("  %-5s %-10s %-9s %s%s" % (branch["branch_id"], branch["op"], branch["status"],
                                                     branch.get("url", "-"), ended))
        if "waits_for" in answer:
            lines.append("  waits for " + json.dumps(normalised(answer["waits_for"]), ensure_ascii=False))
        return lines

    def settle(self, seconds=0):
        code, answer = self.settled.request("POST", "/api/test/clock", {"advance_seconds": seconds})
        assert code == 200, answer

    def play(self, line):
        """Everything that this input brought about."""
        words = line.split(" ", 1)
        rest = words[1] if len(words) > 1 else ""
        lines = []
        if words[0] == "participant":
            path, _, replies = rest.partition(" ")
            self.participant.plan(path, replies)
            return lines
        if words[0] in ("GET", "POST", "DELETE"):
            target, _, body = rest.partition(" ")
            answer = self.request(words[0], target, body)
            self.settle()
            lines = self.participant.take_calls() + [answer]
        elif words[0] == "jsonrpc":
            answer = self.request("POST", "/api/json-rpc", rest)
            self.settle()
            lines = self.participant.take_calls() + [answer]
        elif words[0] == "query":
            lines = self.query(rest)
        elif words[0] == "advance":
            self.settle(int(rest))
            lines = self.participant.take_calls()
        elif words[0] == "crash":
            self.settled.kill()
            self.settled.start()
            self.settle()
            lines = self.participant.take_calls()
        elif words[0] == "at-once":  # the calls of the next input come in any order
            inner = self.play(rest)
            calls = sorted(text for text in inner if text.startswith("  calls"))
            lines = calls + [text for text in inner if not text.startswith("  calls")]
        else:
            raise SystemExit("no such input: " + line)
        return [self.out(text) for text in lines]


def run(path, program):
    with open(path, encoding="utf-8") as file:
        written = file.read().splitlines()
    happened = []
    with tempfile.TemporaryDirectory(prefix="settle-scenario-") as folder:
        play = Play(program, folder, "rocksdb" if any(line == "> crash" for line in written) else "memory")
        try:
            for line in written:
                if line.startswith("> "):
                    happened += [line] + play.play(line[2:])
                elif line.startswith("#") or not line:
                    happened.append(line)
        except Exception:
            print(play.settled.log_tail())
            raise
        finally:
            play.close()
    return written, happened


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--settled", required=True, metavar="PROGRAM")
    parser.add_argument("--rewrite", action="store_true")
    parser.add_argument("files", nargs="*", metavar="FILE")
    options = parser.parse_args()
    files = options.files or sorted(glob.glob(os.path.join(HERE, "*", "*.txt")))
    assert files, "no scenarios"
    different = 0
    for path in files:
        written, happened = run(path, options.settled)
        name = os.path.relpath(path, HERE)
        if written == happened:
            print("ok   " + name)
        elif options.rewrite:
            with open(path, "w", encoding="utf-8") as file:
                file.write("\n".join(happened) + "\n")
            print("new  " + name)
        else:
            different += 1
            print("FAIL " + name)
            print("\n".join(difflib.unified_diff(written, happened, "written", "happened", lineterm="", n=2)))
    print("%d scenarios, %d different" % (len(files), different))
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
