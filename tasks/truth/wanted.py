"""Which lists an audit needs, by what its tickets name: the members of three groups, and not of three thousand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from access.entitlements import EntitlementRef, ResourceKind, System
from access.text import loose_name
from access.ticket_mapping import parts_of
from connectors.reading import Part, ResourceRow
from tasks.truth.picture import Picture


class Wanted:
    """What tickets name in one system. Names are compared loosely: one list too many is read, and never one too few."""

    def __init__(
        self,
        system: System,
        texts: Iterable[str],
        *,
        kinds: Sequence[tuple[System, ResourceKind]],
        called: Mapping[str, str],
    ) -> None:
        self.system = system
        self._names: dict[ResourceKind, set[str]] = defaultdict(set)
        aliases = {loose_name(name): written for name, written in called.items()}
        for text in {each for whole in texts for each in (whole, *parts_of(whole))}:
            written = aliases.get(loose_name(text), text).strip()
            try:
                ref = EntitlementRef.parse(written)
            except ValueError:
                for of, kind in kinds:
                    self._add(of, kind, loose_name(written))
            else:
                self._add(ref.system, ref.kind, " ".join(map(loose_name, ref.path)))

    @property
    def anything(self) -> bool:
        """Whether tickets may name anything of the system at all."""
        return bool(self._names)

    def __call__(self, part: Part, picture: Picture) -> bool:
        """Whether a list of one resource is needed."""
        about = part.about
        if part.name.startswith("group-apps"):
            return bool(self._names[ResourceKind.APPLICATION])
        if "group" in about:
            return self._names_of(ResourceKind.GROUP, picture.things[ResourceKind.GROUP].get(about["group"]))
        if "application" in about:
            thing = picture.things[ResourceKind.APPLICATION].get(about["application"])
            return self._names_of(ResourceKind.APPLICATION, thing)
        if "project" in about:
            return self._project(picture.things[ResourceKind.PROJECT].get(about["project"]), about)
        return True

    def _add(self, system: System, kind: ResourceKind, name: str) -> None:
        if system is self.system:
            self._names[kind].add(name)

    def _names_of(self, kind: ResourceKind, thing: ResourceRow | None) -> bool:
        return thing is not None and not self._names[kind].isdisjoint({loose_name(thing.name), loose_name(thing.id)})

    def _project(self, project: ResourceRow | None, about: Mapping[str, str]) -> bool:
        """Whether the tickets name the project, and the role where its name is known."""
        roles = self._names[ResourceKind.PROJECT_ROLE]
        if project is None or not roles:
            return False
        called = tuple(
            map(loose_name, (str(project.attributes.get("key", "")) or project.id, project.name, project.id))
        )
        ends = tuple(map(loose_name, (about.get("name") or "", about.get("role") or "")))
        ends = () if not about.get("name") else ends
        return any(name.startswith(called) and (not ends or name.endswith(ends)) for name in roles)
