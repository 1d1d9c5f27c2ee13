"""The store: immutable Parquet objects, the sidecars that say how each was made, and what is accepted."""

from pipelines.store.acceptance import Acceptance, Rejection
from pipelines.store.objects import Place, Sidecar, Store, digest

__all__ = ["Acceptance", "Place", "Rejection", "Sidecar", "Store", "digest"]
