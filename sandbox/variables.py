"""The addresses and keys of a sandbox, as the variables that the tool reads."""


def environment(base: str) -> dict[str, str]:
    """The variables that point the tool at a sandbox."""
    return {
        "FAL_KEY": "sandbox:sandbox",
        "FAL_QUEUE_URL": f"{base}/fal/queue",
        "FAL_REST_URL": f"{base}/fal/rest",
        "FAL_PLATFORM_URL": f"{base}/fal/v1",
        "KIE_API_KEY": "sandbox",
        "KIE_API_URL": f"{base}/kie/api",
        "KIE_UPLOAD_URL": f"{base}/kie/upload",
        "OPENAI_API_KEY": "sk-sandbox",
        "OPENAI_BASE_URL": f"{base}/openai/v1",
        "TOAPIS_API_KEY": "sk-sandbox",
        "TOAPIS_API_URL": f"{base}/toapis",
        "WAVESPEED_API_KEY": "sandbox",
        "WAVESPEED_API_URL": f"{base}/wavespeed",
    }
