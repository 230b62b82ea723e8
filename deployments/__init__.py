"""What deployments need (limits, blocks, a work pool, automations), and a script that serves the flows."""
