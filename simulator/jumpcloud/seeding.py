import random
from itertools import islice

from simulator.jumpcloud.records import Admin, Application, Directory, Group, Key, User
from simulator.jumpcloud.world import World
from simulator.people import person

_GROUP_WORDS = ("admins", "developers", "readers", "operators", "auditors", "contractors", "leads", "on-call")
_APPS = ("aws-sso", "github", "slack", "datadog", "salesforce", "zoom", "pagerduty", "confluence")
_ADMIN_ROLES = ("Administrator", "Manager", "Help Desk", "Read Only", "Command Runner")
_YEAR_MS = 365 * 86_400_000


def seed(
    world: World,
    *,
    users: int = 50,
    groups: int = 10,
    memberships: int | None = None,
    apps: int = 5,
    admins: int = 3,
    rng_seed: int = 1,
) -> None:
    """Fill a world; the same numbers and seed always give the same one.

    `memberships` is spread over the groups, three for each user when None. Person n has the same e-mail address here
    as in the other systems.
    """
    rng = random.Random(rng_seed)
    now = int(world.clock() * 1000)
    people = [_user(world, number, now, rng) for number in range(users)]
    world.users.fill(people)
    for user in people:
        world.user_ids[user.email] = world.user_ids[user.username] = user.id
    made = [
        Group(id=world.ids.next(), name=_group_name(number), description=f"Seeded group {number}")
        for number in range(groups)
    ]
    world.groups.fill(made)
    world.group_ids.update((group.name.casefold(), group.id) for group in made)
    _seed_members(world, people, made, 3 * users if memberships is None else memberships, rng)
    _seed_applications(world, people, made, apps, rng)
    _seed_admins(world, admins, now)
    world.directories.put(Directory(world.ids.next(), "Google Workspace", "g_suite"))


def _user(world: World, number: int, now: int, rng: random.Random) -> User:
    who = person(number)
    draw = rng.random()
    return User(
        id=world.ids.next(),
        username=who.username,
        email=who.email,
        created=now - int(draw * _YEAR_MS),
        firstname=who.first,
        lastname=who.last,
        department=who.department,
        state="SUSPENDED" if draw < 0.02 else "STAGED" if draw < 0.03 else "ACTIVATED",
    )


def _group_name(number: int) -> str:
    return f"{_GROUP_WORDS[number % len(_GROUP_WORDS)]}-{number // len(_GROUP_WORDS) + 1}"


def _seed_members(world: World, people: list[User], groups: list[Group], memberships: int, rng: random.Random) -> None:
    """Sizes differ between groups as in life: some are a few times the average, none has anybody twice."""
    if not people or not groups:
        return
    weights = [rng.paretovariate(1.5) for _ in groups]
    scale = memberships / sum(weights)
    ids = [user.id for user in people]
    left = memberships
    for position, (group, weight) in enumerate(zip(groups, weights, strict=True)):
        last = position == len(groups) - 1
        size = min(len(ids), left if last else int(weight * scale))
        left -= size
        world.members.fill(group.id, rng.sample(ids, size))
    for group in groups:  # what the largest groups could not take
        if left <= 0:
            break
        missing = (ident for ident in ids if not world.members.has(group.id, ident))
        for ident in list(islice(missing, left)):
            world.members.add(group.id, ident)
            left -= 1


def _seed_applications(world: World, people: list[User], groups: list[Group], apps: int, rng: random.Random) -> None:
    for number in range(apps):
        template = _APPS[number % len(_APPS)]
        application = Application(
            id=world.ids.next(),
            name=template,
            display_label=f"{template.title()} {number // len(_APPS) + 1}",
            display_name=template.title(),
            created=int(world.clock() * 1000),
            sso_url=f"https://sso.jumpcloud.com/saml2/{template}-{number + 1}",
        )
        world.applications.put(application)
        bound = rng.sample(groups, min(len(groups), 2))
        world.app_groups.fill(application.id, [group.id for group in bound])
        world.app_users.fill(application.id, [user.id for user in rng.sample(people, min(len(people), 1))])


def _seed_admins(world: World, admins: int, now: int) -> None:
    for number in range(admins):
        who = person(number)
        admin = Admin(
            id=world.ids.next(),
            email=who.email,
            created=now,
            firstname=who.first,
            lastname=who.last,
            role=_ADMIN_ROLES[number % len(_ADMIN_ROLES)],
        )
        world.admins.put(admin)
        key = f"jca_simulatorAdmin{number:022d}"
        world.keys[key] = Key(key, admin.id, now / 1000)
