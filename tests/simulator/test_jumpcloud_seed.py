import pytest

from simulator.jumpcloud import World, dump, load, seed
from simulator.people import person


def test_the_same_seed_gives_the_same_world() -> None:
    worlds = [World(clock=lambda: 1_800_000_000.0) for _ in range(2)]
    for world in worlds:
        seed(world, users=40, groups=6, memberships=90, apps=3, admins=2, rng_seed=7)
    assert dump(worlds[0]) == dump(worlds[1])


def test_a_seed_has_the_sizes_that_were_asked_for() -> None:
    world = World()
    seed(world, users=40, groups=6, memberships=200, apps=3, admins=2)
    assert (len(world.users), len(world.groups), len(world.members), len(world.applications)) == (40, 6, 200, 3)
    assert len(world.admins) == 4
    assert len({user.email for user in world.users}) == 40


def test_more_memberships_than_fit_fill_every_group() -> None:
    world = World()
    seed(world, users=5, groups=2, memberships=1_000)
    assert len(world.members) == 10


def test_people_are_the_same_in_every_system_and_never_share_an_address() -> None:
    assert person(3) == person(3)
    assert len({person(number).email for number in range(20_000)}) == 20_000


def test_a_written_seed_file_can_name_people_and_groups() -> None:
    world = World()
    load(
        world,
        {
            "users": [{"email": "Ada@Example.com", "department": "Finance"}, {"email": "bob@example.com"}],
            "groups": [{"name": "Admins", "members": ["ada@example.com", "bob"]}],
            "applications": [{"name": "zoom", "groups": ["admins"], "users": ["bob"]}],
            "admins": [{"email": "boss@example.com", "role": "Manager"}],
            "keys": [{"key": "jca_boss", "admin": "boss@example.com"}],
            "switches": {"consistency_lag_ms": 10},
        },
    )
    group = next(iter(world.groups))
    assert [user.username for user in world.users] == ["ada", "bob"]
    assert len(world.members.rights(group.id)) == 2
    assert world.switches.consistency_lag_ms == 10


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"people": []}, "Unknown parts: people"),
        ({"users": [{"emial": "x"}]}, "Unknown fields in users: emial"),
        ({"groups": [{"name": "A", "members": ["nobody"]}]}, "There is no user 'nobody'"),
        ({"groups": [{}]}, "A row of groups is not complete"),
        ({"keys": [{"key": "k", "admin": "nobody"}]}, "No administrator has the key 'k'"),
        ({"switches": {"nonsense": 1}}, "No such switch: nonsense"),
    ],
)
def test_a_seed_file_that_makes_no_sense_is_refused_with_a_sentence(document: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        load(World(), document)
