"""A script that answers each JSON line with one, started anew when it dies."""

import json
import signal
import subprocess


class Service:
    """One process of `command`; what it writes to standard error goes to the file `log`."""

    def __init__(self, command, log):
        self._command, self._log = command, log
        self._process = None

    def ask(self, **job):
        """Return the answer; ``{"signal": name}`` from a process that was killed, ``{"exit": code}`` from one that ended."""
        if self._process is None:
            self._start()
        try:
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if line:
            return json.loads(line)
        code = self.close()
        return {"signal": signal.Signals(-code).name} if code < 0 else {"exit": code}

    def close(self):
        """End the process and return its code."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        with process:  # closes its input, which ends it, and waits
            pass
        return process.returncode

    def _start(self):
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
