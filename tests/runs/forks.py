"""A server that imports everything once and forks a ``probe`` process for each line it is sent.

A line is JSON: ``{"arguments": [...], "after": 0.4, "study": "…", "videos": 2}``. The process is killed
0.4 seconds after the study has two videos; ``after`` null lets it finish. The answer says how it ended and
how long it ran. Run as a script; the tests start it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path


def serve() -> None:
    import av  # noqa: F401
    import diffusers  # noqa: F401
    import torch
    import transformers  # noqa: F401

    from dymos_probe.cli import main
    from dymos_probe.pairs import load_pair, load_pipeline

    torch.set_num_threads(1)
    for arm in ("t2v", "i2v"):
        load_pipeline(load_pair("tiny-cogvideox", device="cpu"), arm)  # imports what diffusers loads late
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0)
            os.dup2(null, 1)
            status = 1
            try:
                main(request["arguments"])
            except SystemExit as left:
                status = int(left.code or 0)
            finally:
                sys.stderr.flush()
                os._exit(status)
        if request["after"] is not None:
            # Once so many videos are there, which is work that is under way, not libraries being loaded.
            deadline = began + 60
            while len(list(Path(request["study"]).glob("videos/*/*.mp4"))) < request["videos"]:
                if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) or time.monotonic() > deadline:
                    break
                time.sleep(0.005)
            time.sleep(request["after"])
            os.kill(child, signal.SIGKILL)
        _, ended = os.waitpid(child, 0)
        seconds = time.monotonic() - began
        print(json.dumps({"status": os.waitstatus_to_exitcode(ended), "seconds": seconds}), flush=True)


if __name__ == "__main__":
    serve()
