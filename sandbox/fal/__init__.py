"""fal.ai on the sandbox: strict, with its own words for what goes wrong, written from the wire contract alone."""
