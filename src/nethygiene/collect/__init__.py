"""Collecting: from targets to transcripts, in one round trip a host."""
