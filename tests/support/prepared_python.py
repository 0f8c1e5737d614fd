"""The Python with gRPC and pymysql that scripts/setup.sh prepares, for tests that speak them; the machine's own need not
have either."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PREPARED = os.path.join(ROOT, "build", "interop")


def grpc_python(prepared=PREPARED):
    """Its path; None where it is not there, or has no gRPC."""
    return python_with("grpc", prepared)


def python_with(module, prepared=PREPARED):
    """Its path; None where it is not there, or has no such module."""
    python = os.path.join(os.path.abspath(prepared), "python", "bin", "python")
    if os.path.exists(python) and subprocess.call([python, "-c", "import " + module], stderr=subprocess.DEVNULL) == 0:
        return python
    return None


def run_by(python):
    """Has it run this program anew, unless it does already: replaces the process."""
    if os.path.realpath(sys.prefix) != os.path.realpath(os.path.join(os.path.dirname(python), "..")):
        os.execv(python, [python, "-B", "-u", *sys.argv])
