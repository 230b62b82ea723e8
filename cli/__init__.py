"""The command line: `storyboard`."""
