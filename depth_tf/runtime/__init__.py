"""Shared by every program: flags and one-line errors, the run folder, files written whole, memory and machine."""
