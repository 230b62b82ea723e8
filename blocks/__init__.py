"""What the Prefect UI stores: credentials of the gateways, and the library."""

from prefect_storyboard.blocks.credentials import Credentials, FalCredentials, load_credentials
from prefect_storyboard.blocks.library import Library, load_library

__all__ = ["Credentials", "FalCredentials", "Library", "load_credentials", "load_library"]
