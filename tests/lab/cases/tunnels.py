"""S0: a tunnel that multiplied, with a real ssh between two hosts."""

from __future__ import annotations

from tests.lab.cases.case import LabCase, Scene
from tests.lab.host import LabHost
from tests.lab.inventory import Policy

PLANT_UID = 64322
HOME = "/var/home/plant"
FORWARD = "127.0.0.1:19922:localhost:22"
OPTIONS = {
    "BatchMode": "yes",
    "ExitOnForwardFailure": "yes",
    "ServerAliveInterval": 15,
    # It may stand in the configuration, which not every login reads.
    "ServerAliveCountMax": 3,
}
TUNNEL: dict[str, object] = {
    "user": "plant",
    "destination": "cloud.example",
    "port": 22,
    "local_forwards": [FORWARD],
    "check": {"destination": "localhost", "port": 19922},
    "options": OPTIONS,
    "run_by": "cron",
}
POLICY: Policy = {"tunnels": {"to-cloud": TUNNEL}}

# What S0's job was: a check by ssh, and where that fails, one more tunnel.
JOB = f"""#!/bin/sh
ssh -o BatchMode=yes -p 19922 localhost true && exit 0
ssh -f -N -L {FORWARD} cloud.example && echo "Tunnel created successfully"
"""
# Cron runs the job and mails what it printed; ssh keeps the file open that a pipe would be.
CRON = """
out=$(mktemp); chmod 666 "$out"
runuser -u plant -- /var/home/plant/tunnel.sh </dev/null >"$out" 2>&1
if [ -s "$out" ]; then
  { echo "Date: $(date -R)"; echo "Subject: Cron <plant@$(hostname)> tunnel.sh"; echo
    cat "$out"; } | /usr/sbin/sendmail plant
fi
"""
SENDMAIL = """#!/bin/sh
{ echo "From plant@$(hostname) $(date '+%a %b %e %H:%M:%S %Y')"; cat; echo; } >> "/var/mail/$1"
chown "$1" "/var/mail/$1"; chmod 600 "/var/mail/$1"
"""


def settle(host: LabHost, cloud: LabHost) -> None:
    """Give the host its user with keys, and a healthy tunnel to `cloud`."""
    furnish(host, cloud)
    dig(host)


def furnish(host: LabHost, cloud: LabHost) -> None:
    """Give the host its user, with all that a tunnel to `cloud` takes."""
    host.shell(
        f"echo 'plant:x:{PLANT_UID}:{PLANT_UID}:plant:{HOME}:/bin/sh' >> /etc/passwd\n"
        f"echo 'plant:x:{PLANT_UID}:' >> /etc/group\n"
        "echo 'plant:*:19000:0:99999:7:::' >> /etc/shadow\n"
        f"echo '{cloud.address} cloud.example' >> /etc/hosts\n"
    )
    host.write_file(f"{HOME}/.ssh/id", host.lab.identity.read_text(), 0o600)
    # UpdateHostKeys (the default) lets the running tunnel rewrite known_hosts a moment after its
    # login, and drop the very keys that a test has just put there.
    config = f"User audit\nIdentityFile {HOME}/.ssh/id\nUpdateHostKeys no\n"
    host.write_file(f"{HOME}/.ssh/config", config)
    host.write_file(f"{HOME}/tunnel.sh", JOB, 0o755)
    host.write_file("/usr/sbin/sendmail", SENDMAIL, 0o755)
    know(host, cloud)
    host.shell(f"chown -R plant:plant {HOME}; chmod 700 {HOME}/.ssh")


def know(host: LabHost, cloud: LabHost, *names: str) -> None:
    """Write the key of `cloud` to the user's known_hosts, by these names."""
    wanted = names or ("cloud.example", "[localhost]:19922")
    key = cloud.public_keys[0]
    host.write_file(f"{HOME}/.ssh/known_hosts", "".join(f"{name} {key}\n" for name in wanted))


def dig(host: LabHost, *options: str, **more: object) -> None:
    """Start a tunnel with the declared options, unless others are given."""
    given = options or tuple(f"-o {key}={value}" for key, value in {**OPTIONS, **more}.items())
    words = f"ssh -f -N {' '.join(given)} -L {FORWARD} cloud.example"
    host.shell(f"runuser -u plant -- {words} </dev/null >/dev/null 2>&1")


def end_tunnels(host: LabHost) -> None:
    """End every ssh of the user, and nothing else."""
    host.shell(
        'for comm in /proc/[0-9]*/comm; do [ "$(cat "$comm" 2>/dev/null)" = ssh ] || continue\n'
        "pid=${comm#/proc/}; kill ${pid%/comm}; done\n"
        "while ss -ltnH 'sport = :19922' | grep -q ssh; do sleep 0.02; done; sleep 0.1"
    )


def run_job(host: LabHost, times: int) -> None:
    """Run the job as cron would, minute after minute."""
    for _ in range(times):
        host.shell(CRON)


def prepare(scene: Scene) -> None:
    settle(scene.host, scene.client)


def forget_check(scene: Scene) -> None:
    know(scene.host, scene.client, "cloud.example")


def multiply(scene: Scene) -> None:
    """The incident, bounded: five minutes of it."""
    forget_check(scene)
    end_tunnels(scene.host)
    run_job(scene.host, 5)


def start_over(scene: Scene) -> None:
    end_tunnels(scene.host)
    know(scene.host, scene.client)
    scene.host.shell("rm -f /var/mail/plant")
    dig(scene.host)


def dig_carelessly(scene: Scene) -> None:
    end_tunnels(scene.host)
    dig(scene.host, "-o ServerAliveInterval=0")


def take_port(scene: Scene) -> None:
    """Another process gets the port first; ssh stays connected without it."""
    end_tunnels(scene.host)
    scene.hold("the port", scene.host.listen(19922, address="127.0.0.1"))
    dig(scene.host, "-o BatchMode=yes", "-o ServerAliveInterval=15")


def give_back_port(scene: Scene) -> None:
    scene.end("the port")
    start_over(scene)


def mail_once(scene: Scene) -> None:
    """The check fails once, and cron mails it."""
    forget_check(scene)
    run_job(scene.host, 1)
    end_tunnels(scene.host)
    know(scene.host, scene.client)
    dig(scene.host)


CASES = [
    LabCase(
        name="check-not-known",
        rule="tunnel-host-key-known",
        item="to-cloud",
        policy=POLICY,
        prepares=prepare,
        breaks=forget_check,
        says="known host key of [localhost]:19922",
    ),
    LabCase(
        name="tunnels-piled-up",
        rule="tunnel-running",
        item="to-cloud",
        policy=POLICY,
        prepares=prepare,
        breaks=multiply,
        mends=start_over,
        also=frozenset({"tunnel-host-key-known", "tunnel-fails-fast", "tunnel-logs-clean"}),
        says="is 5, expected 1: they pile up",
    ),
    LabCase(
        name="tunnel-that-never-ends",
        rule="tunnel-fails-fast",
        item="to-cloud",
        policy=POLICY,
        prepares=prepare,
        breaks=dig_carelessly,
        says="ExitOnForwardFailure of pid",
    ),
    LabCase(
        name="tunnel-port-taken",
        rule="tunnel-forward-listening",
        item="to-cloud",
        policy=POLICY,
        prepares=prepare,
        breaks=take_port,
        mends=give_back_port,
        also=frozenset({"tunnel-fails-fast"}),
        says="another process has the port",
    ),
    LabCase(
        name="mail-from-cron",
        rule="tunnel-logs-clean",
        item="to-cloud",
        policy=POLICY,
        prepares=prepare,
        breaks=mail_once,
        says="Host key verification failed",
    ),
]
