"""What holds for the store in PostgreSQL, with TimescaleDB or without it."""

import psycopg
from support.store_contract import StoreContract


class PostgresContract(StoreContract):
    """Tests with the fixture ``address``, which is that of an empty database."""

    refuse_odd = "ALTER TABLE alerts ADD CHECK (event_type <> 'odd')"

    def execute(self, address: str, statement: str) -> None:
        with psycopg.connect(address) as connection:
            connection.execute(statement.encode())
