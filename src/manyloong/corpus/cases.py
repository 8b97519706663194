"""The whole corpus."""

from manyloong.corpus.archives import ARCHIVE_SAMPLES
from manyloong.corpus.elves import ELF_SAMPLES
from manyloong.corpus.sample import Sample
from manyloong.corpus.tags import TAG_SAMPLES


def all_samples() -> tuple[Sample, ...]:
    """Every sample, by rule; of each rule first the one that trips it."""
    every = (*ELF_SAMPLES, *TAG_SAMPLES, *ARCHIVE_SAMPLES)
    return tuple(sorted(every, key=lambda one: (one.rule, not one.trips)))
