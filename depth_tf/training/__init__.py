"""Around `fit`: the flags of a run, its devices, its records, and how it goes on after it was killed."""
