"""Every example twice, async and plain: the first run buys what its page says, the second one buys nothing."""

import asyncio
import importlib
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import pytest
from prefect.events import Event, Resource
from prefect.types import DateTime
from prefect.utilities.templating import apply_values

from prefect_storyboard.blocks import FalCredentials, Library
from prefect_storyboard.examples.flows import (
    budget,
    choose_model,
    collecting,
    continuing,
    nightly,
    on_event,
    refused,
    shared_cast,
    teaser,
    threads,
    to_s3,
    variants,
)
from prefect_storyboard.sandbox.exchange import Pace
from prefect_storyboard.sandbox.server import running
from prefect_storyboard.storyboards import Clip, Reel
from tests.flows.gateways import GATEWAYS, Branch

ROOT = Path(__file__).parents[2]
