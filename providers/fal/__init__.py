"""fal.ai: the adapter, the request bodies of its models, and its errors."""
