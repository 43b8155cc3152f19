"""The weeks' frozen responses as Parquet files."""
