"""How each torch story is driven: a file a family of rules. Each call hands a story small data and lets it train."""

from __future__ import annotations

from tests.oracles.story import Drivers
from tests.oracles.torch_stories import clipping, dead_units, recurrence, saturation

DRIVERS: Drivers = clipping.DRIVERS | saturation.DRIVERS | dead_units.DRIVERS | recurrence.DRIVERS
EXEMPT = recurrence.EXEMPT | dead_units.EXEMPT | clipping.EXEMPT
