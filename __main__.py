"""`python -m prefect_storyboard` is `storyboard`."""

from prefect_storyboard.cli.main import main

main()
