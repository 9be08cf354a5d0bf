"""What packages need, followed to the end. Nothing is installed, so conflicts are not looked at."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from b2p.debian.index import Relation
from b2p.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from b2p.debian.index import Index, Package


class _AnotherVersionError(Exception):
    """A version chosen before does not fit; begin anew with this one."""

    def __init__(self, package: Package) -> None:
        super().__init__(package.name)
        self.package = package


def closure(index: Index, roots: Iterable[str], *, without: Collection[str] = ()) -> list[Package]:
    """The packages of these names with all that they need, sorted by name.

    Of alternatives the first one that is chosen already is taken, else the first that exists,
    else a provider. Names in `without` are left out and count as there. DownloadError names the
    first dependency that nothing fulfils.
    """
    wanted = tuple(dict.fromkeys(roots))
    pins: dict[str, Package] = {}
    while True:
        try:
            chosen = _Choice(index, frozenset(without), pins).made(wanted)
        except _AnotherVersionError as wish:
            pins[wish.package.name] = wish.package
        else:
            return sorted(chosen, key=lambda package: package.name)


class _Choice:
    """One attempt; `pins` are versions that an earlier one found to be needed."""

    def __init__(self, index: Index, without: frozenset[str], pins: dict[str, Package]) -> None:
        self._index = index
        self._without = without
        self._pins = pins
        self._chosen: dict[str, Package] = {}
        self._provided: dict[str, list[str | None]] = {}
        self._demands: dict[str, list[Relation]] = {}
        self._queue: deque[Package] = deque()

    def made(self, roots: Iterable[str]) -> Iterable[Package]:
        """All packages, the roots first of all so that alternatives heed them."""
        for root in roots:
            named = (Relation(root),)
            if not self._is_met(named):
                self._choose(self._found(named) or _unknown(root))
        while self._queue:
            package = self._queue.popleft()
            for group in package.depends:
                if not self._is_met(group):
                    self._choose(self._found(group) or self._exchanged(package, group))
        return self._chosen.values()

    def _choose(self, package: Package) -> None:
        self._chosen[package.name] = package
        self._queue.append(package)
        for name, version in package.provides:
            self._provided.setdefault(name, []).append(version)

    def _is_met(self, group: Iterable[Relation]) -> bool:
        """Whether one alternative is left out on purpose or chosen by now."""
        for relation in group:
            if relation.name in self._without:
                return True
            package = self._chosen.get(relation.name)
            if package is not None and relation.accepts(package.version):
                self._demands.setdefault(relation.name, []).append(relation)
                return True
            if any(map(relation.accepts, self._provided.get(relation.name, ()))):
                return True
        return False

    def _found(self, group: Iterable[Relation]) -> Package | None:
        """The package to choose for it: the first real one that fits, else a provider."""
        for relation in group:
            if relation.name not in self._chosen:
                for package in self._versions(relation.name):
                    if relation.accepts(package.version):
                        self._demands.setdefault(relation.name, []).append(relation)
                        return package
        for relation in group:
            for package in self._index.providers(relation.name):
                if package.name not in self._chosen and package.gives(relation):
                    return package
        return None

    def _versions(self, name: str) -> Iterable[Package]:
        return [self._pins[name]] if name in self._pins else self._index.candidates(name)

    def _exchanged(self, package: Package, group: tuple[Relation, ...]) -> Package:
        """Ask for another version of what is chosen, if one fits all that was demanded of it."""
        for relation in group:
            for other in self._versions(relation.name):
                demands = [relation, *self._demands.get(relation.name, ())]
                if all(demand.accepts(other.version) for demand in demands):
                    raise _AnotherVersionError(other)
        needs = " | ".join(map(str, group))
        raise DownloadError(
            f"{package.name} {package.version} needs {needs}, which Debian's lists do not have",
            "the mirror may be in the middle of an update: try again in an hour, or another mirror",
        )


def _unknown(root: str) -> Package:
    raise DownloadError(
        f"there is no package {root!r} in Debian's lists", "check the name and the suites"
    )
