"""What deployments need (limits, blocks, a work pool, an automation), and a script that serves the flows."""
