"""Pay once: buy, reconcile, wait, settle, budget. Nothing here imports Prefect."""
