"""Databases that do not run here: what their drivers would be told, and never a secret in a URI."""

from producer.snapshots.locations.bigquery import BigQuery
from producer.snapshots.locations.bigquery import options as of_bigquery
from producer.snapshots.locations.snowflake import Snowflake
from producer.snapshots.locations.snowflake import options as of_snowflake


def test_snowflake_is_told_what_uri_and_environment_say() -> None:
    """A key pair comes before a password."""
    place = Snowflake({}).place("snowflake://acme-x1/CRM/PUBLIC?table=people&key=id&warehouse=SMALL")
    told = of_snowflake(place, {"SNOWFLAKE_USER": "exporter", "SNOWFLAKE_PASSWORD": "hush"})
    assert told == {
        "adbc.snowflake.sql.account": "acme-x1",
        "adbc.snowflake.sql.db": "CRM",
        "adbc.snowflake.sql.schema": "PUBLIC",
        "adbc.snowflake.sql.warehouse": "SMALL",
        "username": "exporter",
        "password": "hush",
    }
    pair = of_snowflake(place, {"SNOWFLAKE_PRIVATE_KEY_PATH": "/key.p8", "SNOWFLAKE_PASSWORD": "hush"})
    assert pair["adbc.snowflake.sql.auth_type"] == "auth_jwt"
    assert "password" not in pair


def test_bigquery_uses_the_platform_s_own_credentials() -> None:
    """None of ours."""
    told = of_bigquery(BigQuery().place("bigquery://project/dataset?table=people&key=id"))
    assert told["adbc.bigquery.sql.project_id"] == "project"
    assert told["adbc.bigquery.sql.dataset_id"] == "dataset"
