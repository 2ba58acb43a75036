"""The story: from `study-completed` to thumbnails in every key size of what stands for its series, and for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from radstream.bus.port import Record
from radstream.catalog.port import Catalog
from radstream.contract.errors import NotFound, UnsupportedInstance
from radstream.contract.events import StudyCompleted, from_json
from services.render.kept import Kept
from services.render.representative import of_each_series


@dataclass(frozen=True)
class StandIns:
    """Makes the thumbnails of series and studies.

    Who stands for a series is found out each time somebody asks, so nothing here can be out of date: a study that is
    completed once more, or in another order, has the thumbnails of those who stand for its series then.
    """

    catalog: Catalog
    kept: Kept

    async def on_study_completed(self, records: Sequence[Record]) -> None:
        """Handle a batch of records of `study-completed`.

        Raises
        ------
        MalformedEvent
            If one of them holds no such event.
        Unavailable
            If an engine does not answer.
        """
        for event in [from_json(record.value, StudyCompleted) for record in records]:
            for document in await of_each_series(self.catalog, event.study_instance_uid):
                try:
                    await self.kept.stand_for_others(document)
                except (UnsupportedInstance, NotFound):  # no picture, or deleted meanwhile: as whoever asks is told
                    continue
