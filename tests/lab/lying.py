"""A login shell that lies: it sees the script with its boundary, and answers as it likes.

``lie(host, how)`` puts it in the place of the root login's shell. Most lies begin with the true
answer of the real shell, for a reader is reached deepest by what is nearly right.
"""

from __future__ import annotations

import sys

from tests.lab.host import LabHost

_PYTHON: str = getattr(sys, "_base_executable", sys.executable)

PROGRAM = r"""#!PYTHON -IS
import re, subprocess, sys

script = sys.stdin.buffer.read()
found = re.search(rb"^nh=(\S+)$", script, re.M)
boundary = found[1] if found else b"none"
out, err = sys.stdout.buffer, sys.stderr.buffer

def truth():
    done = subprocess.run(["/bin/sh", "-s"], input=script, capture_output=True)
    return done.stdout, done.stderr

def sections(stream):
    parts = re.split(rb"\n" + boundary + rb" (begin|end) (\S+)(?: ([^\n]*))?\n", stream)
    found = {}
    for kind, name, status, body in zip(*(parts[n::4] for n in range(1, 5))):
        if kind == b"begin":
            found[name] = [body, b"0"]
        else:
            found[name][1] = status
    return found

def say(found, complaints):
    for stream, many in ((out, found), (err, complaints)):
        for name, (body, status) in many:
            what = (boundary, name, body, boundary, name, status)
            stream.write(b"\n%s begin %s\n%s\n%s end %s %s\n" % what)
        stream.write(b"\n%s done\n" % boundary)

def changed(change, status=None):
    stdout, stderr = map(sections, truth())
    said = [(name, (change(name, one), status or was)) for name, (one, was) in stdout.items()]
    say(said, [(name, (b"", b"0")) for name in stdout])

def every(pattern, by, count=0):
    changed(lambda name, body: re.sub(pattern, by, body, count=count))

def only(text):
    changed(lambda name, body: text)

def crowd(name, body):
    if name == b"listeners":
        row = (b"LISTEN 0 0 10.%d.%d.%d:22 0.0.0.0:* uid:0 ino:1 sk:1 <->\n"
               b"\t skmem:(r0,rb1,t0,tb1,f0,w0,o0,bl0,d0)\n")
        return body + b"".join(row % (n >> 16, n >> 8 & 255, n & 255) for n in range(MANY))
    if name in {b"links", b"addresses"}:
        lines = [line for line in body.splitlines(True) if b"eth0" in line]
        for number in range(1, MANY // 4):
            for line in lines:
                line = re.sub(rb"^\d+", b"%d" % (number + 9), line)
                body += line.replace(b"eth0", b"eth%d" % number)
    return body

def longest_line():
    changed(lambda name, body: b"x" * (30 << 20) if name == b"sysctl" else body)

def backwards():
    turned = {b"counters@first": b"counters@last", b"counters@last": b"counters@first"}
    say(*[[(turned.get(name, name), one) for name, one in sections(stream).items()]
          for stream in truth()])

def other_way_round():
    say(*[reversed(sections(stream).items()) for stream in truth()])

def swapped_streams():
    stdout, stderr = truth()
    out.write(stderr)
    err.write(stdout)

def deep_in_good_form():
    only(b'{"nftables":[{"rule":' + b'{"a":[' * 400 + b"]}" * 400 + b"}]}")

def repeated():
    for _ in range(4):
        out.write(truth()[0])

def no_ends():
    for stream, text in zip((out, err), truth()):
        stream.write(re.sub(rb"\n\S+ end [^\n]*\n", b"\n", text))

LIES = {
    "replayed": lambda: out.write(truth()[0].replace(boundary, b"nethygiene-" + b"0" * 32)),
    "guessed": lambda: [out.write(b"\nnethygiene-%032x done\n" % n) for n in range(1000)],
    "garbage": lambda: only(bytes(range(256)) * 40),
    "controls": lambda: every(rb"(?<=[a-z])(?=[A-Z0-9])", b"\x1b]0;x\x07\0\r\xff\xe2\x80\xae"),
    "digits": lambda: every(rb"\d+", b"9" * 1000000, 2),
    "exponents": lambda: every(rb"\d+", b"1" + b"0" * 30),
    "negative": lambda: every(rb"\b\d+\b", b"-7"),
    "deep": lambda: only(b'{"nftables":' + b"[" * 100000),
    "deep-in-good-form": deep_in_good_form,
    "longest-line": longest_line,
    "crowd": lambda: changed(crowd),
    "statuses": lambda: changed(lambda name, body: body, b"\xb2" + b"9" * 5000),
    "promises": lambda: only(b"9999999999 lines follow:\n"),
    "repeated": repeated,
    "backwards": backwards,
    "other-way-round": other_way_round,
    "swapped-streams": swapped_streams,
    "many-sections": lambda: say([(b"s%d" % n, (b"", b"0")) for n in range(MANY * 4)], []),
    "enormous-names": lambda: say([(b"x" * (8 << 20), (b"", b"0"))] * 3, []),
    "no-ends": no_ends,
    "healthy": lambda: say(*[sections(stream).items() for stream in truth()]),
}
try:
    LIES["HOW"]()
    out.flush()
    err.flush()
except BrokenPipeError:
    pass
"""

MANY = 10_000


def lie(host: LabHost, how: str) -> None:
    """Give the login `root` of a host a shell that lies; `how` is one of the program's LIES."""
    program = PROGRAM.replace("PYTHON", _PYTHON).replace("MANY", str(MANY)).replace("HOW", how)
    host.write_file("/usr/local/bin/lying", program, 0o755)
    host.shell("sed -i '/^root:/s#:/bin/sh$#:/usr/local/bin/lying#' /etc/passwd")
