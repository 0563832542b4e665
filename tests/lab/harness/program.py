"""A program of ours under test: its process, its log, its RPC socket."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time

from .processes import end_with_parent

START_LIMIT = 20.0
STOP_LIMIT = 20.0


class ProgramError(Exception):
    """The program did not do what every scenario expects of it."""


class Program:
    """One process; it may be killed and started again. What is it, when is it ready: the classes that inherit this say."""

    what = "program"
    more = ""  # variable of the environment with more arguments

    def __init__(self, log: pathlib.Path, rpc_socket: pathlib.Path):
        self.log = log
        self.socket = rpc_socket
        self.process = None

    def command(self) -> list:
        raise NotImplementedError

    def is_ready(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        """Start it and wait until it can be reached."""
        command = [*self.command(), *os.environ.get(self.more, "").split()]
        with open(self.log, "ab") as log:
            log.write(f"lab: {' '.join(map(str, command))}\n".encode())
            log.flush()
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=end_with_parent
            )
        end = time.monotonic() + START_LIMIT
        while not self.is_ready():
            if self.process.poll() is not None:
                status = self.process.returncode
                raise ProgramError(f"{self.what} ended at its start with status {status}: {self.last_line()}")
            if time.monotonic() > end:
                raise ProgramError(f"{self.what} cannot be reached {START_LIMIT:.0f} s after its start: {self.last_line()}")
            time.sleep(0.02)

    def last_line(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return lines[-1].strip() if lines else "(no output)"

    def kill9(self) -> None:
        """What a crash or the OOM killer does to it."""
        self.check_running()
        self.process.kill()
        self.process.wait()

    def check_running(self) -> None:
        if self.process is None or self.process.poll() is not None:
            status = None if self.process is None else self.process.returncode
            raise ProgramError(f"{self.what} ended by itself with status {status}: {self.last_line()}")

    def stop(self) -> None:
        """End it as a service manager does; it has to obey in time, with status 0."""
        self.check_running()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise ProgramError(f"{self.what} still ran {STOP_LIMIT:.0f} s after SIGTERM") from None
        if status != 0:
            raise ProgramError(f"{self.what} ended with status {status} after SIGTERM: {self.last_line()}")

    def discard(self) -> None:
        """Whatever state it is in: gone."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def panicked(self):
        """The line of a panic, even of one that it survived."""
        for line in self.log.read_text(errors="replace").splitlines() if self.log.exists() else []:
            if "panicked at" in line:
                return line.strip()
        return None

    def answers(self, method: str) -> bool:
        try:
            self.rpc(method)
            return True
        except (OSError, ProgramError):
            return False

    def rpc(self, method: str, params=None):
        """One JSON-RPC 2.0 call; its result, or a ProgramError with the error object."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method}
        if params is not None:
            request["params"] = params
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(self.socket))
            connection.sendall(json.dumps(request).encode())
            answer = receive_json(connection)
        if "error" in answer:
            raise ProgramError(f"{method}: {json.dumps(answer['error'])}")
        return answer["result"]


def receive_json(connection: socket.socket):
    """Read until what has come is one whole JSON value."""
    text = b""
    while True:
        part = connection.recv(65536)
        if not part:
            raise ProgramError(f"RPC connection closed after {text!r}")
        text += part
        try:
            return json.loads(text)
        except ValueError:
            continue
