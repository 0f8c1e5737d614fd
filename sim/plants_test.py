"""Every planted fault is found within so many seeds."""
import subprocess
import sys

SEEDS_MAX = 2000


def main():
    program = sys.argv[1]
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout
    plants = listed.partition("plants:\n")[2].split()
    assert len(plants) >= 12, plants
    missed = []
    for plant in plants:
        run = subprocess.run([program, "--plant", plant, "--seeds", "1..%d" % SEEDS_MAX, "--first"],
                             capture_output=True, text=True, check=False)
        found = [line for line in run.stdout.splitlines() if line.startswith("found: ")]
        print("%-22s %s: %s" % (plant, run.stdout.partition(",")[0], found[0] if found else "NOT FOUND"), flush=True)
        if run.returncode != 1 or not found:
            missed.append(plant)
    return "not found: %s" % ", ".join(missed) if missed else 0


if __name__ == "__main__":
    sys.exit(main())
