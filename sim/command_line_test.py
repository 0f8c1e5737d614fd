"""The command line of settle-sim: what it refuses, what it prints, and its exit status."""
import subprocess
import sys

USAGE, FINE = 2, 0


def run(*arguments):
    done = subprocess.run([sys.argv[1], *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def main():
    for arguments, words in [
            (["--sed", "1"], "unrecognised option"),
            ([], "give --seed N, --seeds A..B or --check-ledger FILE"),
            (["--seed", "1", "--seeds", "1..2"], "give --seed N, --seeds A..B or --check-ledger FILE"),
            (["--check-ledger", "ledger", "--seed", "1"], "--check-ledger: does not go with --seed"),
            (["--check-ledger", ""], "--check-ledger: must be a file"),
            (["--seed", "one"], "--seed: must be a number, is 'one'"),
            (["--seeds", "5..1"], "the last is before the first"),
            (["--seeds", "5"], "must be A..B"),
            (["--seeds", "1..2", "--trace"], "need --seed"),
            (["--seed", "1", "--faults", "rain"], "no such fault: 'rain'"),
            (["--seed", "1", "--plant", "lose_group"], "only settle-sim-planted"),
    ]:
        status, _, complaint = run(*arguments)
        assert status == USAGE, (arguments, status)
        assert words in complaint, (arguments, complaint)
    status, text, _ = run("--help")
    assert status == FINE and "--minimise" in text, text
    status, text, _ = run("--list")
    assert status == FINE and "lost_answer" in text and "plants" not in text, text

    status, whole, _ = run("--seed", "3", "--trace")
    assert status == FINE and "stored_status" in whole and "0 violations, trace" in whole, whole[-500:]
    assert run("--seed", "3", "--trace")[1] == whole, "the same seed went another way"
    status, narrowed, _ = run("--seed", "3", "--transactions", "1", "--faults", "none", "--incidents", "none")
    assert status == FINE and "\nt1: " in narrowed and "\nt0: " not in narrowed, narrowed
    status, text, _ = run("--seeds", "1..5", "--jobs", "2")
    assert status == FINE and text.startswith("5 seeds, ") and "0 seeds found something" in text, text


if __name__ == "__main__":
    main()
