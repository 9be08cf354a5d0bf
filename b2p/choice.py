"""From what people type after --image to an image on this computer and the family it is of."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from b2p import families, images
from b2p.errors import DownloadError, StateError
from b2p.families import addresses
from b2p.families.model import InRedirect
from b2p.families.recognise import Evidence as Marks
from b2p.families.recognise import recognise
from b2p.formats import checksums
from b2p.image import address, downloads, medium, proof
from b2p.image.pull import Pulled, Puller, Signature, Wanted

if TYPE_CHECKING:
    from b2p.families.model import Family, Latest, Source
    from b2p.image.medium import Evidence
    from b2p.machine.model import Arch
    from b2p.report import Report
    from b2p.store.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """An image that is here, looked into."""

    family: Family
    path: Path
    digest: str
    in_cache: bool
    found: Evidence


@dataclass(frozen=True, slots=True)
class Chooser:
    """Finds images; fetches those that are not here."""

    puller: Puller
    media: Path
    arch: Arch
    report: Report

    def wished(self, word: str) -> Chosen:
        """The image that `word` means: a family's name, a digest's beginning, a path or an address.

        Raises UsageError, DownloadError, TamperedError.
        """
        if families.is_name(word):
            family = families.by_name(word)
            return self._examined(self._of_family(family), family)
        with contextlib.suppress(LookupError):
            return self._examined(self._by_prefix(word))
        if not address.is_address(word) and not Path(word).exists():
            families.by_name(word)  # says which names there are
        return self._examined(self.puller.pull(Wanted(address=word)))

    def wanted(self, word: str, digest: str = "") -> Wanted:
        """Where the image that `word` names is to be fetched, with what its maker says of it.

        `digest` is what the person who asks knows: "sha256:...". Raises UsageError.
        """
        if families.is_name(word) and not digest:
            family = families.by_name(word)
            return self._wanted(self.newest(addresses.source_for(family, self.arch)))
        return images.by_address(word, digest)

    def recorded(self, record: Record) -> Chosen:
        """The image that the machine was made of; raises StateError where it is gone."""
        family = families.by_name(record.family)
        if record.image_path:
            pulled = self.puller.pull(Wanted(address=record.image_path))
            if pulled.digest != record.image:
                raise StateError(
                    f"the image {record.image_path!r} of machine {record.name!r} was changed",
                    "put the old one back; its disk lies on it",
                )
            return self._examined(pulled, family)
        kept = downloads.by_digest(self.media, record.image)
        if kept is None:
            raise StateError(
                f"the image {record.image[:12]!r} of machine {record.name!r} is not in the cache",
                f"fetch it again: b2p image pull {record.family}",
            )
        pulled = Pulled(path=kept.path, digest=kept.digest, name=kept.name, in_cache=True)
        return self._examined(pulled, family)

    def _by_prefix(self, word: str) -> Pulled:
        """Raises LookupError where no image's digest begins so."""
        kept = [one for one in downloads.every(self.media) if one.digest.startswith(word)]
        if len(kept) != 1 or len(word) < 4:
            raise LookupError(word)
        (one,) = kept
        return Pulled(path=one.path, digest=one.digest, name=one.name, in_cache=True)

    def _of_family(self, family: Family) -> Pulled:
        source = self.newest(addresses.source_for(family, self.arch))
        self.report.note(f"{family.title}: {source.image}")
        return self.puller.pull(self._wanted(source))

    def newest(self, source: Source) -> Source:
        """The source with the newest release filled in; its publisher silent, with a known one."""
        where = addresses.question(source.latest)
        try:
            answer = self._answer(source.latest, where) if where else {}
            values = addresses.answered(source.latest, **answer)
        except DownloadError as error:
            if source.known:
                values = source.known
                version = values.get("version", "")
                self.report.warn(f"{error.message}; version {version} is taken", error.hint)
            elif (unnamed := addresses.unnamed(source)) is not None:
                return unnamed
            else:
                raise
        return addresses.filled(source, values)

    def _answer(self, latest: Latest, where: str) -> dict[str, str]:
        if isinstance(latest, InRedirect):
            return {"url": self.puller.destination(where)}
        return {"text": self.puller.document(where).decode("utf-8", "replace")}

    def _wanted(self, source: Source) -> Wanted:
        return Wanted(
            address=source.image,
            digest=self._digest(source),
            signature=self._signature(source),
            mirrors=source.mirrors,
        )

    def _digest(self, source: Source) -> tuple[str, str] | None:
        if not source.checksum:
            return None
        text = self._checksums(source).decode("utf-8", "replace")
        found = checksums.find(text, address.file_name(source.image), source.checksum_format)
        return found.algorithm, found.hex

    def _checksums(self, source: Source) -> bytes:
        """The checksum file, proven where its maker signs it and has a key."""
        content = self.puller.document(source.checksum)
        if not (source.checksum_signature and source.key):
            return content
        is_inline = source.checksum_signature == "inline"
        return proof.signed_text(
            content,
            self.puller.document(source.key),
            where=address.file_name(source.checksum),
            signature=None if is_inline else self.puller.document(source.checksum_signature),
        )

    def _signature(self, source: Source) -> Signature | None:
        if not (source.signature and source.key):
            return None
        return Signature(
            content=self.puller.document(source.signature),
            certificates=self.puller.document(source.key),
        )

    def _examined(self, pulled: Pulled, family: Family | None = None) -> Chosen:
        found = medium.examine(pulled.path, name=pulled.name)
        medium.check_architecture(found, self.arch)
        return Chosen(
            family=family or recognise(marks(found)),
            path=pulled.path,
            digest=pulled.digest,
            in_cache=pulled.in_cache,
            found=found,
        )


def marks(found: Evidence) -> Marks:
    """What an image shows, as families look at it."""
    partitions = {one.name for one in found.partitions} | {one.label for one in found.partitions}
    return Marks(
        medium="iso" if found.kind == "iso" else "disk",
        file_name=found.file_name,
        volume_label=found.label,
        iso_files=frozenset(path.lstrip("/") for path in found.files),
        partitions=frozenset(partitions - {""}),
        partition_files=frozenset(found.loaders),
        os_id=found.release.get("ID", ""),
        os_variant=found.release.get("VARIANT_ID", "") or found.release.get("VARIANT", ""),
        os_name=found.release.get("NAME", ""),
    )
