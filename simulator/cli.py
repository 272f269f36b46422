"""`python -m simulator`: run the simulated systems from a command line."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simulator import jira, jumpcloud
from simulator.server import CONTROL, LOOPBACK, Simulators
from simulator.systems import NAMES, load

_CONTROL_HELP = """\
The control door (JSON over HTTP, on this machine alone):
  GET    /state[/SYSTEM]        the truth; PUT /state/SYSTEM adds to it
  GET    /switches/SYSTEM       quirks and uncertain facts, ?describe=1 with their meaning; PATCH changes them
  GET    /actions/SYSTEM        what a person can do in the system's own screens, with what each action takes
  POST   /actions/SYSTEM        {"do": ACTION, ...}
  POST   /faults                answers, drops, holds, slow, endless, inflated and stale bodies; GET lists them
  POST   /limits, /latency      rate limits and delays
  PUT    /provisioning          JumpCloud fills Jira groups; POST /provisioning/retry pushes what is missing
  GET    /requests              the calls that came in
SYSTEM is jumpcloud, jira or atlassian."""
_DEFAULT_PORTS = {CONTROL: 9100, "jumpcloud": 9101, "jira": 9102, "atlassian": 9103}


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT and return the exit status: 0 ended, 1 could not start, 2 used wrongly."""
    options = _parser().parse_args(argv)
    try:
        simulators = _simulators(options)
    except (OSError, ValueError) as exc:
        sys.stderr.write(f"The simulator could not start: {exc}\n")
        return 1
    simulators.run(ready=lambda: _announce(simulators, as_json=options.json))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="Stand-ins for JumpCloud, Jira Cloud and Atlassian administration. Starts the systems whose port "
        "is given, all of them when none is.",
        epilog=_CONTROL_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for system in NAMES:
        parser.add_argument(f"--{system}-port", type=int, metavar="N", help="0 takes a free port")
    parser.add_argument(
        "--control-port", type=int, default=_DEFAULT_PORTS[CONTROL], metavar="N", help="default %(default)s"
    )
    parser.add_argument("--host", default=LOOPBACK, help="where the systems listen; the control door stays local")
    for what, number in (
        ("users", 50),
        ("groups", 10),
        ("projects", 5),
        ("memberships", None),
        ("apps", 5),
        ("admins", 3),
        ("seed", 1),
    ):
        parser.add_argument(f"--{what}", type=int, default=number, metavar="N", help="default %(default)s")
    parser.add_argument(
        "--org-id", default=jumpcloud.ORGANIZATION_ID, metavar="ID", help="id of the JumpCloud organization"
    )
    parser.add_argument("--site", default="example", metavar="NAME", help="name of the Jira site: NAME.atlassian.net")
    parser.add_argument(
        "--cloud-id", default="", metavar="ID", help="cloud id of the Jira site; made from its name when empty"
    )
    parser.add_argument("--seed-file", type=Path, metavar="FILE", help="load this in place of made-up content")
    parser.add_argument(
        "--state", type=Path, metavar="FILE", help="write the truth here on SIGUSR1, POST /dump and at the end"
    )
    parser.add_argument("--json", action="store_true", help="print addresses and credentials as one JSON line")
    return parser


def _simulators(options: argparse.Namespace) -> Simulators:
    ports = {system: getattr(options, f"{system}_port") for system in NAMES}
    if all(port is None for port in ports.values()):
        ports = {system: _DEFAULT_PORTS[system] for system in NAMES}
    wanted = [system for system in NAMES if ports[system] is not None]
    if "atlassian" in wanted and "jira" not in wanted:
        ports["jira"] = 0  # the organization administers a Jira site, so one has to be there
        wanted.append("jira")
    content: dict[str, Any] | None = None
    if options.seed_file is not None:
        content = json.loads(options.seed_file.read_text(encoding="utf-8"))
    simulators = Simulators(
        jumpcloud=_jumpcloud(options, content) if "jumpcloud" in wanted else None,
        jira=_jira(options, content) if "jira" in wanted else None,
        atlassian="atlassian" in wanted,
        ports={CONTROL: options.control_port, **{s: ports[s] for s in wanted}},
        host=options.host,
        state_file=options.state,
    )
    if content is not None and "atlassian" in content and "atlassian" in wanted:
        load(simulators.worlds["atlassian"], content["atlassian"])
    return simulators


def _jumpcloud(options: argparse.Namespace, content: dict[str, Any] | None) -> jumpcloud.World:
    world = jumpcloud.World(organization_id=options.org_id)
    if content is not None:
        jumpcloud.load(world, content.get("jumpcloud", {}))
    else:
        jumpcloud.seed(
            world,
            users=options.users,
            groups=options.groups,
            memberships=options.memberships,
            apps=options.apps,
            admins=options.admins,
            rng_seed=options.seed,
        )
    return world


def _jira(options: argparse.Namespace, content: dict[str, Any] | None) -> jira.World:
    world = jira.World(site=options.site, cloud_id=options.cloud_id)
    if content is not None:
        jira.load(world, content.get("jira", {}))
    else:
        jira.seed(
            world,
            users=options.users,
            groups=options.groups,
            projects=options.projects,
            rng_seed=options.seed,
        )
    return world


def _announce(simulators: Simulators, *, as_json: bool) -> None:
    systems = {name: {"url": simulators.url(name), **world.credentials()} for name, world in simulators.worlds.items()}
    if as_json:
        sys.stdout.write(json.dumps({**systems, CONTROL: {"url": simulators.control_url}}) + "\n")
    else:
        for name, facts in systems.items():
            sys.stdout.write(f"{name}\n" + "".join(f"  {key:<24} {value}\n" for key, value in facts.items()))
        sys.stdout.write(f"{CONTROL}\n  {'url':<24} {simulators.control_url}\n")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
