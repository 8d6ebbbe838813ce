"""The sentences of a report: each a function of its numbers, one file an area; those of a check stand beside the check."""
