"""Twelve small flows to copy from: each runs on the sandbox with one command, and buys nothing the second time."""
