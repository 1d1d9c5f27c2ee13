"""Sources with other settings than those of the project."""

from pipelines.project.sources import Source


def with_generator(source: Source, **changes: object) -> Source:
    """The source with other settings of its generator."""
    return source.model_copy(update={"generator": {**(source.generator or {}), **changes}})
