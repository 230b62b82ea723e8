"""`python -m prefect_storyboard.sandbox`."""

from prefect_storyboard.sandbox.server import main

main()
