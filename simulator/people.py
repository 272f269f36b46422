"""The people all simulated systems share: person number n is the same human being in each of them."""

from dataclasses import dataclass
from typing import Final

DOMAIN = "example.com"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST: Final = _words(
    "Ada Alan Amara Anders Aiko Bianca Bruno Camila Chidi Chloe Daniel Diego Dina Elif Emil Esther Fatima Felix "
    "Freya Gabriel Grace Hana Hugo Ines Ivan Jamal Jonas Julia Kaito Karim Katya Lars Leila Lena Liam Lucia Mateo "
    "Maya Mei Milan Nadia Nikhil Noah Nora Olga Omar Oscar Priya Quentin Rafael Ravi Rosa Sami Sara Sofia Stefan "
    "Tariq Tessa Theo Uma Victor Wanda Yara Zane"
)
_LAST: Final = _words(
    "Abbott Achebe Adler Alvarez Andersen Baker Banerjee Becker Bishop Bondar Brandt Carter Castillo Chen Costa "
    "Dahl Diaz Doyle Dubois Eriksen Evans Farouk Fischer Flores Garcia Ghosh Greene Haddad Hansen Hoffman Ito "
    "Ivanova Jensen Johansson Kaplan Khan Kim Kowalski Kumar Larsen Lopez Marino Mbeki Meyer Moreau Nakamura Novak "
    "Okafor Olsen Park Patel Petrov Quinn Ramos Reyes Rossi Sato Schmidt Silva Tanaka Usman Vargas Weber Yilmaz "
    "Zhang"
)
_DEPARTMENTS = ("Engineering", "Finance", "Operations", "People", "Sales", "Security", "Support")


@dataclass(frozen=True, slots=True)
class Person:
    """A human being with an e-mail address that is the same in every system."""

    number: int
    first: str
    last: str
    username: str
    email: str
    department: str


def person(number: int) -> Person:
    """Person number `number` (from 0); the same number always gives the same person."""
    first = _FIRST[number % len(_FIRST)]
    last = _LAST[number // len(_FIRST) % len(_LAST)]
    lap = number // (len(_FIRST) * len(_LAST))
    username = f"{first}.{last}{lap or ''}".lower()
    return Person(
        number=number,
        first=first,
        last=last,
        username=username,
        email=f"{username}@{DOMAIN}",
        department=_DEPARTMENTS[number % len(_DEPARTMENTS)],
    )
