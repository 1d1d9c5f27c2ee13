-- From which deliveries was this release made, and when?
-- One row per wave of a source; n_rows are records accepted, n_rejected_rows those set aside. How one table was made is in the
-- sidecar of its object, in warehouse/store.
with this_release as (
  select release_id, published_at from meta.releases where is_this_release
)
select
  this_release.release_id, this_release.published_at,
  deliveries.source, deliveries.wave, deliveries.design, deliveries.verdict, deliveries.n_tables, deliveries.n_rows,
  deliveries.n_rejected_rows, deliveries.accepted_at, deliveries.is_synthetic
from meta.deliveries as deliveries
cross join this_release
order by deliveries.source, deliveries.wave
