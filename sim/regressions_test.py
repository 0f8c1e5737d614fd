"""Runs every seed of a list of those that once found something; none does any more."""
import subprocess
import sys


def main():
    program, path = sys.argv[1:]
    failed = 0
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            options, _, _ = line.partition("#")
            if not options.strip():
                continue
            run = subprocess.run([program, *options.split()], capture_output=True, text=True, check=False)
            if run.returncode != 0:
                failed += 1
                print("%s\n%s%s" % (line.strip(), run.stdout, run.stderr))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
