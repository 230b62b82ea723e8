"""The credentials block. Its fields are the form's, and its variables ACME_API_KEY, ACME_API_URL and ACME_ACCOUNT."""

from typing import Any, ClassVar

from acme_video.adapter import Acme
from prefect_storyboard.blocks.gateway import GatewayCredentials, host_field


class AcmeCredentials(GatewayCredentials):
    """An account at Acme. Create a key at https://acme.example/keys."""

    _block_type_name = "Acme Credentials"

    provider: ClassVar[str] = "acme"
    key_variable: ClassVar[str] = "ACME_API_KEY"
    connect: ClassVar[Any] = Acme

    api_url: str = host_field("https://api.acme.example", "API URL", "Host that takes everything.")
