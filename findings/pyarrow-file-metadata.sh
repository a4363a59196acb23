#!/usr/bin/env bash
# pyarrow 26.0.1, key-value metadata of Parquet files.
#
# `read_schema` and `read_table` show the metadata of the file's footer as that of the schema, unless the file has the key
# `ARROW:schema`, which pyarrow and the Rust crate write by default: then only the keys inside of that are shown, and all
# others are hidden without a word, from pandas too. `read_metadata` has them all.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet pyarrow==26.0.1
env/bin/python - <<'RUN' | tee seen
import pyarrow
from pyarrow import parquet

table = pyarrow.table({"energy": [1.5]}).replace_schema_metadata({"unit": "mJ"})
for store_schema in (False, True):
    with parquet.ParquetWriter("table.parquet", table.schema, store_schema=store_schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"version": "1"})
    keys = lambda metadata: sorted(key.decode() for key in metadata or {})
    print("ARROW:schema", store_schema)
    print("  footer", *keys(parquet.read_metadata("table.parquet").metadata))
    print("  schema", *keys(parquet.read_schema("table.parquet").metadata))
    print("  table", *keys(parquet.read_table("table.parquet").schema.metadata))
RUN
diff seen - <<'SEEN'
ARROW:schema False
  footer version
  schema version
  table version
ARROW:schema True
  footer ARROW:schema unit version
  schema unit
  table unit
SEEN
