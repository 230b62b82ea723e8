"""Serve the flows from one process, for those who have no work pool: `python deployments/serve.py`."""

from prefect import serve

from prefect_storyboard.flows import create_characters, storyboard_series

if __name__ == "__main__":
    serve(
        storyboard_series.to_deployment("series", tags=["storyboard"]),
        create_characters.to_deployment("characters", tags=["storyboard"]),
    )
