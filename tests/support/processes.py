"""Running a program to its end, together with all that it starts."""
import os
import signal
import subprocess


def run_whole(command, **options):
    """As subprocess.run() with its output read as text, except that where it is interrupted nothing is left running: it
    and what it started are killed."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          start_new_session=True, **options) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # the session is its own: nobody else is in the group
            process.communicate()  # until the last of them has let go of the pipe
            raise
    return subprocess.CompletedProcess(command, process.returncode, output)
