"""Commands of Python in forks of one process that has loaded what takes long to load.

That is most of the time of a command that does little. A fork imports the modules of the package itself, so that it
runs the code of the copy that it is started in. What a test stops, or looks at while it runs, it starts in another way.

As a script this stands for Python in a pipeline: it has a fork run the script of a stage.
"""

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path

SOCKET = "socket"
RUNNER = "NETCLAIMS_RUNNER"  # a script ends at once where this is none of the processes above it, as it is not here

# For every command three open files come, and a line that describes it; its status goes back.
SERVER = """if True:
    import atexit, gc, json, os, runpy, select, socket, sys, traceback
    import netclaims  # which says what kernels numpy and torch take
    import dvc.cachemgr, dvc.data_cloud, dvc.utils.strictyaml, joblib, networkx, pandas, pydantic, scipy.optimize, torch
    from dvc.cli.parser import get_main_parser
    from dvc.repo import artifacts, datasets, experiments, graph, index, plots, stage, trie
    get_main_parser()  # imports what `dvc` can do
    for name in [name for name in sys.modules if name.partition(".")[0] == "netclaims"]:
        del sys.modules[name]
    gc.freeze()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(sys.argv[1])
    listening.listen()
    print(flush=True)
    while True:
        if sys.stdin in select.select([listening, sys.stdin], [], [])[0]:
            sys.exit()  # those who ask are gone
        client, _ = listening.accept()
        if not os.fork():
            break
        client.close()
        os.waitpid(-1, os.WNOHANG)
    listening.close()
    _, files, _, _ = socket.recv_fds(client, 1, 3)
    command = json.loads(client.makefile().readline())
    child = os.fork()
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        client.sendall(str(status).encode())
        os._exit(0)
    client.close()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(command["cwd"])
    os.environ.clear()
    os.environ.update(command["env"])
    first, *words = command["words"]
    path = [os.getcwd() if first == "-m" else os.path.dirname(os.path.abspath(first))]
    sys.path[:1] = path + [name for name in os.environ.get("PYTHONPATH", "").split(os.pathsep) if name]
    try:
        if first == "-m":
            sys.argv = words
            runpy.run_module(words[0], run_name="__main__", alter_sys=True)
        else:
            sys.argv = [first, *words]
            runpy.run_path(first, run_name="__main__")
        status = 0
    except SystemExit as ended:
        status = ended.code or 0
    except BaseException:
        status = traceback.format_exc().rstrip()
    if not isinstance(status, int):
        print(status, file=sys.stderr)
        status = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(status)  # to take apart all that is loaded takes longer than most commands
"""


@cache
def folder() -> Path:
    """Where the process listens that is forked, one for all tests of this one, and where `python` stands for it."""
    found = tempfile.TemporaryDirectory(prefix="forks-")
    place = Path(found.name)
    words = [sys.executable, "-c", SERVER, str(place / SOCKET)]
    server = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 (code of this module)
    server.stdout.readline()
    asks = f'#!/bin/sh\nexec "{sys.executable}" -I -S "{Path(__file__).resolve()}" "{place / SOCKET}" "$@"\n'
    (place / "python").write_text(asks, encoding="utf-8")
    (place / "python").chmod(0o755)
    atexit.register(found.cleanup)
    atexit.register(server.communicate)
    return place


def forked(words: list[str], cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess:
    """Run a script, or `-m` and a module, with its words, in a folder and an environment of its own."""
    with ExitStack() as stack:
        nothing = stack.enter_context(Path(os.devnull).open())
        stdout, stderr = (stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8")) for _ in range(2))
        files = [file.fileno() for file in (nothing, stdout, stderr)]
        status = ask(folder() / SOCKET, words, cwd, env, files)
        for file in (stdout, stderr):
            file.seek(0)
        return subprocess.CompletedProcess(words, status, stdout.read(), stderr.read())


def with_forks(env: dict[str, str]) -> dict[str, str]:
    """An environment in which a pipeline has its scripts run in forks as well."""
    return env | {"PATH": f"{folder()}{os.pathsep}{env['PATH']}"}


def ask(place: Path | str, words: list[str], cwd: Path | str, env: dict[str, str], files: list[int]) -> int:
    """Have a fork run a command with these files for its input, output and errors, and return its status."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(str(place))
        socket.send_fds(server, [b"."], files)
        server.sendall(json.dumps({"words": words, "cwd": str(cwd), "env": dict(env)}).encode() + b"\n")
        return int(server.recv(9))


if __name__ == "__main__":
    inherited = {name: value for name, value in os.environ.items() if name != RUNNER}
    _, place, *words = sys.argv
    done = ask(place, words, Path.cwd(), inherited, [0, 1, 2])
    sys.exit(done if done >= 0 else 128 - done)
