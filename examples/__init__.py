"""Storyboards and small reference clips that run with no key."""
