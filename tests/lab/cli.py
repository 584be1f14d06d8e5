"""The command line: python3 -m tests.lab COMMAND."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Collection, Sequence
from functools import partial

from tests.lab import gitlab, hosts, images, inventory, machine, mirror, musl, network, registry, ssh
from tests.lab.engine import Engine
from tests.lab.home import DEFAULT_GROUP, Home
from tests.lab.images import Image
from tests.lab.network import Network
from tests.lab.shell import LabError, in_parallel, say


def _publish(home: Home, codenames: Collection[str]) -> None:
    """What the servers serve and run; one after the other, as both fetch packages and apt does that once at a time."""
    mirror.publish(home, codenames)
    registry.fetch(home)


def _prepare(home: Home, engine: Engine, wanted: Sequence[Image], with_mirror: bool) -> Network:
    """Engine, images, mirror, GitLab and registry as these hosts need them; images and packages side by side."""
    machine.check_requirements()
    net = engine.ensure()
    jobs: list[Callable[[], object]] = [partial(images.ensure, home, engine, wanted), partial(musl.ensure, home)]
    if with_mirror:
        jobs.append(partial(_publish, home, [what.codename for what in wanted]))
    in_parallel(jobs)
    if with_mirror:
        in_parallel([partial(server.serve, home, engine, net, wanted[0]) for server in (mirror, gitlab, registry)])
    return net


def _variables(home: Home) -> dict[str, str]:
    net = network.current(home)
    servers = (mirror, gitlab, registry)
    return {name: value for server in servers for name, value in server.variables(home, net).items()} if net else {}


def _save(home: Home, engine: Engine, group: str) -> None:
    inventory.save(home, group, hosts.listing(engine, group), _variables(home))


def _build(home: Home, options: argparse.Namespace) -> None:
    wanted = [images.image(name) for name in options.image or images.IMAGES]
    _prepare(home, Engine(home), wanted, options.mirror)


def _up(home: Home, options: argparse.Namespace) -> None:
    wanted = hosts.parse_requests(options.host)
    engine = Engine(home)
    hosts.check_same_images({host.name: host for host in hosts.listing(engine, options.group)}, wanted)
    net = _prepare(home, engine, list(dict.fromkeys(wanted.values())), with_mirror=True)
    hosts.up(home, engine, net, options.group, wanted)
    _save(home, engine, options.group)
    say(f"inventory: {home.inventory(options.group)}")


def _down(home: Home, options: argparse.Namespace) -> None:
    if not network.current(home):
        say("nothing of the lab runs, so there is nothing to remove")
        return
    engine = Engine(home)
    engine.ensure()  # a daemon that died, perhaps with the machine, could not remove anything
    doomed = hosts.listing(engine, None if options.all else options.group)
    if options.name:
        there = {host.name for host in doomed}
        for name in options.name:
            if name not in there:
                say(f"there is no host {name} in group {options.group}; nothing to remove")
        doomed = [host for host in doomed if host.name in options.name]
    hosts.down(engine, doomed)
    for group in {host.group for host in doomed}:
        _save(home, engine, group)
    if options.all:
        mirror.stop(engine)
        gitlab.stop(engine)
        registry.stop(engine)
        engine.stop()
        network.remove(home)
        say("engine, bridge and rules are gone; images and packages stay in " + str(home.cache))


def _status(home: Home, options: argparse.Namespace) -> None:
    machine.become_root(sys.argv[1:])  # the engine's socket is root's
    engine = Engine(home)
    running = engine.answers()
    net = network.current(home)
    found = hosts.listing(engine)
    serving = bool(running and net and mirror.answers(net))
    talking = bool(running and net and gitlab.answers(home, net))
    storing = bool(running and net and registry.answers(home, net))
    ready = [name for name, image in images.IMAGES.items() if running and images.exists(engine, image)]
    if options.json:
        status = {
            "engine": {"running": running, "socket": str(engine.socket), "subnet": str(net.subnet) if net else None},
            "mirror": {"running": serving, **(mirror.variables(home, net) if net else {})},
            "gitlab": {"running": talking, **(gitlab.variables(home, net) if net else {})},
            "registry": {"running": storing, **(registry.variables(home, net) if net else {})},
            "images": ready,
            "hosts": [vars(host) for host in found],
        }
        print(json.dumps(status, indent=2))
        return
    print(f"engine   {'running' if running else 'stopped'}  {engine.socket}  {net.subnet if net else ''}".rstrip())
    print(f"mirror   {'running' if serving else 'stopped'}")
    print(f"gitlab   {'running' if talking else 'stopped'}")
    print(f"registry {'running' if storing else 'stopped'}")
    for key, value in _variables(home).items():
        print(f"         {key}: {value.splitlines()[0]}")
    print(f"images   {', '.join(ready) or 'none'}")
    print(f"hosts    {len(found) or 'none'}")
    for host in found:
        print(f"         {host.group:<20} {host.name:<20} {host.address:<15} {host.image:<9} {host.state}")


def _inventory(home: Home, options: argparse.Namespace) -> None:
    found = inventory.load(home, options.group)
    if not inventory.names(found):
        say(f"there are no hosts in group {options.group}; start one: `up --group {options.group} NAME=IMAGE`")
    print(json.dumps(inventory.dynamic(found) if options.list else found, indent=2))


def _ssh(home: Home, options: argparse.Namespace) -> None:
    found = inventory.names(inventory.load(home, options.group))
    if options.name not in found:
        there = ", ".join(found) or "none"
        raise LabError(
            f"There is no host {options.name} in group {options.group} (there: {there}); start it with `up`."
        )
    address = found[options.name]["ansible_host"]
    command = ssh.command(home, address, *options.words, terminal=not options.words and sys.stdin.isatty())
    os.execv(command[0], command)


def _job(home: Home, options: argparse.Namespace) -> None:
    net = network.current(home)
    if net is None or not gitlab.answers(home, net):
        raise LabError("GitLab does not run; start a host, and it runs, too: `up NAME=debian12`.")
    from tests.lab import job  # reads YAML, which the other commands do without

    if not job.run(gitlab.variables(home, net), options.space, options.file):
        raise LabError("The job did not end in success; what it said is above.")


def _requirements(home: Home, options: argparse.Namespace) -> None:
    for package in machine.requirements():
        print(package)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m tests.lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        name: str, action: Callable[[Home, argparse.Namespace], None], text: str, changes: bool
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(action=action, changes=changes)
        return command

    build = add("build", _build, "build images and the package mirror", changes=True)
    build.add_argument(
        "image", nargs="*", metavar="IMAGE", help=f"of {', '.join(images.IMAGES)}; all when none is named"
    )
    build.add_argument("--mirror", action="store_true", help="the package mirror too")
    up = add("up", _up, "start hosts", changes=True)
    up.add_argument("host", nargs="+", metavar="NAME=IMAGE")
    down = add("down", _down, "remove hosts", changes=True)
    down.add_argument("name", nargs="*", metavar="NAME")
    down.add_argument(
        "--all", action="store_true", help="the hosts of all groups, mirror, GitLab, registry, engine and bridge"
    )
    status = add("status", _status, "show what runs", changes=False)
    status.add_argument("--json", action="store_true", help="for programs")
    listed = add("inventory", _inventory, "print the inventory for Ansible", changes=False)
    listed.add_argument("--list", action="store_true", help="in the form of an inventory script")
    login = add("ssh", _ssh, "log in to a host, or run a command there", changes=False)
    login.add_argument("name", metavar="NAME")
    login.add_argument("words", nargs="*", metavar="COMMAND")
    job = add(
        "job", _job, "queue the first job of a .gitlab-ci.yml in the GitLab stand-in, and show its log", changes=False
    )
    job.add_argument("space", metavar="SPACE", help="the instance, the first part of the address's path")
    job.add_argument("file", metavar="FILE")
    for command in (up, down, listed, login):
        command.add_argument("--group", default=DEFAULT_GROUP, help=f"group of hosts (default: {DEFAULT_GROUP})")
    add("requirements", _requirements, "print the packages this machine lacks for the lab, one a line", changes=False)
    return parser


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    home = Home.from_environment()
    try:
        if "group" in options:
            hosts.check_group(options.group)
        if options.changes:
            machine.become_root(arguments)
            with home.lock():
                options.action(home, options)
        else:
            options.action(home, options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read has had enough
    except KeyboardInterrupt:
        print("lab: interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    return 0
