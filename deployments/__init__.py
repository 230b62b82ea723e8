"""What `prefect.yaml` points at: limits, blocks, a work pool, an automation, and a script that serves the flows."""
