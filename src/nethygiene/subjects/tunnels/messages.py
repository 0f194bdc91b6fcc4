"""What ssh writes to standard error when a tunnel cannot do its work (incident S0), and when."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

# These are POSIX extended expressions, because grep uses them on the host, inside double quotes.
# They come from the client's source, OpenSSH 9.9 and older wordings ("bind: Address already in use"
# until 7.x): all messages with which it ends, or goes on without a forward. Messages that may stand
# beside a successful login are left out: "Load key …", "Identity file … not accessible",
# "Permanently added …".
_REASON = "[A-Za-z][A-Za-z ,/-]*"
_END = "([0-9a-fA-F]*[.:][0-9a-fA-F.:]+(%[^ ]+)?|UNKNOWN)"
_HOST_KEY = (
    "Host key verification failed",
    "REMOTE HOST IDENTIFICATION HAS CHANGED",
    "REVOKED HOST KEY DETECTED",
    "POSSIBLE DNS SPOOFING DETECTED",
    "[Hh]ost key for [^ ]+ (has changed|was revoked) and you have requested strict checking",
    "No [A-Za-z0-9-]+ host key is known for [^ ]+ and you have requested strict checking",
    "Exiting, you have requested strict checking",
    "orwarding (is )?disabled (to avoid man-in-the-middle|due to host key check failure)",
    "[Hh]ost key [^ ]+ not (in|permitted by) Host[Kk]eyAlgorithms",
    "Bad server host key: ",
    "KnownHostsCommand failed",
)
_FORWARD = (
    "bind( .[^ ]*.:[0-9]+)?: (Address already in use|Cannot assign requested address)",
    "bind .[^ ]*.:[0-9]+: Permission denied",
    "(channel_setup_fwd_listener[a-z_]*: cannot listen to port|unix_listener: cannot bind to path)",
    "Could not request (local|remote|tunnel) forwarding",
    "remote port forwarding failed for listen (port|path)",
    "Privileged ports can only be forwarded by root",
    "Bad (local|remote|dynamic) forwarding specification",
    "channel [0-9]+: open failed: [a-z ]+(: (Connection|No route|Network|Name|open)[A-Za-z ]*)?",
    "connect_to [^ ]+( port [0-9]+)?: (failed|unknown host)",
    f"connect to [^ ]+ port [0-9]+ failed: {_REASON}",
    "Tunnel (device open|forwarding) failed|stdio forwarding failed",
    "(mux_client_[a-z_]+: |muxclient: |Master )[a-z ]*(failed|refused)",
)
_CONNECTION = (
    f"ssh: connect to (host|address) [^ ]+ port [0-9]+: {_REASON}",
    f"ssh: Could not resolve host(name)? [^ ]+: {_REASON}",
    f"(ssh|kex)_exchange_identification: {_REASON}",
    "Connection timed out during banner exchange",
    f"Connection (closed|reset) by {_END}",
    f"Connection to {_END} port [0-9]+(: {_REASON}| timed out)",
    "Connection to [^ ]+ closed by remote host",
    f"(Disconnected from|Disconnecting) {_END} port [0-9]+",
    f"Received disconnect from {_END}( port [0-9]+)?:[ 0-9]+:( Too many [a-z ]+)?",
    "Timeout, server [^ ]+ not responding",
    f"client_loop: {_REASON}|packet_write_wait: {_REASON}|Write failed: Broken pipe",
    f"Read from remote host [^ ]+: {_REASON}",
    f"Unable to negotiate with {_END}( port [0-9]+)?: {_REASON}",
    "Bad remote protocol version identification|Protocol major versions differ",
    "Corrupted MAC on input|Bad packet length [0-9]+",
)
_LOGIN = (
    "Permission denied [(][a-z,-]+[)]",
    "Permission denied, please try again",
    "Too many authentication failures",
)
_START = (
    "Bad owner or permissions on [^ ]+",
    "Bad configuration option: [^ ]+|terminating, [0-9]+ bad configuration options",
    "(command-line|ssh_config|[.]ssh/[^ ]+) line [0-9]+: (Bad|Missing|missing|Invalid|invalid) ",
    "Can.t open user config file [^ ]+",
    "No user exists for uid [0-9]+",
    "ssh: (command )?not found",
)
PATTERN = "|".join((*_HOST_KEY, *_FORWARD, *_CONNECTION, *_LOGIN, *_START))
"""ssh's messages of a failed tunnel; other text may stand before them in the line."""
_MESSAGE = re.compile(PATTERN)
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d+)?(Z|[+-]\d\d:?\d\d)?")
_SYSLOG = re.compile(r"([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d)")
_UNIX = re.compile(r"(\d{9,11})\.\d+ ")
_ENVELOPE = re.compile(r"From .* ([A-Z][a-z]{2} [A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d \d{4})\s*")


@dataclass(frozen=True, slots=True)
class Complaint:
    """One line that ssh wrote.

    Attributes:
        text: the line.
        time: its time, in seconds since 1970; None if neither the line nor its surroundings say.
    """

    text: str
    time: float | None

    def __str__(self) -> str:
        match = _MESSAGE.search(self.text)
        return self.text if match is None else match[0]


def is_complaint(line: str) -> bool:
    """Whether a line holds one of ssh's messages."""
    return _MESSAGE.search(line) is not None


def complaints_of_mailbox(lines: Iterable[str], zone: timezone) -> tuple[Complaint, ...]:
    """The lines of an mbox: its ``From `` lines, ``Date:`` headers and complaints, in order.

    Args:
        lines: the lines that grep found.
        zone: the host's time zone, which the ``From `` lines use.
    """
    complaints = []
    time: float | None = None
    dated = False
    for line in lines:
        if line.startswith("From "):
            time, dated = _envelope_time(line, zone), False
        elif line.startswith("Date: ") and not dated:
            sent = _header_time(line[6:])
            time, dated = (time if sent is None else sent), True
        elif is_complaint(line):
            complaints.append(Complaint(line.strip(), time))
    return tuple(complaints)


def oldest_mail(lines: Iterable[str], zone: timezone) -> float | None:
    """The time of the first mail in these lines."""
    first = next((line for line in lines if line.startswith("From ")), "")
    return _envelope_time(first, zone)


def complaints_of_log(lines: Iterable[str], zone: timezone, now: float) -> tuple[Complaint, ...]:
    """The lines of a log, each with the time at its beginning, if there is one."""
    return tuple(
        Complaint(line.strip(), line_time(line, zone, now)) for line in lines if is_complaint(line)
    )


def line_time(line: str, zone: timezone, now: float) -> float | None:
    """The time that a line begins with: ISO 8601, syslog's, or seconds; None without."""
    start = line.lstrip("[ ")[:40]
    try:
        if match := _UNIX.match(start):
            return float(match[1])
        if match := _ISO.match(start):
            text = f"{match[1]}T{match[2]}{(match[3] or '').replace('Z', '+00:00')}"
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
        if match := _SYSLOG.match(start):
            year = datetime.fromtimestamp(now, zone).year
            text = f"{year} {match[1]} {match[2]} {match[3]}"
            moment = datetime.strptime(text, "%Y %b %d %H:%M:%S").replace(tzinfo=zone)
            # syslog writes no year: in January a line of December is from the year before.
            late = moment.timestamp() > now + 86400
            return (moment.replace(year=year - 1) if late else moment).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _envelope_time(line: str, zone: timezone) -> float | None:
    match = _ENVELOPE.fullmatch(line)
    if match is None:
        return None
    try:
        moment = datetime.strptime(match[1], "%a %b %d %H:%M:%S %Y")  # noqa: DTZ007 - next line
        return moment.replace(tzinfo=zone).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _header_time(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text.strip()[:100])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None


def zone_of(text: str) -> timezone | None:
    """A zone as ``date +%z`` prints it: ``+0100``."""
    match = re.fullmatch(r"([+-])(\d\d)([0-5]\d)", text)
    if match is None or int(match[2]) > 23:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-offset if match[1] == "-" else offset)
