"""The store in a PostgreSQL with TimescaleDB: chunks instead of partitions by month.

TimescaleDB is in no package source of Debian, so the server gets an extension with its name whose functions take what
those of TimescaleDB 2 take, and do it in a simple way: a chunk is a number, and dropping chunks deletes their rows.
"""

import time

import pytest
from support.postgres import Postgres
from support.postgres_contract import PostgresContract
from support.store_contract import Start
from support.stored import alert

from edge.store.address import parse_address
from edge.store.engine import Engine, open_engine
from edge.store.partitions import CHUNK_S

pytestmark = pytest.mark.store
DAY = 86400
EXTENSION = """
CREATE SCHEMA "time scale";
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    VALUES (99999, 'timescaledb', 10, '"time scale"'::regnamespace, false, '2.23.0');
CREATE TABLE "time scale".hypertables (name regclass PRIMARY KEY, time_column name, span bigint);
CREATE FUNCTION "time scale".create_hypertable(relation regclass, time_column_name name,
    partitioning_column name DEFAULT NULL, number_partitions integer DEFAULT NULL,
    chunk_time_interval anyelement DEFAULT NULL::bigint, create_default_indexes boolean DEFAULT true,
    if_not_exists boolean DEFAULT false) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = relation) <> 'r' THEN
        RAISE 'table "%" is already partitioned', relation;
    END IF;
    INSERT INTO "time scale".hypertables VALUES (relation, time_column_name, chunk_time_interval);
    RETURN true;
END $$;
CREATE FUNCTION "time scale".drop_chunks(relation regclass, older_than bigint DEFAULT NULL,
    newer_than bigint DEFAULT NULL, "verbose" boolean DEFAULT false) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    hypertable "time scale".hypertables%ROWTYPE;
BEGIN
    SELECT * INTO STRICT hypertable FROM "time scale".hypertables WHERE name = relation;
    RETURN QUERY EXECUTE format(
        'WITH gone AS (DELETE FROM %1$s WHERE (%2$I / %3$s + 1) * %3$s <= $1 AND %2$I / %3$s * %3$s >= $2 '
        'RETURNING %2$I / %3$s AS chunk) SELECT DISTINCT chunk::text FROM gone',
        relation, hypertable.time_column, hypertable.span) USING older_than, newer_than;
END $$;
GRANT USAGE ON SCHEMA "time scale" TO PUBLIC;
GRANT SELECT ON "time scale".hypertables TO PUBLIC;
"""


class TestTimescale(PostgresContract):
    @pytest.fixture
    def address(self, postgres: Postgres) -> str:
        database = postgres.new_database()
        postgres.sql(EXTENSION, database=database)
        return postgres.address(database)

    def test_tables_are_hypertables_and_old_chunks_are_dropped(self, start: Start, engine: Engine) -> None:
        stored, now = start(keep_days=50), time.time()
        ages = (0, 49, 51, 200)
        stored.take(*(("porch", "alert", alert(at=now - age * DAY, id=f"{age}")) for age in ages))
        tables = 'SELECT name::text, span FROM "time scale".hypertables ORDER BY 1'
        assert engine.rows(tables) == [
            ("alerts", CHUNK_S * 1000),
            ("counts", CHUNK_S),
            ("health", CHUNK_S * 1000),
        ]
        engine.forget(50, int(now))
        assert engine.rows("SELECT id FROM alerts ORDER BY id") == [("0",), ("49",)]

    def test_tables_that_are_parted_already_stay_so(self, postgres: Postgres) -> None:
        """As where the extension came later."""
        database = postgres.new_database()
        address = postgres.address(database)
        before = open_engine(parse_address(address), writes=True)
        before.write([])
        before.close()
        postgres.sql(EXTENSION, database=database)
        engine, now = open_engine(parse_address(address), writes=True), int(time.time())
        engine.prepare({"alerts": [(now - 200 * DAY) * 1000], "counts": [], "health": []}, now)
        engine.forget(100, now)
        assert engine.rows("SELECT relkind::text FROM pg_class WHERE relname = 'alerts'") == [("p",)]
        engine.close()
