"""Data in an object store. moto's server stands in for one: it proves the calls, not a store."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.postgres import Server
from tests.warehouse.places import Place
from tests.warehouse.rows import load, network
from warehouse.connection import connect
from warehouse.home import Home
from warehouse.measures import MeasureRequest, compute
from warehouse.settings import WarehouseSettings

SECRET = "sesame-opens-the-store"


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, endpoint: str) -> WarehouseSettings:
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="eu-north-1",
        aws_access_key_id="me",
        aws_secret_access_key=SECRET,
    )
    bucket = f"xrays-{request.param}"  # moto keeps its buckets from server to server
    place = {"LocationConstraint": "eu-north-1"}
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    catalog = "sqlite"
    if request.param == "postgres":
        server: Server = request.getfixturevalue("postgres")
        catalog = server.database("objects")
    return WarehouseSettings(
        catalog=catalog,
        data=f"s3://{bucket}/national",
        s3_endpoint=endpoint,
        s3_region="eu-north-1",
        s3_key_id="me",
        s3_secret=SECRET,
    )


def test_rows_go_to_the_store_and_come_back(
    settings: WarehouseSettings, endpoint: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with network(home, settings) as warehouse:
        load(warehouse, "A1 2026-05-11 PPPNNNNNNNNN\nB1 2026-05-12 PPNNNNNNNNNN")
    client = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id="me",
                          aws_secret_access_key=SECRET, region_name="eu-north-1")  # fmt: skip
    keys = [
        one["Key"] for one in client.list_objects_v2(Bucket=settings.data.split("/")[2])["Contents"]
    ]
    assert any(key.startswith("national/main/studies/") for key in keys)
    assert not list(home.rglob("*.parquet"))
    with Place(home, settings).open(read_only=True) as warehouse:
        (found,) = compute(warehouse, MeasureRequest("positivity", by=()))
        assert (found.numerator, found.denominator) == (5, 24)
    for path in home.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()


def test_a_store_that_refuses_is_an_error_without_the_secret(tmp_path: Path) -> None:
    settings = WarehouseSettings(
        data="s3://nowhere/x", s3_endpoint="http://127.0.0.1:9", s3_key_id="me", s3_secret=SECRET
    )
    connection = connect(Home(_made(tmp_path)), read_only=False, settings=settings)
    connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    with pytest.raises(Exception, match=r"127\.0\.0\.1") as raised:
        connection.execute("INSERT INTO t SELECT 2 FROM range(100)")
    assert SECRET not in str(raised.value)
    assert SECRET not in str(connection.execute("FROM duckdb_secrets()").fetchall())


def _made(home: Path) -> Path:
    (home / "warehouse").mkdir()
    return home
