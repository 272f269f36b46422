from __future__ import annotations

from itertools import cycle
from random import Random
from uuid import UUID

from simulator.jira.people import Group, User
from simulator.jira.projects import Actor, Project, Role
from simulator.jira.world import ADMIN_ACCOUNT, World
from simulator.people import person

TIME_ZONES = ("Etc/UTC", "Europe/Berlin", "America/New_York")
FIRST_OWN_ROLE = 10_100
KEY_LETTERS = 26


def seed(
    world: World,
    *,
    users: int = 50,
    groups: int = 10,
    projects: int = 5,
    roles_per_project: int = 5,
    members_per_group: int = 10,
    actors_per_role: int = 2,
    team_managed_every: int = 5,
    inactive_every: int = 50,
    rng_seed: int = 7,
) -> None:
    """Fill a world by size; the same numbers always give the same world.

    Every `inactive_every`-th user is deactivated and every `team_managed_every`-th project is team-managed (0: none).
    All users are in the default access group, as invited people are.
    """
    random = Random(f"content {rng_seed}")  # a sequence of its own, so that nobody invited later gets a seeded id
    accounts = _seed_users(world, random, users, inactive_every)
    teams = _seed_groups(world, random, groups, accounts, members_per_group)
    for number in range(FIRST_OWN_ROLE, FIRST_OWN_ROLE + roles_per_project - len(world.catalogue.roles)):
        world.catalogue.add_role(Role(number, f"Role {number}", "A project role"))
    active = [each for each in accounts if world.directory.users[each].active] or [ADMIN_ACCOUNT]
    for place in range(projects):
        own = team_managed_every > 0 and place % team_managed_every == team_managed_every - 1
        project = _seed_project(world, place, active[place % len(active)], own=own)
        _seed_actors(
            world, random, project, roles=roles_per_project, accounts=active, teams=teams, actors=actors_per_role
        )


def _uuid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))


def _seed_users(world: World, random: Random, users: int, inactive_every: int) -> list[str]:
    added = world.now()
    zones = cycle(TIME_ZONES)
    ids = sorted(f"712020:{_uuid(random)}" for _ in range(users))
    random.shuffle(ids)
    for number, account_id in enumerate(ids):
        who = person(number)
        user = User(account_id, who.email, f"{who.first} {who.last}", time_zone=next(zones), added=added)
        user.managed = number % 10 != 9
        if inactive_every and number % inactive_every == inactive_every - 1:
            user.account_status = "inactive"
        world.directory.add_user(user)
    access = world.administration.access_groups(["jira-software"])[0]
    world.directory.remove_group(access)
    access.members = sorted({*access.members, *ids})
    world.directory.add_group(access)
    return ids


def _seed_groups(world: World, random: Random, groups: int, accounts: list[str], size: int) -> list[Group]:
    width = len(str(max(groups - 1, 0)))
    teams = []
    for number in range(groups):
        members = random.sample(accounts, min(size, len(accounts)))
        teams.append(world.directory.add_group(Group(_uuid(random), f"team-{number:0{width}}", members=members)))
    return teams


def _key(place: int) -> str:
    letters = ""
    rest = place
    while True:
        rest, letter = divmod(rest, KEY_LETTERS)
        letters = chr(ord("A") + letter) + letters
        if rest == 0:
            return f"P{letters}"
        rest -= 1


def _seed_project(world: World, place: int, lead: str, *, own: bool) -> Project:
    return world.add_project(_key(place), f"Project {place}", style="next-gen" if own else "classic", lead=lead)


def _seed_actors(
    world: World,
    random: Random,
    project: Project,
    *,
    roles: int,
    accounts: list[str],
    teams: list[Group],
    actors: int,
) -> None:
    for role in world.catalogue.roles_of(project)[:roles]:
        chosen = random.sample(accounts, min(actors, len(accounts)))
        entered = [Actor(world.tracker.next_number(), user=each) for each in chosen]
        if teams:
            team = random.choice(teams)
            entered.append(Actor(world.tracker.next_number(), group=team.id, group_name=team.name))
        project.roles[role.id] = entered
