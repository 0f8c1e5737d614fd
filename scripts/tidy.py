#!/usr/bin/env python3
"""Runs clang-tidy over our sources of one build folder, in parallel, and only over what it was not content with before.

    scripts/tidy.py build/debug [--tests]      --tests: those of the tests, too, which take as long again

What it was content with is remembered by content, in ~/.cache/settle-tidy, so that all clones share it. The build folder
must have been built with Ninja: its record of what each source includes tells what belongs to a source.
"""
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CLANG_TIDY = "clang-tidy-14"
VERSION = subprocess.run([CLANG_TIDY, "--version"], check=True, stdout=subprocess.PIPE).stdout
CONTENT = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "settle-tidy")


def included_files(build):
    """{object file: every file that it was made from}, as Ninja has it."""
    lines = subprocess.run(["ninja", "-C", build, "-t", "deps"], check=True, text=True, stdout=subprocess.PIPE).stdout
    found, files = {}, []
    for line in lines.splitlines():
        if line and not line.startswith(" "):
            files = found.setdefault(line.split(": #deps")[0], [])
        elif line:
            files.append(os.path.join(build, line.strip()))
    return found


def is_of_tests(object_file):
    """Whether a test's program is made of it, and nothing else."""
    target = re.search(r"CMakeFiles/([^/]+)\.dir/", object_file)[1]
    return target.endswith("_test") or target == "settle_doctest_main"


def fingerprint(words, files, build):
    """Of all that clang-tidy's opinion of one source depends on, but for the system's headers: those come with packages."""
    digest = hashlib.sha256(VERSION)
    digest.update("\0".join(words).replace(build, "BUILD").replace(ROOT, "ROOT").encode())
    for path in sorted(set(map(os.path.normpath, files))):
        if path.startswith((ROOT + os.sep, build + os.sep)):
            with open(path, "rb") as file:
                digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()


def main():
    build = os.path.abspath(sys.argv[1])
    with_tests = "--tests" in sys.argv[2:]
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = json.load(file)
    includes = included_files(build)
    settings = os.path.join(ROOT, ".clang-tidy")
    pending = {}  # source -> stamp, which is touched when clang-tidy is content
    for command in commands:
        source = os.path.normpath(command["file"])
        if not source.startswith(ROOT + os.sep) or source.startswith(build + os.sep) or not source.endswith(".cpp"):
            continue
        words = shlex.split(command["command"])
        object_file = words[words.index("-o") + 1]
        name = os.path.relpath(source, ROOT)
        is_test = name.startswith("tests" + os.sep) or "_walk" in name or is_of_tests(object_file)
        if is_test and not with_tests:
            continue
        stamp = os.path.join(CONTENT, fingerprint(words, [source, settings] + includes.get(object_file, []), build))
        if not os.path.exists(stamp):
            pending[source] = stamp

    def check(source):
        run = subprocess.run([CLANG_TIDY, "-p", build, "--quiet", source], text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        if run.returncode == 0:
            os.makedirs(os.path.dirname(pending[source]), exist_ok=True)
            with open(pending[source], "w", encoding="utf-8"):
                pass
        return source, run

    bad = 0
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for source, run in pool.map(check, pending):
            if run.returncode != 0:
                bad += 1
                print("%s\n%s%s" % (os.path.relpath(source, ROOT), run.stdout, run.stderr), flush=True)
    print("clang-tidy: %d sources checked, %d with findings" % (len(pending), bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
