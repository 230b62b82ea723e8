"""A storyboard goes in, a video series with consistent characters comes out, and every scene is paid for once."""
