"""Make Prefect's cache keys safe: INPUTS hashes the arguments only, with their secrets masked."""

from dataclasses import dataclass, field
from typing import Any

from prefect.cache_policies import NO_CACHE, CachePolicy
from prefect.context import TaskRunContext

from prefect_storyboard.blocks import Library
from prefect_storyboard.blocks.gateway import GatewayCredentials


@dataclass
class OwnKeys(CachePolicy):
    """The keys of another policy, under the name of one task.

    An account is identified by provider, account and hosts, and a library by its URL: Prefect itself would take two
    accounts with different keys for equal, and one account with a changed limit for another.
    """

    policy: CachePolicy = field(default_factory=lambda: NO_CACHE)
    owner: str = ""

    def compute_key(
        self, task_ctx: TaskRunContext, inputs: dict[str, Any], flow_parameters: dict[str, Any], **kwargs: Any
    ) -> str | None:
        """The policy's own key with the task's name in front; None where the policy has none."""
        key = self.policy.compute_key(
            task_ctx=task_ctx, inputs=_counted(inputs), flow_parameters=_counted(flow_parameters), **kwargs
        )
        return None if key is None else f"{self.owner}-{key}"


def own_keys(policy: CachePolicy | type[Any] | None, owner: str) -> CachePolicy | type[Any] | None:
    """The same policy with keys that no other task shares. Without a policy nothing is cached."""
    if not isinstance(policy, CachePolicy) or policy == NO_CACHE:
        return policy
    return OwnKeys(
        key_storage=policy.key_storage,
        isolation_level=policy.isolation_level,
        lock_manager=policy.lock_manager,
        policy=policy,
        owner=owner,
    )


def _counted(value: Any) -> Any:
    if isinstance(value, GatewayCredentials):
        return {"provider": value.provider, "account": value.account, "hosts": value.hosts}
    if isinstance(value, Library):
        return {"library": value.url}
    if isinstance(value, dict):
        return {name: _counted(each) for name, each in value.items()}
    if type(value) in {list, tuple}:
        return type(value)(map(_counted, value))
    return value
