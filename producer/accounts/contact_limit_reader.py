"""Asks an account how many contacts its contract allows."""

from producer.accounts.checker import Checker
from producer.accounts.contact_limit import ContactLimit
from producer.registry.store import Registry, Unregistered
from wire.chunk_queue.run import Run
from wire.vault import SecretError, Vault


class ContactLimits:
    """Reads the contract behind a run's connection, within the account's limits."""

    def __init__(self, registry: Registry, checker: Checker, vault: Vault) -> None:
        self._registry = registry
        self._checker = checker
        self._vault = vault

    async def of(self, run: Run) -> ContactLimit | None:
        """Return what the account says; None where only an administrator's key would be told, or it does not say."""
        connection = await self._registry.connection_by_id(run.connection)
        if connection is None or not connection.administrator:
            return None
        try:
            api_key = self._vault.open(connection.id, await self._registry.secret(connection.id))
        except (SecretError, Unregistered):
            return None
        account = await self._checker.account(connection.host, api_key)
        if account is None or account.subscriber_limit is None or account.subscriber_total is None:
            return None
        return ContactLimit(account.subscriber_limit, account.subscriber_total)
