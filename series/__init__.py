"""How a storyboard becomes a reel: prepare, price, cast, render the scenes, suspend, report."""
