"""Where things are on this machine. What an analyst decides about the study is not here: it is in study.yaml."""

from pathlib import Path
from typing import Literal

from pydantic import ByteSize, Field, PositiveInt, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parents[2]

STUDY = "study.yaml"
"""The file by which a folder is known as a project."""


def found_project() -> Path:
    """The project that is worked on unless the environment names one: the nearest folder with a study.yaml, upwards from where
    the command is typed; without one the checkout that this code lies in, or where there is none either, the folder itself."""
    try:
        here = Path.cwd()
    except FileNotFoundError:  # removed meanwhile
        return REPOSITORY
    projects = (folder for folder in (here, *here.parents, REPOSITORY) if (folder / STUDY).is_file())
    return next(projects, here)


class Settings(BaseSettings):
    """Read from the environment (`CRAMP_ATLAS_...`); relative paths are relative to the project folder."""

    model_config = SettingsConfigDict(env_prefix="CRAMP_ATLAS_", frozen=True, populate_by_name=True)

    project: Path = Field(
        default_factory=found_project,
        description="Folder that holds study.yaml, data_contracts/ and sql/; default: the nearest one upwards.",
    )
    warehouse: Path = Field(Path("warehouse"), description="Folder of the store and the releases.")
    landing: Path | None = Field(None, description="Folder of the deliveries; default: landing/ in the warehouse.")
    nhanes_url: str = Field("https://wwwn.cdc.gov", description="Base of the NHANES files: an http(s) or file URL, or a folder.")
    engine: Literal["duckdb", "spark"] = Field("duckdb", description="What runs the selects: DuckDB here, or a server of Spark.")
    spark_remote: SecretStr = Field(
        SecretStr(""), validation_alias="SPARK_REMOTE", description="That server, of Spark Connect: sc://host:port."
    )
    spark_objects: SecretStr = Field(
        SecretStr(""),
        description="Where that server reads copies of objects, s3://bucket/folder; default: the store.",
    )
    memory_limit: str = Field("4GB", description="What DuckDB may hold in memory before it spills to disk.")
    delivery_memory_limit: str = Field("1GB", description="The same while deliveries are taken in and harmonised.")
    reader_memory_limit: ByteSize = Field(ByteSize(16 * 10**9), description="Address space of the process that reads deliveries.")
    reader_seconds_limit: PositiveInt = Field(900, description="How long the reading of one file may take.")
    reader_decompressed_limit: ByteSize = Field(ByteSize(8 * 10**9), description="What one file may decompress to.")
    reader_member_limit: PositiveInt = Field(1000, description="How many members an archive may have.")
    reader_line_limit: ByteSize = Field(ByteSize(16 * 2**20), description="Bytes of a line or record of a text file.")

    views_above_rows: int = Field(5_000_000, ge=0, description="Raw and core tables of more rows are views over the store.")

    port: int = Field(3000, ge=1, le=65535, description="Port on 127.0.0.1 of the page that `ui` and `serve webserver` show.")

    query_engine: Path = Field(
        REPOSITORY / "build" / "query_engine", description="Folder of what answers SQL on a site of releases: make site-engine."
    )

    page_url: str = Field("", description="Where the report of the current release is served; `ui` serves it itself.")

    alert_urls: SecretStr = Field(SecretStr(""), description="Apprise URLs that are told of failures, with blanks between them.")

    @property
    def warehouse_folder(self) -> Path:
        return self.project / self.warehouse

    @property
    def landing_folder(self) -> Path:
        return self.project / self.landing if self.landing else self.warehouse_folder / "landing"

    @property
    def data_contracts(self) -> Path:
        return self.project / "data_contracts"

    @property
    def sql(self) -> Path:
        return self.project / "sql"
