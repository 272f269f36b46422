from typing import Protocol

from simulator.switches import SwitchBoard


class World(Protocol):
    """The state of one simulated system; what is done to the state are functions of the system's package."""

    @property
    def switches(self) -> SwitchBoard:
        """Return the switches of this world."""

    def credentials(self) -> dict[str, str]:
        """Return what a client needs to get in, by the name of the setting."""
